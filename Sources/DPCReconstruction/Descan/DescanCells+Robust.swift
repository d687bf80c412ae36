// A surface of descan that cells with structure on them do not pull.
internal import Glibc

extension DescanCells {
  private static let huberSteps = 8
  private static let huber = 1.5
  private static let biweight = 5.0

  /// Beyond so many scales a cell holds structure: of noise two in 10⁴ do.
  private static let structure = 4.1
  /// So many cells beside it are left out too: what is there of a wall falls off, and its sum pulls the surface.
  private static let tail = 2
  /// Unless fewer than this part of the cells would be left.
  private static let leastShare = 0.2

  /// Reweights until the surface stands still, then once more without what lies beside structure.
  ///
  /// - Parameters:
  ///   - start: Coefficients of both components to begin with.
  ///   - countingVariance: Of one component of one pixel, the least scale there is; nil where that is unknown.
  func robustFit(
    from start: (x: [Double], y: [Double]), countingVariance: Double?
  ) throws(DescanFitError) -> Fit {
    var surface = start
    let all = counts.map { _ in 1.0 }
    try settle(&surface, all, countingVariance, huberSteps: Self.huberSteps)
    var plain = all
    for _ in 0..<Self.rounds {
      let next = besideStructure(surface, countingVariance)
      if next == plain || next.reduce(0, +) < Self.leastShare * Double(counts.count) { break }
      var trial = surface
      // What is left may be too little for a surface.
      guard (try? settle(&trial, next, countingVariance, huberSteps: 0)) != nil else { break }
      (surface, plain) = (trial, next)
    }
    return try fit(surface, plain, countingVariance)
  }

  private static let rounds = 4

  /// Coefficients of both components, and the variance of one component of a pixel that the middle one of the cells
  /// shows about them.
  typealias Surface = (x: [Double], y: [Double], scale: Double)

  /// The surface to which all cells count alike.
  func leastSquares() throws(DescanFitError) -> Surface {
    let all = counts.map { _ in 1.0 }
    let inverse = try degree.inverse(of: matrix(all))
    let surface = (x: solution(inverse, all, x), y: solution(inverse, all, y))
    return (surface.x, surface.y, scale(squares(surface.x, surface.y), nil))
  }

  /// The surface that reweighting leads to.
  func robustSurface(from start: Surface) throws(DescanFitError) -> Surface {
    var surface = (x: start.x, y: start.y)
    try settle(&surface, counts.map { _ in 1 }, nil, huberSteps: Self.huberSteps)
    return (surface.x, surface.y, scale(squares(surface.x, surface.y), nil))
  }

  /// The variance of one component of a pixel by the middle one of the differences between neighboring cells, of what
  /// lies upon a surface; 0 where there are none.
  func differences(from x: [Double], _ y: [Double]) -> Double {
    var cells = [Int?](repeating: nil, count: side.rows * side.columns)
    for (cell, place) in places.enumerated() {
      cells[place.row * side.columns + place.column] = cell
    }
    let rests = counts.indices.map { rest($0, x, y) }
    var squares: [Double] = []
    for (cell, place) in places.enumerated() {
      let index = place.row * side.columns + place.column
      let right = place.column + 1 < side.columns ? cells[index + 1] : nil
      let below = place.row + 1 < side.rows ? cells[index + side.columns] : nil
      for next in [right, below].compactMap(\.self) {
        let (dx, dy) = (rests[cell].x - rests[next].x, rests[cell].y - rests[next].y)
        let pixels = counts[cell] * counts[next] / (counts[cell] + counts[next])
        squares.append(pixels * (dx * dx + dy * dy))
      }
    }
    return squares.isEmpty ? 0 : scale(squares, nil)
  }

  /// - Parameters:
  ///   - surface: Coefficients of both components.
  ///   - plain: 1 for each cell that may count, 0 for the others.
  private func settle(
    _ surface: inout (x: [Double], y: [Double]), _ plain: [Double], _ countingVariance: Double?,
    huberSteps: Int
  ) throws(DescanFitError) {
    let pixels = counts.reduce(0, +)
    for step in 0..<100 {
      let squares = squares(surface.x, surface.y)
      let scale = scale(squares, countingVariance)
      if scale == 0 { return }
      let weights = zip(squares, plain).map { square, plain in
        plain
          * (step < huberSteps
            ? min(1, Self.huber * (scale / max(square, 1e-300)).squareRoot())
            : Self.tukey(square / scale))
      }
      let old = surface.x + surface.y
      let inverse = try degree.inverse(of: matrix(weights))
      surface = (solution(inverse, weights, x), solution(inverse, weights, y))
      let change = zip(surface.x + surface.y, old).reduce(0) { max($0, abs($1.0 - $1.1)) }
      if step > huberSteps && change < 1e-6 * (scale / pixels).squareRoot() { return }
    }
  }

  /// 1 for each cell but those that hold structure, or stand beside such.
  private func besideStructure(
    _ surface: (x: [Double], y: [Double]), _ countingVariance: Double?
  ) -> [Double] {
    let squares = squares(surface.x, surface.y)
    let limit = Self.structure * Self.structure * scale(squares, countingVariance)
    var isOut = [Bool](repeating: false, count: side.rows * side.columns)
    for (square, place) in zip(squares, places) where square > limit {
      for row in max(0, place.row - Self.tail)...min(side.rows - 1, place.row + Self.tail) {
        for column in max(
          0, place.column - Self.tail)...min(
            side.columns - 1, place.column + Self.tail)
        {
          isOut[row * side.columns + column] = true
        }
      }
    }
    return places.map { isOut[$0.row * side.columns + $0.column] ? 0 : 1 }
  }

  private func fit(
    _ surface: (x: [Double], y: [Double]), _ plain: [Double], _ countingVariance: Double?
  ) throws(DescanFitError) -> Fit {
    let squares = squares(surface.x, surface.y)
    let scale = scale(squares, countingVariance)
    if scale == 0 {
      let zeros = [Double](repeating: 0, count: termCount * termCount)
      return Fit(x: surface.x, y: surface.y, covariance: zeros, rejectedShare: 0)
    }
    let weights = zip(squares, plain).map { $1 * Self.tukey($0 / scale) }
    // Derivative of w(r) r, its mean over the directions of r: (1 - q)(1 - 3q) with q = (r/cs)².
    let limit = Self.biweight * Self.biweight
    let bread = try degree.inverse(
      of: matrix(
        zip(squares, plain).map { square, plain in
          let q = square / scale / limit
          return q < 1 ? plain * (1 - q) * (1 - 3 * q) : 0
        }))
    let kept = zip(weights, counts).reduce(0) { $0 + $1.0 * $1.1 }
    return Fit(
      x: surface.x, y: surface.y, covariance: covariance(bread, weights, surface.x, surface.y),
      rejectedShare: 1 - kept / counts.reduce(0, +))
  }

  private static func tukey(_ squareInScales: Double) -> Double {
    let q = squareInScales / (biweight * biweight)
    return q < 1 ? (1 - q) * (1 - q) : 0
  }

  /// The variance of one component of a pixel: that of counting, or what the middle one of the cells shows.
  private func scale(_ squares: [Double], _ countingVariance: Double?) -> Double {
    let sorted = squares.sorted()
    return max(sorted[sorted.count / 2] / (2 * log(2.0)), countingVariance ?? 0)
  }

  /// Squared lengths of the residuals, each times its pixels: of noise alone they are all alike.
  private func squares(_ x: [Double], _ y: [Double]) -> [Double] {
    counts.indices.map { cell in
      let rest = rest(cell, x, y)
      return counts[cell] * (rest.x * rest.x + rest.y * rest.y)
    }
  }

  func rest(_ cell: Int, _ x: [Double], _ y: [Double]) -> (x: Double, y: Double) {
    var rest = (x: self.x[cell], y: self.y[cell])
    for index in 0..<termCount {
      rest.x -= terms[cell * termCount + index] * x[index]
      rest.y -= terms[cell * termCount + index] * y[index]
    }
    return rest
  }

  /// Σ weight · pixels · b bᵀ, b the terms of a cell.
  private func matrix(_ weights: [Double]) -> [Double] {
    var matrix = [Double](repeating: 0, count: termCount * termCount)
    for cell in counts.indices {
      let weight = weights[cell] * counts[cell]
      for i in 0..<termCount {
        for j in 0..<termCount {
          matrix[i * termCount + j] +=
            weight * terms[cell * termCount + i] * terms[cell * termCount + j]
        }
      }
    }
    return matrix
  }

  private func solution(_ inverse: [Double], _ weights: [Double], _ values: [Double]) -> [Double] {
    var right = [Double](repeating: 0, count: termCount)
    for cell in counts.indices {
      let weighted = weights[cell] * counts[cell] * values[cell]
      for i in 0..<termCount { right[i] += weighted * terms[cell * termCount + i] }
    }
    return (0..<termCount).map { i in
      (0..<termCount).reduce(0) { $0 + inverse[i * termCount + $1] * right[$1] }
    }
  }
}
