// Maps to images: every scan position an equal block of pixels, or the mean of many a pixel.
internal import STEMCore

/// How many pixels show an axis of the scan.
struct AxisSampling: Equatable {
  let sourceCount: Int
  let pixelCount: Int

  /// Independent values along the axis: scan positions, or pixels where those are fewer.
  var cellCount: Int { min(sourceCount, pixelCount) }

  /// The scan positions that a cell averages; never empty, together all of them, each once.
  func sources(of cell: Int) -> Range<Int> {
    cell * sourceCount / cellCount..<(cell + 1) * sourceCount / cellCount
  }

  func cell(ofPixel pixel: Int) -> Int { pixel * cellCount / pixelCount }
}

/// Shows cells of a map as an image; a cell without a value is gray with dark diagonals, one whose value is mostly
/// filled in has diagonals over its color.
struct MapRaster {
  let rows: AxisSampling
  let columns: AxisSampling
  /// Pixels per point, for the width of the diagonals.
  let scale: Double

  /// The ground and the diagonals of masked pixels.
  static let maskedGround: UInt32 = 0xA8A8A8
  static let maskedLine: UInt32 = 0x848484
  /// Half of what the diagonals of filled-in pixels consist of.
  static let filledInLine: UInt32 = 0x505050

  /// A vector map: the colors of the mean vector of each cell.
  func image(of map: VectorMap, colors: DirectionColor) -> PixelImage {
    let means = means(of: map.field.x, map.field.y, map.mask)
    return image(means) { cell in
      colors.pixel(x: means.first[cell], y: means.second[cell])
    }
  }

  /// A scalar map: the color of the mean value of each cell, the scale ending at `-limit` and `limit`, which is
  /// positive.
  func image(of map: ScalarMap, limit: Double) -> PixelImage {
    // Halves of ends so far apart that their difference is not finite.
    let unit = (2 * limit).isFinite ? 1 : 0.5
    let end = unit * limit
    let colors = ScalarColors.diverging
    let means = means(of: map.field.values, map.field.values, map.mask)
    return image(means) { cell in
      colors.pixel(at: (unit * means.first[cell] + end) / (2 * end))
    }
  }

  /// The mean of each cell as a map of its own; a cell without a value is missing.
  func reduced(_ map: VectorMap) -> VectorMap {
    let shape = GridShape(rows: rows.cellCount, columns: columns.cellCount)
    let means = means(of: map.field.x, map.field.y, map.mask)
    let mask = PixelMask(
      shape: shape, bytes: means.isShown.map { $0 ? 0 : PixelFlags.missing.rawValue })
    let size = map.pixelSize.map {
      PixelSize(
        x: $0.x * Double(map.shape.columns) / Double(max(1, shape.columns)),
        y: $0.y * Double(map.shape.rows) / Double(max(1, shape.rows)))
    }
    return VectorMap(
      field: VectorField(shape: shape, x: means.first, y: means.second), covariance: nil,
      mask: mask, pixelSize: size)
  }

  /// Means of two planes over the drawn positions of each cell, row after row.
  private struct Means {
    var first: [Double]
    var second: [Double]
    /// A cell is gray where most of what it stands for is unknown; its means are then zero.
    var isShown: [Bool]
    /// Whether most of what is shown was filled in, not measured.
    var isFilledIn: [Bool]
  }

  private func means(of first: [Double], _ second: [Double], _ mask: PixelMask) -> Means {
    let count = columns.cellCount
    var means = Means(first: [], second: [], isShown: [], isFilledIn: [])
    means.first.reserveCapacity(rows.cellCount * count)
    means.second.reserveCapacity(rows.cellCount * count)
    means.isShown.reserveCapacity(rows.cellCount * count)
    means.isFilledIn.reserveCapacity(rows.cellCount * count)
    let bounds = (0..<count).map { columns.sources(of: $0) }
    var sums = CellSums(count: count)
    for row in 0..<rows.cellCount {
      let sources = rows.sources(of: row)
      for source in sources {
        let line = source * columns.sourceCount..<(source + 1) * columns.sourceCount
        sums.add(
          first.span.extracting(line), second.span.extracting(line),
          mask.bytes.span.extracting(line), cells: bounds)
      }
      for cell in 0..<count {
        let drawn = sums.drawn[cell]
        let isShown = drawn > 0 && 2 * drawn >= sources.count * bounds[cell].count
        means.first.append(isShown ? sums.first[cell] / Double(drawn) : 0)
        means.second.append(isShown ? sums.second[cell] / Double(drawn) : 0)
        means.isShown.append(isShown)
        means.isFilledIn.append(isShown && 2 * sums.filledIn[cell] > drawn)
      }
      sums.clear()
    }
    return means
  }

  /// The image of cells: the color by its index of each that is shown.
  private func image(_ means: Means, _ color: (_ cell: Int) -> UInt32) -> PixelImage {
    let count = columns.cellCount
    let columnCells = (0..<columns.pixelCount).map { columns.cell(ofPixel: $0) }
    var pixels: [UInt32] = []
    pixels.reserveCapacity(rows.pixelCount * columns.pixelCount)
    var line: [CellPaint] = []
    var shown = -1
    for row in 0..<rows.pixelCount {
      let cellRow = rows.cell(ofPixel: row)
      if cellRow != shown {
        line = (cellRow * count..<(cellRow + 1) * count).map {
          if !means.isShown[$0] { return .masked }
          return CellPaint(ground: color($0), isFilledIn: means.isFilledIn[$0])
        }
        shown = cellRow
      }
      for (column, cell) in columnCells.enumerated() {
        pixels.append(line[cell].pixel(row: row, column: column, scale: scale))
      }
    }
    return PixelImage(width: columns.pixelCount, height: rows.pixelCount, pixels: pixels)
  }

}

/// How a cell is painted.
struct CellPaint {
  private let ground: UInt32
  /// nil for a plain cell.
  private let line: UInt32?

  /// The ground and the diagonals of masked pixels.
  static let masked = CellPaint(ground: MapRaster.maskedGround, line: MapRaster.maskedLine)

  /// - Parameters:
  ///   - ground: The color of the value.
  ///   - isFilledIn: Diagonals are then halfway between the ground and a gray.
  init(ground: UInt32, isFilledIn: Bool) {
    // Channels without their lowest bits, so that no sum reaches into the next channel.
    let half = (ground & 0xFEFEFE) / 2 + (MapRaster.filledInLine & 0xFEFEFE) / 2
    self.init(ground: ground, line: isFilledIn ? half : nil)
  }

  private init(ground: UInt32, line: UInt32?) {
    self.ground = ground
    self.line = line
  }

  /// The color at a pixel of the image; diagonals run through all cells without a seam.
  func pixel(row: Int, column: Int, scale: Double) -> UInt32 {
    guard let line else { return ground }
    let width = max(1, Int((0.8 * scale).rounded()))
    let period = max(4, Int((4.2 * scale).rounded()))
    return (row + column) % period < width ? line : ground
  }
}
