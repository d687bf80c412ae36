// The sums over all pixels behind a fitted surface of descan.
internal import Glibc
internal import STEMCore

/// Normal equations of a surface.
struct DescanFitting {
  /// With fewer degrees of freedom the scatter alone is no measure of the error.
  static let smallSample = 20.0

  let map: VectorMap
  let positions: [Int]
  let degree: DescanSurface.Degree
  private let count: Int
  /// Coordinates of the columns and of the rows.
  private let s: [Double]
  private let t: [Double]
  private(set) var x: [Double]
  private(set) var y: [Double]
  private(set) var inverse: [Double]

  init(map: VectorMap, positions: [Int], degree: DescanSurface.Degree) {
    self.map = map
    self.positions = positions
    self.degree = degree
    count = degree.termCount
    s = (0..<map.shape.columns).map { DescanSurface.coordinate($0, of: map.shape.columns) }
    t = (0..<map.shape.rows).map { DescanSurface.coordinate($0, of: map.shape.rows) }
    x = [Double](repeating: 0, count: count)
    y = x
    inverse = []
  }

  /// Hands over every pixel in order: its index, its position, and its terms as ``DescanSurface/terms(_:_:_:)``.
  @inline(__always)
  private func forEachPixel(
    _ body: (_ index: Int, _ position: Int, _ terms: InlineArray<6, Double>) -> Void
  ) {
    let columns = map.shape.columns
    let (positions, s, t) = (positions.span, s.span, t.span)
    var (row, start) = (0, 0)
    for index in 0..<positions.count {
      let position = positions[index]
      while position >= start + columns {
        row += 1
        start += columns
      }
      let (s, t) = (s[position - start], t[row])
      body(index, position, [1, s, t, s * s, s * t, t * t])
    }
  }

  /// Σ factor · b bᵀ over the pixels, b their terms, and Σ factor · b · deflection.
  ///
  /// The number of terms is written out, so that each case becomes additions without a loop.
  @inline(__always)
  private func sums(_ factor: (Int) -> Double) -> (matrix: [Double], x: [Double], y: [Double]) {
    switch degree {
    case .constant: sums(factor, terms: 1)
    case .plane: sums(factor, terms: 3)
    case .quadratic: sums(factor, terms: 6)
    }
  }

  @inline(__always)
  private func sums(
    _ factor: (Int) -> Double, terms count: Int
  ) -> (matrix: [Double], x: [Double], y: [Double]) {
    let (x, y) = (map.field.x.span, map.field.y.span)
    var lower = InlineArray<36, Double>(repeating: 0)
    var right = InlineArray<12, Double>(repeating: 0)
    forEachPixel { index, position, terms in
      let weight = factor(index)
      let (vx, vy) = (x[position], y[position])
      for i in 0..<count {
        let left = weight * terms[i]
        for j in 0...i { lower[i * 6 + j] += left * terms[j] }
        right[2 * i] += left * vx
        right[2 * i + 1] += left * vy
      }
    }
    var matrix = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0..<count { matrix[i * count + j] = lower[max(i, j) * 6 + min(i, j)] }
    }
    return (
      matrix, (0..<count).map { right[2 * $0] }, (0..<count).map { right[2 * $0 + 1] }
    )
  }

  /// Solves for both components with these weights.
  @inline(__always)
  mutating func solve(weight: (Int) -> Double) throws(DescanFitError) {
    let sums = sums(weight)
    inverse = try degree.inverse(of: sums.matrix)
    x = product(inverse, sums.x)
    y = product(inverse, sums.y)
  }

  private func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    (0..<count).map { i in (0..<count).reduce(0) { $0 + matrix[i * count + $1] * vector[$1] } }
  }

  /// Hands over the squared length of every residual vector in order.
  @inline(__always)
  private func forEachSquare(_ body: (Double) -> Void) {
    switch degree {
    case .constant: forEachSquare(terms: 1, body)
    case .plane: forEachSquare(terms: 3, body)
    case .quadratic: forEachSquare(terms: 6, body)
    }
  }

  @inline(__always)
  private func forEachSquare(terms count: Int, _ body: (Double) -> Void) {
    let (vx, vy) = (map.field.x.span, map.field.y.span)
    var surface = InlineArray<12, Double>(repeating: 0)
    for i in 0..<count { (surface[2 * i], surface[2 * i + 1]) = (x[i], y[i]) }
    forEachPixel { _, position, terms in
      var (rx, ry) = (vx[position], vy[position])
      for i in 0..<count {
        rx -= terms[i] * surface[2 * i]
        ry -= terms[i] * surface[2 * i + 1]
      }
      body(rx * rx + ry * ry)
    }
  }

  func residualSum() -> Double {
    var sum = 0.0
    forEachSquare { sum += $0 }
    return sum
  }

  /// Solves in place of the least squares of all pixels.
  mutating func replace(x: [Double], y: [Double]) {
    (self.x, self.y) = (x, y)
  }

  func surface(covariance: [Double]) -> DescanSurface {
    DescanSurface(degree: degree, shape: map.shape, x: x, y: y, covariance: covariance)
  }
}

extension DescanSurface.Degree {
  /// Inverse times matrix of one term beyond which the others imitate it.
  private static let inflationLimit = 1e10

  /// Terms that vanish on every pixel are left out: their coefficient is zero and so is its variance.
  func inverse(of normal: [Double]) throws(DescanFitError) -> [Double] {
    let count = termCount
    var inverse = LeastSquares.inverse(of: normal, size: count)
    for i in 0..<count {
      if normal[i * count + i] > 0 {
        if !(inverse[i * count + i] * normal[i * count + i] < Self.inflationLimit) {
          throw .undetermined(self)
        }
      } else {
        for j in 0..<count {
          inverse[i * count + j] = 0
          inverse[j * count + i] = 0
        }
      }
    }
    return inverse
  }
}
