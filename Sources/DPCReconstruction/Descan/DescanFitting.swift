// The sums behind a fitted surface of descan, and the weights of pixels that do not lie on it.
internal import Glibc
internal import STEMCore

/// Normal equations of a surface and the reweighting of its pixels.
struct DescanFitting {
  /// With fewer degrees of freedom the scatter alone is no measure of the error.
  static let smallSample = 20.0
  /// Inverse times matrix of one term beyond which the others imitate it.
  private static let inflationLimit = 1e10
  private static let huber = 1.5
  private static let biweight = 5.0

  let map: VectorMap
  let positions: [Int]
  let degree: DescanSurface.Degree
  private let count: Int
  /// Coordinates of the columns and of the rows.
  private let s: [Double]
  private let t: [Double]
  private var x: [Double]
  private var y: [Double]
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

  /// Σ factor · b bᵀ over the pixels, b their terms.
  private func matrix(_ factor: (Int) -> Double) -> [Double] {
    sums(factor).matrix
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
    inverse = try checkedInverse(sums.matrix)
    x = product(inverse, sums.x)
    y = product(inverse, sums.y)
  }

  /// Terms that vanish on every pixel are left out: their coefficient is zero and so is its variance.
  private func checkedInverse(_ normal: [Double]) throws(DescanFitError) -> [Double] {
    var inverse = LeastSquares.inverse(of: normal, size: count)
    for i in 0..<count {
      if normal[i * count + i] > 0 {
        if !(inverse[i * count + i] * normal[i * count + i] < Self.inflationLimit) {
          throw .undetermined(degree)
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

  private func squares() -> [Double] {
    var squares: [Double] = []
    squares.reserveCapacity(positions.count)
    forEachSquare { squares.append($0) }
    return squares
  }

  /// Reweights until the surface stands still; returns its covariance and the weight taken away.
  mutating func iterate(
    countingVariance: Double?
  ) throws(DescanFitError) -> (covariance: [Double], rejected: Double) {
    var squares: [Double] = []
    var variance = 0.0
    for step in 0..<60 {
      squares = self.squares()
      let spread = middle(squares) / (2 * log(2.0))
      variance = max(spread, countingVariance ?? 0)
      if variance == 0 { break }
      let (old, oldY, now, scale) = (x, y, squares, variance)
      try solve { index in
        step < 3
          ? min(1, Self.huber * (scale / max(now[index], 1e-300)).squareRoot())
          : Self.tukey(now[index] / scale)
      }
      let change = zip(x + y, old + oldY).reduce(0) { max($0, abs($1.0 - $1.1)) }
      if step > 3 && change < 1e-6 * (variance / Double(positions.count)).squareRoot() { break }
    }
    if variance == 0 { return ([Double](repeating: 0, count: count * count), 0) }
    let (now, scale) = (squares, variance)
    // Derivative of w(r) r, its mean over the directions of r: (1 - q)(1 - 3q) with q = (r/cs)².
    let limit = Self.biweight * Self.biweight
    let bread = try checkedInverse(
      matrix { index in
        let q = now[index] / scale / limit
        return q < 1 ? (1 - q) * (1 - 3 * q) : 0
      })
    let filling = matrix { index in
      let weight = Self.tukey(now[index] / scale)
      return weight * weight * now[index] / 2
    }
    let total = now.reduce(0) { $0 + Self.tukey($1 / scale) }
    return (sandwich(bread, filling), 1 - total / Double(positions.count))
  }

  private static func tukey(_ squareInScales: Double) -> Double {
    let q = squareInScales / (biweight * biweight)
    return q < 1 ? (1 - q) * (1 - q) : 0
  }

  private func sandwich(_ outer: [Double], _ inner: [Double]) -> [Double] {
    func times(_ a: [Double], _ b: [Double]) -> [Double] {
      (0..<count * count).map { place in
        let (i, j) = (place / count, place % count)
        return (0..<count).reduce(0) { $0 + a[i * count + $1] * b[$1 * count + j] }
      }
    }
    return times(times(outer, inner), outer)
  }

  private func middle(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[sorted.count / 2]
  }

  func surface(covariance: [Double]) -> DescanSurface {
    DescanSurface(degree: degree, shape: map.shape, x: x, y: y, covariance: covariance)
  }
}
