// Vectors in the plane of the scan or of the detector, and what is linear in them.

/// A pair of components x and y.
public struct Vector2: Sendable, Equatable, Codable {
  public var x: Double
  public var y: Double

  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// A 2×2 matrix acting on a vector (x, y), row by row.
public struct Matrix2: Sendable, Equatable, Codable {
  public var xx: Double, xy: Double, yx: Double, yy: Double

  public init(xx: Double, xy: Double, yx: Double, yy: Double) {
    self.xx = xx
    self.xy = xy
    self.yx = yx
    self.yy = yy
  }

  public static let identity = Matrix2(xx: 1, xy: 0, yx: 0, yy: 1)
  /// R(a)(vx, vy) = (cos a vx - sin a vy, sin a vx + cos a vy), given cos a and sin a.
  public static func rotation(cosine: Double, sine: Double) -> Matrix2 {
    Matrix2(xx: cosine, xy: -sine, yx: sine, yy: cosine)
  }

  /// The vector (x, y) multiplied by the matrix, in its unit times that of the elements.
  public func callAsFunction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    (xx * x + xy * y, yx * x + yy * y)
  }

  /// The matrix that undoes this one; nil where the determinant is negligible beside the elements.
  public var inverse: Matrix2? {
    let determinant = xx * yy - xy * yx
    let size = xx * xx + xy * xy + yx * yx + yy * yy
    if !(abs(determinant) > 1e-9 * size) { return nil }
    return Matrix2(
      xx: yy / determinant, xy: -xy / determinant, yx: -yx / determinant, yy: xx / determinant)
  }

  /// By how much it makes vectors longer at least and at most.
  public var singularValues: (least: Double, most: Double) {
    func length(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
    let (turning, mirroring) = (length(xx + yy, yx - xy), length(xx - yy, yx + xy))
    return (abs(turning - mirroring) / 2, (turning + mirroring) / 2)
  }

  /// The matrix that does what `first` does and then what this one does.
  public func after(_ first: Matrix2) -> Matrix2 {
    Matrix2(
      xx: xx * first.xx + xy * first.yx, xy: xx * first.xy + xy * first.yy,
      yx: yx * first.xx + yy * first.yx, yy: yx * first.xy + yy * first.yy)
  }
}
