// Descan: the drift of the disc with the scan position, which is not the specimen's doing.
public import STEMCore

/// A deflection that depends linearly on the scan position, in the detector frame.
public struct DescanPlane: Sendable, Equatable, Codable {
  /// At the scan's center, rad.
  public var center: Vector2
  /// Change per column (to the right), rad.
  public var perColumn: Vector2
  /// Change per row (downwards), rad.
  public var perRow: Vector2
  /// Variance of `center`, `perColumn` and `perRow`, alike for x and y, rad²; nil if unknown.
  public var variance: Coefficients?

  /// A pair of components x and y.
  public struct Vector2: Sendable, Equatable, Codable {
    public var x: Double
    public var y: Double
    public init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// One number for each coefficient of the plane.
  public struct Coefficients: Sendable, Equatable, Codable {
    public var center: Double
    public var perColumn: Double
    public var perRow: Double
  }

  public init(center: Vector2, perColumn: Vector2, perRow: Vector2, variance: Coefficients?) {
    self.center = center
    self.perColumn = perColumn
    self.perRow = perRow
    self.variance = variance
  }

  /// A constant deflection, as a single vacuum reference gives it.
  public init(constant: Vector2, variance: Double?) {
    self.init(
      center: constant, perColumn: Vector2(x: 0, y: 0), perRow: Vector2(x: 0, y: 0),
      variance: variance.map { Coefficients(center: $0, perColumn: 0, perRow: 0) })
  }

  /// The plane over a scan, rad.
  public func field(over shape: GridShape) -> VectorField {
    var field = VectorField(shape: shape)
    for row in 0..<shape.rows {
      let v = Double(row) - Double(shape.rows - 1) / 2
      for column in 0..<shape.columns {
        let u = Double(column) - Double(shape.columns - 1) / 2
        let position = row * shape.columns + column
        field.x[position] = center.x + perColumn.x * u + perRow.x * v
        field.y[position] = center.y + perColumn.y * u + perRow.y * v
      }
    }
    return field
  }

  /// Least squares over the usable pixels of a deflection map.
  ///
  /// A side of one pixel has no slope along it. The variance is that of the residuals.
  ///
  /// - Returns: nil where fewer than three pixels are usable.
  public init?(fittedTo map: VectorMap) {
    let shape = map.shape
    let usable = (0..<shape.count).filter(map.mask.isUsable)
    if usable.count < 3 { return nil }
    var normal = NormalEquations()
    for position in usable {
      let u = Double(position % shape.columns) - Double(shape.columns - 1) / 2
      let v = Double(position / shape.columns) - Double(shape.rows - 1) / 2
      normal.add(u: u, v: v, x: map.field.x[position], y: map.field.y[position])
    }
    guard let solution = normal.solved() else { return nil }
    self = solution.plane
    let fitted = field(over: shape)
    var residual = 0.0
    for position in usable {
      let dx = map.field.x[position] - fitted.x[position]
      let dy = map.field.y[position] - fitted.y[position]
      residual += dx * dx + dy * dy
    }
    let perComponent = residual / Double(max(2 * usable.count - 6, 1))
    variance = Coefficients(
      center: perComponent * solution.inverse.0, perColumn: perComponent * solution.inverse.1,
      perRow: perComponent * solution.inverse.2)
  }
}

/// Sums of a least-squares plane a + b u + c v for two right-hand sides.
private struct NormalEquations {
  private var matrix = [[Double]](repeating: [0, 0, 0], count: 3)
  private var right = [[Double]](repeating: [0, 0], count: 3)

  mutating func add(u: Double, v: Double, x: Double, y: Double) {
    let basis = [1, u, v]
    for i in 0..<3 {
      for j in 0..<3 { matrix[i][j] += basis[i] * basis[j] }
      right[i][0] += basis[i] * x
      right[i][1] += basis[i] * y
    }
  }

  /// The plane and the diagonal of the inverse matrix; directions without extent have slope zero.
  func solved() -> (plane: DescanPlane, inverse: (Double, Double, Double))? {
    var m = matrix
    var r = right.enumerated().map { index, value in
      value + (0..<3).map { $0 == index ? 1.0 : 0.0 }
    }
    for axis in 1..<3 where m[axis][axis] == 0 {
      m[axis][axis] = 1
      r[axis] = [Double](repeating: 0, count: 5)
    }
    for pivot in 0..<3 {
      if !(abs(m[pivot][pivot]) > 0) { return nil }
      for row in 0..<3 where row != pivot {
        let factor = m[row][pivot] / m[pivot][pivot]
        for column in 0..<3 { m[row][column] -= factor * m[pivot][column] }
        for column in 0..<5 { r[row][column] -= factor * r[pivot][column] }
      }
    }
    let s = (0..<3).map { row in r[row].map { $0 / m[row][row] } }
    let plane = DescanPlane(
      center: .init(x: s[0][0], y: s[0][1]), perColumn: .init(x: s[1][0], y: s[1][1]),
      perRow: .init(x: s[2][0], y: s[2][1]), variance: nil)
    return (plane, (s[0][2], s[1][3], s[2][4]))
  }
}

/// Subtracts a plane from the usable pixels of a deflection map.
///
/// The map's covariance stays that of the pixels among each other: the plane's own error is common to
/// all of them, so averages do not lower it and differences do not contain it.
public func removing(_ plane: DescanPlane, from map: VectorMap) -> VectorMap {
  var result = map
  let removed = plane.field(over: map.shape)
  for position in 0..<map.shape.count where map.mask.isUsable(position) {
    result.field.x[position] -= removed.x[position]
    result.field.y[position] -= removed.y[position]
  }
  return result
}
