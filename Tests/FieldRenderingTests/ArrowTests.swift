// Arrows: where they point, how long they are, where there is none.
import STEMCore
import Testing

@testable import FieldRendering

struct ArrowTests {
  private let rect = Rect(x: 10, y: 20, width: 280, height: 280)

  @Test(
    "The tip lies where the vector points: y downwards",
    arguments: [(1.0, 0.0), (0, 1), (-1, 0), (0, -1), (0.6, -0.8)])
  func direction(x: Double, y: Double) throws {
    let map = vectorMap(rows: 28, columns: 28) { _, _ in (x, y) }
    let arrows = ArrowGrid.arrows(of: map, limit: 1, in: rect)
    #expect(arrows.count == 28 * 28)
    let arrow = try #require(arrows.first)
    // Cells of 10 points: the full length is 9.2.
    #expect(abs(arrow.tip.x - arrow.tail.x - 9.2 * x) < 1e-9)
    #expect(abs(arrow.tip.y - arrow.tail.y - 9.2 * y) < 1e-9)
    #expect(abs((arrow.tip.x + arrow.tail.x) / 2 - 15) < 1e-9)
    #expect(abs((arrow.tip.y + arrow.tail.y) / 2 - 25) < 1e-9)
  }

  @Test("The outline's foremost point is the tip, its widest part near it")
  func outline() {
    let arrow = Arrow(tail: Point(x: 0, y: 0), tip: Point(x: 0, y: 20))
    let outline = arrow.outline
    #expect(outline.map(\.y).max() == 20)
    #expect(outline.filter { $0.y == 20 } == [arrow.tip])
    let widest = outline.max { abs($0.x) < abs($1.x) }
    #expect((widest?.y ?? 0) > 10)
    #expect(Arrow(tail: arrow.tip, tip: arrow.tip).outline.isEmpty)
  }

  @Test("Length is proportional to the magnitude up to the limit; weak means have no arrow")
  func lengths() {
    let map = vectorMap(rows: 1, columns: 5, pixelSize: nil) { _, column in
      ([0.5, 1, 3, 0.07, 0.19][column], 0)
    }
    let wide = Rect(x: 0, y: 0, width: 50, height: 10)
    let lengths = ArrowGrid.arrows(of: map, limit: 1, in: wide).map { $0.tip.x - $0.tail.x }
    // 0.07 is below 8 % of the limit; 0.19 would be 1.75 points long, a dot.
    #expect(lengths.count == 3)
    for (length, expected) in zip(lengths, [4.6, 9.2, 9.2]) {
      #expect(abs(length - expected) < 1e-9)
    }
    #expect(ArrowGrid.arrows(of: map, limit: 0, in: wide).isEmpty)
  }

  @Test("An arrow is the mean of the measured pixels of its cell and needs half of them")
  func masked() throws {
    // 56 pixels at 5 points: cells of 2×2 pixels.
    var map = vectorMap(rows: 56, columns: 56) { row, _ in (row == 0 ? 100 : 0.5, 0) }
    for column in 0..<56 { map.mask.bytes[column] = PixelFlags.hot.rawValue }
    for column in 0..<2 { map.mask.bytes[56 + column] = PixelFlags.filledIn.rawValue }
    map.mask.bytes[57] |= PixelFlags.saturated.rawValue
    let arrows = ArrowGrid.arrows(of: map, limit: 1, in: rect)
    // The first cell has one usable pixel of four: no arrow.
    #expect(arrows.count == 28 * 28 - 1)
    let first = try #require(arrows.first)
    #expect(abs(first.tip.x - first.tail.x - 4.6) < 1e-9)
    #expect(first.tail.x > 20)
  }

  @Test("In a cell that a wall does not fill the arrow stands on the wall")
  func place() throws {
    // 280 pixels of a point each: cells of 10×10. The wall is 2 pixels wide, in each cell at columns 7 and 8.
    let map = vectorMap(rows: 280, columns: 280) { _, column in
      (0, (7...8).contains(column % 10) ? -1 : 0)
    }
    let arrows = ArrowGrid.arrows(of: map, limit: 0.2, in: rect)
    #expect(arrows.count == 28 * 28)
    for arrow in arrows.prefix(28) {
      // The wall's middle is the border of its two pixels, 8 points from the cell's left.
      #expect(abs((arrow.tip.x - 10).truncatingRemainder(dividingBy: 10) - 8) < 1e-9)
      #expect(abs((arrow.tip.y + arrow.tail.y) / 2 - 25) < 1e-9)
    }
  }

  @Test(
    "Between 20 and 47 arrows stand along the longer side", arguments: [30, 47, 48, 100, 256, 2048])
  func density(count: Int) {
    let map = vectorMap(rows: 1, columns: count)
    let strip = Rect(x: 0, y: 0, width: 480, height: 24)
    #expect((20...47).contains(ArrowGrid.arrows(of: map, limit: 1, in: strip).count))
  }
}
