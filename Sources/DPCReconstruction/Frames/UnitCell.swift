// The unit cell of a crystal as it lies in a scan.
internal import Glibc

/// An edge of a cell in pixels, or a wave in periods a pixel, along x and y of the scan.
public struct LatticeVector: Sendable, Equatable {
  public let x: Double
  public let y: Double

  public init(_ x: Double, _ y: Double) {
    (self.x, self.y) = (x, y)
  }

  var length: Double { hypot(x, y) }

  static func + (one: Self, two: Self) -> Self { Self(one.x + two.x, one.y + two.y) }
  static func - (one: Self, two: Self) -> Self { Self(one.x - two.x, one.y - two.y) }
  static func * (factor: Double, vector: Self) -> Self {
    Self(factor * vector.x, factor * vector.y)
  }

  /// The third component of the cross product.
  func cross(_ other: Self) -> Double { x * other.y - y * other.x }

  /// A wave at a pixel.
  func cosine(row: Int, column: Int) -> Double {
    cos(2 * .pi * (x * Double(column) + y * Double(row)))
  }
}

/// A projected unit cell, by two edges.
public struct UnitCell: Sendable, Equatable {
  public let a: LatticeVector
  public let b: LatticeVector

  /// - Parameters:
  ///   - a: One edge, pixels.
  ///   - b: The other one, pixels; not along the first.
  public init(a: LatticeVector, b: LatticeVector) {
    (self.a, self.b) = (a, b)
  }

  /// Pixels that it covers.
  var area: Double { abs(a.cross(b)) }

  /// The lesser of its heights, pixels.
  public var leastHeight: Double { area / max(a.length, b.length) }

  /// The waves of which every other one of the lattice is a sum.
  var reciprocal: (LatticeVector, LatticeVector) {
    let determinant = a.cross(b)
    return (
      LatticeVector(b.y / determinant, -b.x / determinant),
      LatticeVector(-a.y / determinant, a.x / determinant)
    )
  }
}
