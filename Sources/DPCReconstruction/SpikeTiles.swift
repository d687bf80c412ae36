// Bounds of what is no spike, tile by tile: most signals are cleared by them alone.
internal import STEMCore

extension SpikeDetector {
  static func wholeTiles(_ usable: [Bool], _ shape: GridShape) -> [Bool] {
    let rows = (shape.rows + tileSide - 1) / tileSide
    let columns = (shape.columns + tileSide - 1) / tileSide
    var whole = [Bool](repeating: true, count: rows * columns)
    for position in usable.indices where !usable[position] {
      let (row, column) = position.quotientAndRemainder(dividingBy: shape.columns)
      whole[row / tileSide * columns + column / tileSide] = false
    }
    if shape.columns % tileSide > 0 {
      for row in 0..<rows { whole[(row + 1) * columns - 1] = false }
    }
    if shape.rows % tileSide > 0 {
      for column in 0..<columns { whole[(rows - 1) * columns + column] = false }
    }
    return whole
  }

  /// Neighbors in a row, the first at `position`.
  @inline(__always)
  func four(_ plane: Span<Double>, _ position: Int) -> SIMD4<Double> {
    SIMD4(plane[position], plane[position + 1], plane[position + 2], plane[position + 3])
  }

  /// The smallest and the largest signal of a whole tile.
  func extremesOfTile(
    _ plane: Span<Double>, _ row: Int, _ column: Int
  ) -> (low: Double, high: Double) {
    var low = four(plane, row * shape.columns + column)
    var high = low
    for below in 1..<Self.tileSide {
      let values = four(plane, (row + below) * shape.columns + column)
      low.replace(with: values, where: values .< low)
      high.replace(with: values, where: values .> high)
    }
    return (low.min(), high.max())
  }

  /// Per tile the signals that are no spikes, whatever the median: from the smallest and largest
  /// usable signal of the tile and the eight around it.
  func limits(
    _ plane: Span<Double>
  ) -> (columns: Int, limits: [(lower: Double, upper: Double)]) {
    let side = Self.tileSide
    let rows = (shape.rows + side - 1) / side
    let columns = (shape.columns + side - 1) / side
    var extremes = [(low: Double, high: Double)](
      repeating: (.infinity, -.infinity), count: rows * columns)
    for row in 0..<shape.rows {
      for tile in 0..<columns {
        let index = row / side * columns + tile
        if isWhole[index] {
          if row % side == 0 { extremes[index] = extremesOfTile(plane, row, tile * side) }
          continue
        }
        var (low, high) = extremes[index]
        for column in (tile * side)..<min((tile + 1) * side, shape.columns) {
          let position = row * shape.columns + column
          if usable[position] {
            low = min(low, plane[position])
            high = max(high, plane[position])
          }
        }
        extremes[index] = (low, high)
      }
    }
    var limits: [(lower: Double, upper: Double)] = []
    limits.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        var (low, high) = (Double.infinity, -Double.infinity)
        for r in max(row - 1, 0)...min(row + 1, rows - 1) {
          for c in max(column - 1, 0)...min(column + 1, columns - 1) {
            low = min(low, extremes[r * columns + c].low)
            high = max(high, extremes[r * columns + c].high)
          }
        }
        limits.append((lower(high), upper(low)))
      }
    }
    return (columns, limits)
  }
}
