// The numbers of walls on a map: beside the right wall, off all cores, within the frame.
import STEMCore
import Testing

@testable import FieldRendering

struct WallNumberTests {
  private static let shape = GridShape(rows: 60, columns: 100)
  private static let size = PixelSize(x: 2e-9, y: 2e-9)
  /// Two points a pixel.
  private static let frame = Rect(x: 18, y: 40, width: 200, height: 120)

  /// A wall from rim to rim with this position along its normal, nm.
  private static func wall(
    _ label: String, at position: Double, azimuth: Double = 0, width: Double = 10
  ) -> MapWall {
    let (c, s) = (cosine(azimuth), sine(azimuth))
    let u = position * 1e-9
    return MapWall(
      label: label, start: (u * c + s * 1e-6, u * s - c * 1e-6),
      end: (u * c - s * 1e-6, u * s + c * 1e-6), width: width * 1e-9)
  }

  /// Of the angles used here: multiples of 90°, and that of a 3-4-5 triangle.
  private static func cosine(_ azimuth: Double) -> Double {
    azimuth == 0 ? 1 : azimuth == 90 ? 0 : 0.8
  }
  private static func sine(_ azimuth: Double) -> Double {
    azimuth == 0 ? 0 : azimuth == 90 ? 1 : 0.6
  }

  private static func numbers(_ walls: [MapWall], in frame: Rect = frame) -> WallNumbers {
    WallNumbers(walls, shape: shape, pixelSize: size, in: frame) { 6 * Double($0.count) }
  }

  private static func isWithin(_ box: Rect, _ frame: Rect) -> Bool {
    box.x >= frame.x && box.y >= frame.y && box.maxX <= frame.maxX && box.maxY <= frame.maxY
  }

  @Test("A number stands right beside its wall: position along x is x of the page, along y down")
  func beside() throws {
    // 1 nm is a point of the page.
    let upright = try #require(Self.numbers([Self.wall("1", at: 30)]).places.first)
    let x = Self.frame.midX + 30
    #expect(upright.stroke.allSatisfy { abs($0.x - x) < 1e-9 })
    let gap = max(upright.box.x - x, x - upright.box.maxX)
    // Half of 10 nm, and no more than a few points.
    #expect(gap > 5 && gap < 9)
    let level = try #require(Self.numbers([Self.wall("1", at: 20, azimuth: 90)]).places.first)
    #expect(level.stroke.allSatisfy { abs($0.y - (Self.frame.midY + 20)) < 1e-9 })
  }

  @Test(
    "Numbers keep off every wall's core and every other number, within the frame",
    arguments: [0.0, 36.87, 90])
  func apart(azimuth: Double) {
    let positions = [-48.0, -12, 12, 45]
    let walls = positions.enumerated().map {
      Self.wall("\($0.offset + 1)", at: $0.element, azimuth: azimuth, width: 6)
    }
    let places = Self.numbers(walls).places
    #expect(places.map(\.label) == ["1", "2", "3", "4"])
    let (c, s) = (Self.cosine(azimuth), Self.sine(azimuth))
    for (index, place) in places.enumerated() {
      let box = place.box
      #expect(Self.isWithin(box, Self.frame))
      for position in positions {
        // Corners on one side of the core.
        let sides = [(box.x, box.y), (box.maxX, box.y), (box.x, box.maxY), (box.maxX, box.maxY)]
          .map { ($0.0 - Self.frame.midX) * c + ($0.1 - Self.frame.midY) * s - position }
        #expect(sides.allSatisfy { $0 > 3 } || sides.allSatisfy { $0 < -3 }, "\(index)")
      }
      for other in places where other != place {
        #expect(
          box.maxX < other.box.x || other.box.maxX < box.x || box.maxY < other.box.y
            || other.box.maxY < box.y)
      }
      // Its own wall is the nearest.
      let middle = (box.midX - Self.frame.midX) * c + (box.midY - Self.frame.midY) * s
      let nearest = positions.enumerated().min { abs($0.1 - middle) < abs($1.1 - middle) }
      #expect(nearest?.offset == index)
    }
  }

  @Test("A wall that ends within the map is marked on itself; one beyond the frame is left out")
  func ends() throws {
    let short = MapWall(label: "1", start: (-20e-9, 10e-9), end: (30e-9, 10e-9), width: 8e-9)
    let beyond = MapWall(label: "2", start: (-20e-9, 80e-9), end: (30e-9, 80e-9), width: 8e-9)
    let places = Self.numbers([short, beyond]).places
    #expect(places.map(\.label) == ["1"])
    let stroke = try #require(places.first?.stroke)
    for point in stroke {
      #expect(abs(point.y - Self.frame.midY - 10) < 1e-9)
      #expect(point.x >= Self.frame.midX - 20 && point.x <= Self.frame.midX + 30)
    }
  }

  @Test("More walls than there is room for still have their numbers within the frame")
  func crowded() {
    let frame = Rect(x: 18, y: 40, width: 200, height: 24)
    let walls = (0..<60).map { Self.wall("\($0 + 1)", at: Double(3 * $0 - 90), width: 12) }
    let places = Self.numbers(walls, in: frame).places
    #expect(places.count == 60)
    #expect(places.allSatisfy { Self.isWithin($0.box, frame) })
  }

  @Test("The figure shows a white box there, and no file without walls changes")
  func figure() throws {
    let map = vectorMap(rows: 60, columns: 100, pixelSize: Self.size) { _, _ in (1, 0) }
    var figure = vectorFigure(map)
    let without = try figure.render(.png)
    figure.walls = [Self.wall("1", at: 30)]
    let with = try figure.render(.png)
    let again = try figure.render(.png)
    #expect(with != without && with == again)
    let (before, after) = (
      try #require(DecodedPNG(without)), try #require(DecodedPNG(with))
    )
    #expect(before.width == after.width && before.height == after.height)
    figure.map.pixelSize = nil
    let unscaled = try figure.render(.png)
    figure.walls = []
    #expect(try figure.render(.png) == unscaled)
  }
}
