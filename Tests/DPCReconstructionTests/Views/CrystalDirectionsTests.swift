// Views of walls from crystal directions: angles, factors and azimuths against geometry by hand.
import DPCReconstruction
import Glibc
import Testing

struct CrystalDirectionsTests {
  private let degree = Double.pi / 180
  private let half = 0.5.squareRoot()

  private func view(
    _ beam: MillerIndices, _ wall: MillerIndices, in lattice: CrystalLattice? = nil
  ) throws -> CrystalView {
    let lattice = try lattice ?? CrystalLattice()
    return try CrystalView(beam: lattice.direction(beam), wallNormal: lattice.normal(wall))
  }

  @Test("A (110) wall is edge-on along [001] and inclined by 45° along [100]")
  func cubic() throws {
    let top = try view(MillerIndices(0, 0, 1), MillerIndices(1, 1, 0))
    #expect(abs(top.inclination) < 1e-12)
    let cross = try view(MillerIndices(1, 0, 0), MillerIndices(1, 1, 0))
    #expect(abs(cross.inclination - 45 * degree) < 1e-12)
    // The field along the wall, [1-10], shows sin 45° across it; [001] lies in the wall and across the beam.
    let along = cross.factors(of: try CrystalLattice().direction(MillerIndices(1, -1, 0)))
    #expect(abs(abs(along.acrossWall) - half) < 1e-12 && abs(along.alongWall) < 1e-12)
    // Across the wall, [110], cos 45°, of the same sign as the image normal.
    let across = cross.factors(of: try CrystalLattice().direction(MillerIndices(1, 1, 0)))
    #expect(abs(across.acrossWall - half) < 1e-12)
    let inWall = cross.factors(of: try CrystalLattice().direction(MillerIndices(0, 0, 1)))
    #expect(abs(abs(inWall.alongWall) - 1) < 1e-12 && abs(inWall.acrossWall) < 1e-12)
  }

  @Test("Factors are sin a and cos a, not confused, at an angle where they differ")
  func thirty() throws {
    // Beam [√3 along x, 1 along y] from a (010) wall: sin a = 1/2.
    let lattice = try CrystalLattice(lengths: (3.0.squareRoot(), 1, 1))
    let view = try view(MillerIndices(1, 1, 0), MillerIndices(0, 1, 0), in: lattice)
    #expect(abs(view.inclination - 30 * degree) < 1e-12)
    let normal = view.factors(of: lattice.direction(MillerIndices(0, 1, 0)))
    #expect(abs(normal.acrossWall - cos(30 * degree)) < 1e-12)
    let parallel = view.factors(of: lattice.direction(MillerIndices(1, 0, 0)))
    #expect(abs(abs(parallel.acrossWall) - sin(30 * degree)) < 1e-12)
  }

  @Test("The image's frame is right-handed: x right, y down, the beam into the screen")
  func azimuth() throws {
    let lattice = try CrystalLattice()
    let view = try view(MillerIndices(0, 0, 1), MillerIndices(1, 1, 0))
    // [100] to the right: [010] = z × x points down, and [110] lies at +45°, clockwise.
    let azimuth = try view.normalAzimuth(imageX: lattice.direction(MillerIndices(1, 0, 0)))
    #expect(abs(azimuth - 45 * degree) < 1e-12)
    let other = try view.normalAzimuth(imageX: lattice.direction(MillerIndices(0, 1, 0)))
    #expect(abs(other + 45 * degree) < 1e-12)
    // The trace stands at azimuth + 90°.
    #expect(abs(view.trace.dot(view.imageNormal)) < 1e-12)
    #expect(view.imageNormal.cross(view.trace).dot(view.beam) > 0.999)
  }

  @Test("Normals of planes are reciprocal vectors in a cell that is not orthogonal")
  func monoclinic() throws {
    let lattice = try CrystalLattice(
      lengths: (5.3, 5.1, 7.7), angles: (90 * degree, 111 * degree, 90 * degree))
    let normal = lattice.normal(MillerIndices(1, 0, 0))
    // Perpendicular to b and c, not along a.
    #expect(abs(normal.dot(lattice.direction(MillerIndices(0, 1, 0)))) < 1e-12)
    #expect(abs(normal.dot(lattice.direction(MillerIndices(0, 0, 1)))) < 1e-12)
    let angle = acos(normal.dot(lattice.direction(MillerIndices(1, 0, 0))))
    #expect(abs(angle - 21 * degree) < 1e-9)
  }

  @Test("What is no view is refused")
  func refused() throws {
    #expect(throws: CrystalError.faceOn) {
      try view(MillerIndices(0, 0, 1), MillerIndices(0, 0, 1))
    }
    #expect(throws: CrystalError.impossibleCell) {
      try CrystalLattice(angles: (10 * degree, 150 * degree, 90 * degree))
    }
    let seen = try view(MillerIndices(0, 0, 1), MillerIndices(1, 0, 0))
    #expect(throws: CrystalError.axisAlongBeam) {
      try seen.normalAzimuth(imageX: Vector3(0, 0, 1))
    }
  }
}
