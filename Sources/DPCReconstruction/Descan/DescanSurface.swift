// The surface that descan draws over the scan: a constant, a plane or a quadratic, with its error.
public import STEMCore
internal import WorkSharing

/// A deflection that is a polynomial of the scan position, in the detector frame.
///
/// The terms are 1, s, t, s², st, t² of the coordinates s (to the right) and t (downwards), which run
/// from -1 in the first column and row to +1 in the last, so every coefficient is an angle in rad: the
/// linear ones are the change from the center to the rim.
public struct DescanSurface: Sendable, Equatable, Codable {
  /// How many of the terms there are.
  public enum Degree: Int, Sendable, Codable {
    case constant, plane, quadratic

    /// 1, 3 or 6.
    public var termCount: Int { [1, 3, 6][rawValue] }
  }

  public var degree: Degree
  /// The scan over which s and t run from -1 to 1.
  public var shape: GridShape
  /// Coefficients of the x component in the order of the terms, rad.
  public var x: [Double]
  /// Coefficients of the y component, rad.
  public var y: [Double]
  /// Covariance of the coefficients of one component, row-major, alike for x and y, rad²; nil if unknown.
  public var covariance: [Double]?

  public init(degree: Degree, shape: GridShape, x: [Double], y: [Double], covariance: [Double]?) {
    let count = degree.termCount
    precondition(x.count == count && y.count == count, "one coefficient per term")
    precondition(covariance.map { $0.count == count * count } ?? true, "a square matrix")
    self.degree = degree
    self.shape = shape
    self.x = x
    self.y = y
    self.covariance = covariance
  }

  /// The coordinate of an index along a side of `count` pixels, -1...1; 0 where the side is one pixel.
  static func coordinate(_ index: Int, of count: Int) -> Double {
    count > 1 ? 2 * Double(index) / Double(count - 1) - 1 : 0
  }

  /// The terms at a position.
  static func terms(_ s: Double, _ t: Double, _ degree: Degree) -> [Double] {
    Array([1, s, t, s * s, s * t, t * t].prefix(degree.termCount))
  }

  /// The deflection at a position given by s and t, rad.
  public func value(s: Double, t: Double) -> (x: Double, y: Double) {
    let terms = Self.terms(s, t, degree)
    return (
      zip(terms, x).reduce(0) { $0 + $1.0 * $1.1 }, zip(terms, y).reduce(0) { $0 + $1.0 * $1.1 }
    )
  }

  /// One standard deviation of each component at a position, rad; nil if unknown.
  ///
  /// It grows quickly outside the pixels to which the surface was fitted.
  public func error(s: Double, t: Double) -> Double? {
    guard let covariance else { return nil }
    let terms = Self.terms(s, t, degree)
    let count = terms.count
    var sum = 0.0
    for i in 0..<count {
      for j in 0..<count { sum += terms[i] * covariance[i * count + j] * terms[j] }
    }
    return max(0, sum).squareRoot()
  }

  /// One standard deviation of each component at every position, rad; nil if unknown.
  public func errors() -> ScalarField? {
    if covariance == nil { return nil }
    var field = ScalarField(shape: shape)
    for position in 0..<shape.count {
      let s = Self.coordinate(position % shape.columns, of: shape.columns)
      let t = Self.coordinate(position / shape.columns, of: shape.rows)
      field.values[position] = error(s: s, t: t) ?? 0
    }
    return field
  }

  /// The largest error at the four corners of the scan, rad.
  public var cornerError: Double? {
    [(-1.0, -1.0), (1, -1), (-1, 1), (1, 1)].compactMap { error(s: $0.0, t: $0.1) }.max()
  }

  /// Root mean square over the scan of the error of each component, rad.
  ///
  /// The means of s² and s⁴ over the pixels are those of an even distribution, 1/3 and 1/5: exact
  /// for many pixels, and within 2/n along a side of n.
  public var meanError: Double? {
    guard let covariance else { return nil }
    let count = degree.termCount
    let powers = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    func mean(_ power: Int, _ side: Int) -> Double {
      if power == 0 { return 1 }
      return power.isMultiple(of: 2) && side > 1 ? 1 / Double(power + 1) : 0
    }
    var sum = 0.0
    for i in 0..<count {
      for j in 0..<count {
        let (p, q) = (powers[i], powers[j])
        sum +=
          covariance[i * count + j] * mean(p.0 + q.0, shape.columns) * mean(p.1 + q.1, shape.rows)
      }
    }
    return max(0, sum).squareRoot()
  }

  /// The surface over its scan, rad.
  public func field() -> VectorField {
    var field = VectorField(shape: shape)
    forEachValue(at: 0..<shape.count) { position, x, y in
      field.x[position] = x
      field.y[position] = y
    }
    return field
  }

  @inline(__always)
  fileprivate func forEachValue(
    at positions: Range<Int>, _ body: (_ position: Int, _ x: Double, _ y: Double) -> Void
  ) {
    let (cx, cy) = (padded(x), padded(y))
    for position in positions {
      let (row, column) = position.quotientAndRemainder(dividingBy: shape.columns)
      let t = Self.coordinate(row, of: shape.rows)
      let s = Self.coordinate(column, of: shape.columns)
      body(position, Self.polynomial(cx, s, t), Self.polynomial(cy, s, t))
    }
  }

  private func padded(_ values: [Double]) -> InlineArray<6, Double> {
    var result = InlineArray<6, Double>(repeating: 0)
    for index in values.indices { result[index] = values[index] }
    return result
  }

  private static func polynomial(
    _ c: borrowing InlineArray<6, Double>, _ s: Double, _ t: Double
  ) -> Double {
    let linear = c[0] + c[1] * s + c[2] * t
    return linear + s * (c[3] * s + c[4] * t) + c[5] * t * t
  }

  /// At the scan's center, rad.
  public var center: Vector2 { Vector2(x: x[0], y: y[0]) }

  /// Change of the linear terms per column (to the right), rad.
  public var perColumn: Vector2 { slope(ofTerm: 1, along: shape.columns) }

  /// Change of the linear terms per row (downwards), rad.
  public var perRow: Vector2 { slope(ofTerm: 2, along: shape.rows) }

  private func slope(ofTerm index: Int, along side: Int) -> Vector2 {
    let perPixel = 2 / Double(max(side - 1, 1))
    guard index < degree.termCount else { return Vector2(x: 0, y: 0) }
    return Vector2(x: x[index] * perPixel, y: y[index] * perPixel)
  }
}

extension DescanSurface {
  /// The same deflection everywhere, as a single vacuum reference gives it.
  public init(constant: Vector2, variance: Double?, shape: GridShape) {
    self.init(
      degree: .constant, shape: shape, x: [constant.x], y: [constant.y],
      covariance: variance.map { [$0] })
  }

  /// A plane, by its change per pixel.
  ///
  /// - Parameters:
  ///   - center: At the scan's center, rad.
  ///   - perColumn: Change per column (to the right), rad.
  ///   - perRow: Change per row (downwards), rad.
  ///   - shape: Of the scan.
  public init(center: Vector2, perColumn: Vector2, perRow: Vector2, shape: GridShape) {
    let (s, t) = (Double(shape.columns - 1) / 2, Double(shape.rows - 1) / 2)
    self.init(
      degree: .plane, shape: shape, x: [center.x, perColumn.x * s, perRow.x * t],
      y: [center.y, perColumn.y * s, perRow.y * t], covariance: nil)
  }
}

extension VectorMap {
  /// Subtracts a surface of the map's shape from the usable pixels of a deflection map.
  ///
  /// The covariance stays that of the pixels among each other: the surface's own error is common to all
  /// of them, so averages do not lower it and differences of neighbors do not contain it.
  public mutating func remove(_ surface: DescanSurface) {
    precondition(surface.shape == shape, "surface and map share a shape")
    let (count, mask) = (shape.count, mask)
    field.rewrite { old, new in
      concurrentPieces(count) { positions in
        surface.forEachValue(at: positions) { position, x, y in
          let isUsable = mask.isUsable(position)
          new.x[position] = old.x[position] - (isUsable ? x : 0)
          new.y[position] = old.y[position] - (isUsable ? y : 0)
        }
      }
    }
  }
}
