// A map on coarser positions: means over cells of pixels.
internal import STEMCore

/// Means of both components over cells of `sideY` × `sideX` pixels; what does not fill a cell is left out.
struct CellMeans: Sendable {
  let sideX: Int
  let sideY: Int
  let shape: GridShape
  let x: [Double]
  let y: [Double]
  /// Whether every pixel of the cell is usable.
  let isUsable: [Bool]

  /// The largest cells that a Gaussian of this standard deviation, pixels, does not see: it is never
  /// narrower than one and a half of them.
  static func side(forSigma sigma: Double) -> Int { sigma >= 6 ? 4 : sigma >= 3 ? 2 : 1 }

  init(of map: VectorMap, sideX: Int, sideY: Int) {
    precondition(sideX > 0 && sideY > 0, "a cell has pixels")
    self.sideX = sideX
    self.sideY = sideY
    let shape = GridShape(rows: map.shape.rows / sideY, columns: map.shape.columns / sideX)
    self.shape = shape
    let pixels = map.shape.columns
    func means(_ plane: [Double]) -> [Double] {
      if sideX == 1 && sideY == 1 { return plane }
      var result = [Double](repeating: 0, count: shape.count)
      let scale = 1 / Double(sideX * sideY)
      forEachLine(of: &result, shape) { row, start, band in
        let source = plane.span
        for column in 0..<shape.columns {
          var sum = 0.0
          for line in row * sideY..<(row + 1) * sideY {
            let first = line * pixels + column * sideX
            for index in first..<first + sideX { sum += source[index] }
          }
          band[start + column] = scale * sum
        }
      }
      return result
    }
    x = means(map.field.x)
    y = means(map.field.y)
    var isUsable = [Bool](repeating: true, count: shape.count)
    for index in 0..<map.shape.count where !map.mask.isUsable(index) {
      let (row, column) = (index / pixels / sideY, index % pixels / sideX)
      if row < shape.rows && column < shape.columns {
        isUsable[row * shape.columns + column] = false
      }
    }
    self.isUsable = isUsable
  }
}
