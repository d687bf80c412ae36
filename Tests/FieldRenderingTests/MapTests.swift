// Maps as images and their place on the page.
import STEMCore
import Testing

@testable import FieldRendering

struct MapTests {
  @Test(
    "Averaging covers every scan position once", arguments: [(5, 5), (5, 20), (2049, 1024), (7, 3)])
  func sampling(sources: Int, pixels: Int) {
    let axis = AxisSampling(sourceCount: sources, pixelCount: pixels)
    let covered = (0..<axis.cellCount).flatMap { Array(axis.sources(of: $0)) }
    #expect(covered == Array(0..<sources))
    #expect(axis.cell(ofPixel: 0) == 0)
    #expect(axis.cell(ofPixel: pixels - 1) == axis.cellCount - 1)
  }

  private func raster(_ shape: GridShape, pixels: Int) -> MapRaster {
    MapRaster(
      rows: AxisSampling(sourceCount: shape.rows, pixelCount: pixels),
      columns: AxisSampling(sourceCount: shape.columns, pixelCount: pixels), scale: 2)
  }

  @Test("Rows run downwards and columns to the right")
  func orientation() {
    let map = vectorMap(rows: 2, columns: 2) { row, column in
      row == 0 ? (column == 0 ? (1, 0) : (0, 1)) : (column == 0 ? (-1, 0) : (0, -1))
    }
    let colors = DirectionColor(limit: 1)
    let image = raster(map.shape, pixels: 4).image(of: map, colors: colors)
    #expect(image[0, 0] == colors.color(x: 1, y: 0).pixel)
    #expect(image[1, 3] == colors.color(x: 0, y: 1).pixel)
    #expect(image[3, 0] == colors.color(x: -1, y: 0).pixel)
    #expect(image[2, 2] == colors.color(x: 0, y: -1).pixel)
  }

  @Test("A reduced map averages vectors, not colors: opposite vectors are black")
  func averaging() {
    let map = vectorMap(rows: 2, columns: 2) { row, column in ((row + column) % 2 == 0 ? 1 : -1, 0)
    }
    let image = raster(map.shape, pixels: 1).image(of: map, colors: DirectionColor(limit: 1))
    #expect(image.pixels == [0])
  }

  @Test(
    "Masked pixels are gray, filled-in pixels are drawn with diagonals, numbers that are none are masked"
  )
  func masking() {
    var map = vectorMap(rows: 1, columns: 4, pixelSize: nil)
    map.mask.bytes = [PixelFlags.hot.rawValue, PixelFlags([.hot, .filledIn]).rawValue, 0, 0]
    map.field.x[2] = .nan
    let colors = DirectionColor(limit: 1)
    let raster = MapRaster(
      rows: AxisSampling(sourceCount: 1, pixelCount: 1),
      columns: AxisSampling(sourceCount: 4, pixelCount: 4), scale: 2)
    let image = raster.image(of: map, colors: colors)
    let grays = [MapRaster.maskedGround, MapRaster.maskedLine]
    let right = colors.color(x: 1, y: 0).pixel
    #expect(grays.contains(image[0, 0]))
    #expect(
      image[0, 1] == CellPaint(ground: right, isFilledIn: true).pixel(row: 0, column: 1, scale: 2))
    #expect(grays.contains(image[0, 2]))
    #expect(image[0, 3] == right)
    for gray in grays { #expect(gray >> 16 == gray & 255 && gray >> 8 & 255 == gray & 255) }
  }

  @Test("Values that were filled in keep their color between diagonals, halfway to gray")
  func fillings() {
    var map = scalarMap(rows: 2, columns: 2) { row, _ in Double(row) }
    map.mask.bytes = [0, PixelFlags([.hot, .filledIn]).rawValue, 0, 0]
    let raster = MapRaster(
      rows: AxisSampling(sourceCount: 2, pixelCount: 40),
      columns: AxisSampling(sourceCount: 2, pixelCount: 40), scale: 2)
    let image = raster.image(of: map, limit: 1)
    let ground = ScalarColors.diverging.pixel(at: 0.5)
    let pixels = (0..<20).flatMap { row -> [UInt32] in (20..<40).map { image[row, $0] } }
    // Lines of round(0.8 · 2) in a period of round(4.2 · 2).
    let lines = pixels.filter { $0 != ground }
    let share = Double(lines.count) / 400
    #expect(abs(share - 0.25) < 0.02)
    let channels = { (color: UInt32) -> [Int] in
      [color >> 16, color >> 8, color].map { Int($0 & 255) }
    }
    for color in Set(lines) {
      for (line, plain) in zip(channels(color), channels(ground)) {
        #expect(abs(2 * line - plain - 0x50) <= 2)
      }
    }
    let others = (0..<20).flatMap { row -> [UInt32] in (0..<20).map { image[row, $0] } }
    #expect(others.allSatisfy { $0 == ground })
  }

  @Test("A scalar map has its limits at the ends of the scale")
  func scalar() {
    let map = scalarMap(rows: 1, columns: 3) { _, column in Double(column) - 1 }
    let raster = MapRaster(
      rows: AxisSampling(sourceCount: 1, pixelCount: 1),
      columns: AxisSampling(sourceCount: 3, pixelCount: 3), scale: 2)
    let scale = ScalarColors.diverging
    let image = raster.image(of: map, limit: 1)
    #expect(image.pixels == [scale.pixel(at: 0), scale.pixel(at: 0.5), scale.pixel(at: 1)])
  }

  @Test("The limit ignores the strongest half percent, masked pixels and NaN")
  func robustLimit() {
    var map = vectorMap(rows: 20, columns: 50) { row, column in
      row == 0 && column < 4 ? (1e9, 0) : (0, -2.81)
    }
    map.field.y[500] = .nan
    map.field.x[501] = 1e12
    map.mask.bytes[501] = PixelFlags.saturated.rawValue
    #expect(RobustLimits.magnitude(of: map) == 2.9)
    map.mask.bytes = map.mask.bytes.map { _ in PixelFlags.missing.rawValue }
    #expect(RobustLimits.magnitude(of: map) == 0)
  }

  @Test("The limit of several maps is that of their pixels in one map, of large ones too")
  func commonLimit() {
    // More pixels than are looked at: every fifth, counted through all maps, which end at no multiple of five.
    let rows = [601, 0, 202, 777]
    let columns = 701
    func vector(_ row: Int, _ column: Int) -> (Double, Double) {
      (Double((row * 7919 + column * 104_729) % 9973), 0)
    }
    var first = 0
    let maps = rows.map { count in
      let start = first
      first += count
      return vectorMap(rows: count, columns: columns) { vector(start + $0, $1) }
    }
    let whole = vectorMap(rows: first, columns: columns, vector)
    let limit = RobustLimits.magnitude(of: maps.map { ($0, 1) })
    #expect(limit == RobustLimits.magnitude(of: whole))
    #expect(RobustLimits.magnitude(of: [(maps[1], 1)]) == 0)
    #expect(RobustLimits.magnitude(of: maps.map { ($0, 0.25) }) == limit / 4)
  }

  @Test("The scale of values reaches as far as the larger of both signs; one of zeros has ends too")
  func scalarLimit() {
    let map = scalarMap(rows: 10, columns: 10) { row, column in Double(10 * row + column) - 20 }
    #expect(RobustLimits.magnitude(of: map) == 79)
    let turned = scalarMap(rows: 10, columns: 10) { row, column in 20 - Double(10 * row + column) }
    #expect(RobustLimits.magnitude(of: turned) == 79)
    #expect(RobustLimits.magnitude(of: scalarMap(rows: 2, columns: 2) { _, _ in 0 }) == 1)
  }

  @Test("Cells are the plain means of the drawn positions of each, gray where most are unknown")
  func plainMeans() {
    var map = vectorMap(rows: 23, columns: 31) { row, column in
      (Double((7 * row + 3 * column) % 11) - 5, Double((5 * row + 2 * column) % 13) - 6)
    }
    for index in stride(from: 0, to: map.shape.count, by: 3) {
      map.mask.bytes[index] =
        index % 2 == 0 ? PixelFlags.hot.rawValue : PixelFlags([.hot, .filledIn]).rawValue
    }
    for index in 0..<31 * 4 { map.mask.bytes[index] = PixelFlags.missing.rawValue }
    map.field.y[400] = .nan
    let raster = MapRaster(
      rows: AxisSampling(sourceCount: 23, pixelCount: 9),
      columns: AxisSampling(sourceCount: 31, pixelCount: 14), scale: 2)
    let reduced = raster.reduced(map)
    let image = raster.image(of: map, colors: DirectionColor(limit: 6))
    for row in 0..<9 {
      for column in 0..<14 {
        var (x, y, drawn, count) = (0.0, 0.0, 0, 0)
        for source in raster.rows.sources(of: row) {
          for index in raster.columns.sources(of: column).map({ source * 31 + $0 }) {
            count += 1
            if !map.isDrawn(index) { continue }
            (x, y, drawn) = (x + map.field.x[index], y + map.field.y[index], drawn + 1)
          }
        }
        let cell = row * 14 + column
        guard drawn > 0, 2 * drawn >= count else {
          #expect(reduced.mask.bytes[cell] == PixelFlags.missing.rawValue)
          #expect([MapRaster.maskedGround, MapRaster.maskedLine].contains(image[row, column]))
          continue
        }
        let mean = (x: x / Double(drawn), y: y / Double(drawn))
        #expect(reduced.field.x[cell] == mean.x && reduced.field.y[cell] == mean.y)
        #expect(
          image[row, column] == DirectionColor(limit: 6).color(x: mean.x, y: mean.y).pixel)
      }
    }
    #expect(reduced.mask.bytes[0] != 0 && reduced.mask.unusableCount < 60)
  }
}
