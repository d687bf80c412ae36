// Directions and planes of a crystal, and what they make of the view of a wall.

internal import Glibc

/// Edges of the unit cell and the angles between them.
public struct CrystalLattice: Sendable, Equatable {
  /// The cell's edges in Cartesian components; any unit, only ratios and angles count.
  let edges: [Vector3]

  /// - Parameters:
  ///   - lengths: a, b, c; any unit.
  ///   - angles: α (between b and c), β, γ, rad.
  /// - Throws: ``CrystalError`` where no cell has such edges.
  public init(
    lengths: (a: Double, b: Double, c: Double) = (1, 1, 1),
    angles: (alpha: Double, beta: Double, gamma: Double) = (.pi / 2, .pi / 2, .pi / 2)
  ) throws(CrystalError) {
    func cosine(_ angle: Double) -> Double {
      // cos(90°) is zero, not 6e-17: axes stay exact.
      abs(angle - .pi / 2) < 1e-12 ? 0 : cos(angle)
    }
    let (ca, cb, cg) = (cosine(angles.alpha), cosine(angles.beta), cosine(angles.gamma))
    let sg = sin(angles.gamma)
    let y = sg == 0 ? .nan : (ca - cb * cg) / sg
    let z2 = 1 - cb * cb - y * y
    guard lengths.a > 0, lengths.b > 0, lengths.c > 0, z2 > 1e-12 else { throw .impossibleCell }
    edges = [
      Vector3(lengths.a, 0, 0), Vector3(lengths.b * cg, lengths.b * sg, 0),
      Vector3(lengths.c * cb, lengths.c * y, lengths.c * z2.squareRoot()),
    ]
  }

  /// The unit vector along [uvw].
  public func direction(_ indices: MillerIndices) -> Vector3 {
    (edges[0] * indices.h + edges[1] * indices.k + edges[2] * indices.l).normalized
  }

  /// The unit normal of (hkl), along the reciprocal lattice vector.
  public func normal(_ indices: MillerIndices) -> Vector3 {
    (edges[1].cross(edges[2]) * indices.h + edges[2].cross(edges[0]) * indices.k
      + edges[0].cross(edges[1]) * indices.l).normalized
  }
}

/// Three integers that name a direction or a plane.
public struct MillerIndices: Sendable, Equatable {
  public var h: Double
  public var k: Double
  public var l: Double

  public init(_ h: Double, _ k: Double, _ l: Double) {
    self.h = h
    self.k = k
    self.l = l
  }
}

/// Why crystal directions describe no view of a wall.
public enum CrystalError: Error, Sendable, Equatable {
  case impossibleCell
  /// The beam lies in the normal's direction: the wall is seen face-on.
  case faceOn
  /// The image's x axis lies along the beam.
  case axisAlongBeam
}

extension CrystalError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .impossibleCell: "no unit cell has these edges and angles"
    case .faceOn: "the beam runs along the wall's normal: the wall is seen face-on"
    case .axisAlongBeam: "the image's x axis cannot lie along the beam"
    }
  }
}

/// A wall seen along a beam, in the crystal's own terms.
public struct CrystalView: Sendable, Equatable {
  /// Angle between beam and wall plane, rad: asin |n·b|.
  public let inclination: Double
  /// Unit vector in the crystal, in the direction of flight.
  public let beam: Vector3
  /// Unit vector in the crystal: the wall normal's projection along the beam.
  public let imageNormal: Vector3
  /// Unit vector in the crystal: the wall's trace in the image, a quarter turn clockwise from the image normal
  /// as seen along the beam.
  public let trace: Vector3

  /// - Parameters:
  ///   - beam: Direction of flight.
  ///   - wallNormal: Either of the two.
  /// - Throws: ``CrystalError/faceOn``.
  public init(beam: Vector3, wallNormal: Vector3) throws(CrystalError) {
    let along = wallNormal.dot(beam)
    let inPlane = wallNormal - beam * along
    guard inPlane.length > 1e-6 else { throw .faceOn }
    self.beam = beam
    inclination = asin(min(1, abs(along)))
    imageNormal = inPlane.normalized
    // x right, y down and the beam into the screen are right-handed.
    trace = beam.cross(imageNormal)
  }

  /// The parts of a field along `direction` that the image shows, per unit of the field: along the image
  /// normal and along the wall.
  public func factors(of direction: Vector3) -> (acrossWall: Double, alongWall: Double) {
    (direction.dot(imageNormal), direction.dot(trace))
  }

  /// The azimuth of the image normal where the image's x axis is the projection of `axis`, rad.
  ///
  /// - Throws: ``CrystalError/axisAlongBeam``.
  public func normalAzimuth(imageX axis: Vector3) throws(CrystalError) -> Double {
    let inPlane = axis - beam * axis.dot(beam)
    guard inPlane.length > 1e-6 else { throw .axisAlongBeam }
    let x = inPlane.normalized
    let y = beam.cross(x)
    return atan2(imageNormal.dot(y), imageNormal.dot(x))
  }
}

/// A vector in space.
public struct Vector3: Sendable, Equatable {
  public var x: Double
  public var y: Double
  public var z: Double

  public init(_ x: Double, _ y: Double, _ z: Double) {
    self.x = x
    self.y = y
    self.z = z
  }

  public static func + (a: Vector3, b: Vector3) -> Vector3 {
    Vector3(a.x + b.x, a.y + b.y, a.z + b.z)
  }
  public static func - (a: Vector3, b: Vector3) -> Vector3 {
    Vector3(a.x - b.x, a.y - b.y, a.z - b.z)
  }
  public static func * (a: Vector3, factor: Double) -> Vector3 {
    Vector3(a.x * factor, a.y * factor, a.z * factor)
  }
  public func dot(_ other: Vector3) -> Double { x * other.x + y * other.y + z * other.z }
  public func cross(_ b: Vector3) -> Vector3 {
    Vector3(y * b.z - z * b.y, z * b.x - x * b.z, x * b.y - y * b.x)
  }
  public var length: Double { dot(self).squareRoot() }
  /// Of length one; of nothing, nothing.
  public var normalized: Vector3 { length > 0 ? self * (1 / length) : self }
}
