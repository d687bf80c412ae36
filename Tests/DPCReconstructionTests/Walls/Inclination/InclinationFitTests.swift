// The inclination found with the walls: exact without noise, honest with it, and refused where it cannot be.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct InclinationFitTests {
  private let degree = Double.pi / 180

  /// A profile of walls at an inclination, by quadrature along the rays.
  private func profile(
    _ walls: [TestWall], inclination: Double, thickness: Double, sigma: Double, seed: UInt64?
  ) -> LineProfile {
    var generator = WallTestGenerator(seed: seed ?? 0)
    let distance = (-160...160).map { Double($0) * 1e-9 }
    let value = distance.map { x in
      walls.reduce(0) { sum, wall in
        sum
          + meanFieldByQuadrature(
            at: x, wall: wall, thickness: thickness, inclination: inclination,
            factor: sin(inclination))
      } + (seed == nil ? 0 : sigma * generator.normal())
    }
    return LineProfile(
      distance: distance, value: value, error: distance.map { _ in sigma },
      sampleCount: distance.map { _ in 100 })
  }

  private let pair = [
    TestWall(field: 2e8, w: 8e-9, position: -60e-9),
    TestWall(field: -2e8, w: 8e-9, position: 70e-9),
  ]

  private func start(_ angle: Double, thickness: Double = 60e-9) throws -> InclinationGeometry {
    try InclinationGeometry(
      thickness: thickness, inclination: angle * degree, direction: .parallel)
  }

  @Test("Without noise the angle, the fields and the widths come out, whatever the start")
  func exact() throws {
    for (truth, first) in [(38.0, 45.0), (52, 20), (25, 60)] {
      let data = profile(
        pair, inclination: truth * degree, thickness: 60e-9, sigma: 1e4, seed: nil)
      let fit = try #require(try fitInclinedWalls(profile: data, start: start(first)))
      // The golden section ends at 0.01°, χ² being flat within a hundredth of its unit.
      #expect(
        abs(fit.inclination.value / degree - truth) < 0.05, "\(fit.inclination.value / degree)")
      #expect(fit.isDetermined && fit.fit.reported.count == 2)
      for (found, wall) in zip(fit.fit.reported, pair) {
        #expect(abs(found.wall.field.value / wall.field - 1) < 2e-3)
        #expect(abs(found.sechWidth.value / wall.w - 1) < 2e-3)
      }
    }
  }

  @Test("With noise 68 % of angles and fields lie within their errors, over 40 draws")
  func coverage() throws {
    var (angles, fields, widths, total) = (0, 0, 0, 0)
    for seed in 1...40 {
      let data = profile(
        pair, inclination: 45 * degree, thickness: 60e-9, sigma: 2e6, seed: UInt64(seed))
      let fit = try #require(try fitInclinedWalls(profile: data, start: start(45)))
      guard fit.isDetermined else { continue }
      let error = try #require(fit.inclination.error)
      if abs(fit.inclination.value - 45 * degree) < error { angles += 1 }
      for (found, wall) in zip(fit.fit.reported, pair) {
        if abs(found.wall.field.value - wall.field) < found.wall.field.error ?? 0 { fields += 1 }
        if abs(found.sechWidth.value - wall.w) < found.sechWidth.error ?? 0 { widths += 1 }
      }
      total += 1
    }
    #expect(total == 40)
    // 27 of 40 with a deviation of 3; fields and widths come in pairs that share the angle.
    #expect((18...36).contains(angles), "\(angles)")
    #expect((38...72).contains(fields), "\(fields)")
    #expect((38...72).contains(widths), "\(widths)")
  }

  @Test("A thin specimen with wide walls does not tell its inclination, and says so")
  func undetermined() throws {
    let wide = [TestWall(field: 2e8, w: 25e-9, position: 0)]
    let data = profile(wide, inclination: 30 * degree, thickness: 10e-9, sigma: 1e6, seed: 4)
    let fit = try fitInclinedWalls(profile: data, start: start(45, thickness: 10e-9))
    #expect(fit?.isDetermined != true)
  }

  @Test("Without errors there is no likelihood, and no angle")
  func noErrors() throws {
    var data = profile(pair, inclination: 0.7, thickness: 60e-9, sigma: 1e5, seed: nil)
    data.error = nil
    #expect(try fitInclinedWalls(profile: data, start: start(45)) == nil)
  }

  @Test(
    "Distance and path of an antiparallel pair change places: both angles, the stated one first")
  func mirror() throws {
    let pair = [
      TestWall(field: 3e8, w: 11e-9, position: -45e-9),
      TestWall(field: -3e8, w: 11e-9, position: 45e-9),
    ]
    let mirrored: Double = atan(1.5)
    for truth in [65 * degree, 42 * degree, 25 * degree] {
      let data = profile(pair, inclination: truth, thickness: 60e-9, sigma: 5e5, seed: nil)
      let fit = try #require(
        try fitInclinedWalls(profile: data, start: start(45), stated: truth + 0.5 * degree))
      #expect(abs(fit.inclination.value - truth) < 0.02 * degree)
      #expect(fit.fit.reported.count == 2)
      for (found, wall) in zip(fit.fit.reported, pair) {
        #expect(abs(found.wall.field.value / wall.field - 1) < 2e-3)
        #expect(abs(found.wall.position.value - wall.position) < 0.1e-9)
      }
      // atan(d/t), with walls as far apart as the path is wide.
      let other = try #require(fit.alternatives.first)
      #expect(fit.alternatives.count == 1)
      #expect(abs(other.inclination.value - mirrored) < 0.02 * degree)
      let distance = try #require(other.fit.reported.last).wall.position.value * 2
      #expect(abs(distance / (60e-9 * tan(truth)) - 1) < 2e-3)
      // Without a stated angle the walls that are less inclined.
      let free = try #require(try fitInclinedWalls(profile: data, start: start(45)))
      #expect(abs(free.inclination.value - min(truth, mirrored)) < 0.02 * degree)
    }
  }

  @Test("Walls of one sign have no mirror, and walls of unlike fields show which is right")
  func noMirror() throws {
    for fields in [(3e8, 3e8), (3e8, -2e8)] {
      let walls = [
        TestWall(field: fields.0, w: 11e-9, position: -85e-9),
        TestWall(field: fields.1, w: 11e-9, position: 85e-9),
      ]
      let data = profile(walls, inclination: 50 * degree, thickness: 60e-9, sigma: 3e6, seed: nil)
      let fit = try #require(
        try fitInclinedWalls(profile: data, start: start(45), stated: 65 * degree))
      #expect(fit.alternatives.isEmpty)
      #expect(
        abs(fit.inclination.value - 50 * degree) < 0.05 * degree,
        "\(fields) \(fit.inclination.value / degree) \(fit.fit.walls)")
    }
  }

  @Test("Walls edge-on leave an upper bound of the angle, and exclude what lies above it")
  func edgeOn() throws {
    let data = profile(
      [TestWall(field: 2e8, w: 8e-9, position: 0)], inclination: 0.1 * degree, thickness: 60e-9,
      sigma: 4e6 * sin(0.1 * degree), seed: 9)
    let fit = try #require(try fitInclinedWalls(profile: data, start: start(45)))
    #expect(!fit.isDetermined && fit.excludedBelow == nil)
    let above = try #require(fit.excludedAbove)
    #expect(above < 20 * degree && above > 2 * degree, "\(above / degree)")
    #expect(fit.excludes(45 * degree) && !fit.excludes(0))
  }
}
