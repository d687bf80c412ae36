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

/// Shows cells of a map as an image; a cell without a value is gray with dark diagonals.
struct MapRaster {
  let rows: AxisSampling
  let columns: AxisSampling
  /// Pixels per point, for the width of the diagonals.
  let scale: Double

  /// The ground and the diagonals of masked pixels.
  static let maskedGround: UInt32 = 0xA8A8A8
  static let maskedLine: UInt32 = 0x848484

  /// A vector map: the colors of the mean vector of each cell.
  func image(of map: VectorMap, colors: DirectionColor) -> PixelImage {
    image { cell in
      let mean = mean(of: map, in: cell)
      return mean.map { colors.color(x: $0.x, y: $0.y).pixel }
    }
  }

  /// A scalar map: the color of the mean value of each cell, `lower` and `upper` being the ends.
  func image(
    of map: ScalarMap, colors: ScalarColors, lower: Double, upper: Double
  ) -> PixelImage {
    let range = upper - lower
    return image { cell in
      mean(of: map, in: cell).map { colors.pixel(at: range > 0 ? ($0 - lower) / range : 0.5) }
    }
  }

  /// The mean of each cell as a map of its own; a cell without a value is missing.
  func reduced(_ map: VectorMap) -> VectorMap {
    let shape = GridShape(rows: rows.cellCount, columns: columns.cellCount)
    var field = VectorField(shape: shape)
    var mask = PixelMask(shape: shape)
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        let index = row * shape.columns + column
        let cell = Cell(rows: rows.sources(of: row), columns: columns.sources(of: column))
        if let mean = mean(of: map, in: cell) {
          (field.x[index], field.y[index]) = (mean.x, mean.y)
        } else {
          mask.bytes[index] = PixelFlags.missing.rawValue
        }
      }
    }
    let size = map.pixelSize.map {
      PixelSize(
        x: $0.x * Double(map.shape.columns) / Double(max(1, shape.columns)),
        y: $0.y * Double(map.shape.rows) / Double(max(1, shape.rows)))
    }
    return VectorMap(field: field, covariance: nil, mask: mask, pixelSize: size)
  }

  /// A block of scan positions.
  private struct Cell {
    var rows: Range<Int>
    var columns: Range<Int>
  }

  private func mean(of map: VectorMap, in cell: Cell) -> (x: Double, y: Double)? {
    var (x, y, drawn) = (0.0, 0.0, 0)
    for row in cell.rows {
      for index in row * columns.sourceCount + cell.columns.lowerBound..<row
        * columns.sourceCount + cell.columns.upperBound where map.isDrawn(index)
      {
        x += map.field.x[index]
        y += map.field.y[index]
        drawn += 1
      }
    }
    // A pixel is gray where most of what it stands for is unknown.
    guard drawn > 0, 2 * drawn >= cell.rows.count * cell.columns.count else { return nil }
    return (x / Double(drawn), y / Double(drawn))
  }

  private func mean(of map: ScalarMap, in cell: Cell) -> Double? {
    var (sum, drawn) = (0.0, 0)
    for row in cell.rows {
      for index in row * columns.sourceCount + cell.columns.lowerBound..<row
        * columns.sourceCount + cell.columns.upperBound where map.isDrawn(index)
      {
        sum += map.field.values[index]
        drawn += 1
      }
    }
    guard drawn > 0, 2 * drawn >= cell.rows.count * cell.columns.count else { return nil }
    return sum / Double(drawn)
  }

  private func image(_ color: (Cell) -> UInt32?) -> PixelImage {
    var cells: [UInt32?] = []
    cells.reserveCapacity(rows.cellCount * columns.cellCount)
    for row in 0..<rows.cellCount {
      for column in 0..<columns.cellCount {
        cells.append(
          color(Cell(rows: rows.sources(of: row), columns: columns.sources(of: column))))
      }
    }
    var pixels: [UInt32] = []
    pixels.reserveCapacity(rows.pixelCount * columns.pixelCount)
    for row in 0..<rows.pixelCount {
      let start = rows.cell(ofPixel: row) * columns.cellCount
      for column in 0..<columns.pixelCount {
        pixels.append(
          cells[start + columns.cell(ofPixel: column)]
            ?? Self.masked(row: row, column: column, scale: scale))
      }
    }
    return PixelImage(width: columns.pixelCount, height: rows.pixelCount, pixels: pixels)
  }

  /// The pixel of a masked region; the pattern runs through all regions without a seam.
  static func masked(row: Int, column: Int, scale: Double) -> UInt32 {
    let line = max(1, Int((0.8 * scale).rounded()))
    let period = max(4, Int((4.2 * scale).rounded()))
    return (row + column) % period < line ? maskedLine : maskedGround
  }
}

/// Whether a number can be shown: not NaN, and so far from overflow that squares and ranges are
/// finite.
func isDrawable(_ value: Double) -> Bool { abs(value) < 1e150 }

extension VectorMap {
  /// Whether the pixel shows a number: measured, or filled in from its neighbors.
  func isDrawn(_ index: Int) -> Bool {
    mask.isDrawn(index) && isDrawable(field.x[index]) && isDrawable(field.y[index])
  }
}

extension ScalarMap {
  /// Whether the pixel shows a number: measured, or filled in from its neighbors.
  func isDrawn(_ index: Int) -> Bool { mask.isDrawn(index) && isDrawable(field.values[index]) }
}

extension PixelMask {
  func isFilledIn(_ index: Int) -> Bool { bytes[index] & PixelFlags.filledIn.rawValue != 0 }
  fileprivate func isDrawn(_ index: Int) -> Bool { isUsable(index) || isFilledIn(index) }
}
