// Sums of covariances and of dyads.
internal import STEMCore

extension Matrix2 {
  static var zero: Matrix2 { Matrix2(xx: 0, xy: 0, yx: 0, yy: 0) }

  /// Adds the dyad of a vector, times a factor.
  mutating func add(_ factor: Double, _ vector: SIMD2<Double>) {
    xx += factor * vector.x * vector.x
    xy += factor * vector.x * vector.y
    yx += factor * vector.x * vector.y
    yy += factor * vector.y * vector.y
  }

  func plus(_ other: Matrix2) -> Matrix2 {
    Matrix2(xx: xx + other.xx, xy: xy + other.xy, yx: yx + other.yx, yy: yy + other.yy)
  }

  func scaled(_ factor: Double) -> Matrix2 {
    Matrix2(xx: factor * xx, xy: factor * xy, yx: factor * yx, yy: factor * yy)
  }

  /// v · M v.
  func quadraticForm(_ vector: SIMD2<Double>) -> Double {
    xx * vector.x * vector.x + (xy + yx) * vector.x * vector.y + yy * vector.y * vector.y
  }
}
