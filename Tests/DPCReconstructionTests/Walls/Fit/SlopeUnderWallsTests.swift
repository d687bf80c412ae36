// Profiles whose walls stand on a slope, and profiles that only look so.

import DPCReconstruction
import STEMCore
import Testing

@Suite("Slopes under walls")
struct SlopeUnderWallsTests {
  private static let pair = [
    TestWall(field: 3e8, w: 11e-9, position: -80e-9),
    TestWall(field: -3e8, w: 11e-9, position: 80e-9),
  ]

  private static func inclined(_ angle: Double = 45) throws -> InclinationGeometry {
    try InclinationGeometry(
      thickness: 60e-9, inclination: angle * degree, direction: .parallel)
  }

  private static func profile(
    _ walls: [TestWall], _ geometry: InclinationGeometry, slope: Double, count: Int = 320,
    sigma: Double? = nil, seed: UInt64? = nil
  ) -> LineProfile {
    var profile = wallProfileSamples(
      walls, geometry: geometry, count: count, spacing: 1.5e-9, offset: 2e6, sigma: sigma,
      seed: seed)
    for i in profile.value.indices { profile.value[i] += slope * profile.distance[i] }
    return profile
  }

  @Test("without noise walls and slope are exact", arguments: [-4e14, 1e13, 4e14])
  func exact(slope: Double) throws {
    let fit = try fitWalls(
      profile: Self.profile(Self.pair, Self.inclined(), slope: slope), geometry: Self.inclined())
    try #require(fit.fitted.count == 2)
    for (wall, truth) in zip(fit.walls, Self.pair) {
      #expect(wall.field.value.deviation(from: truth.field) < 1e-9)
      #expect(wall.width.value.deviation(from: InclinationGeometry.widthFactor * 11e-9) < 1e-9)
    }
    #expect(try #require(fit.slope).value.deviation(from: slope) < 1e-9)
    #expect(abs(fit.offset.value - 2e6) < 1)
  }

  /// From 14 standard deviations of the slope on; 40 of what a wall leaves at the rims.
  @Test(
    "noise moves walls on a slope by their errors, and invents none at the rims",
    arguments: [2e13, 7e13, 7e14])
  func noisy(slope: Double) throws {
    let geometry = try Self.inclined()
    var pulls: [Double] = []
    for seed in 1...24 {
      let fit = try fitWalls(
        profile: Self.profile(Self.pair, geometry, slope: slope, sigma: 2e6, seed: UInt64(seed)),
        geometry: geometry)
      try #require(fit.fitted.count == 2, "seed \(seed)")
      for (wall, truth) in zip(fit.fitted, Self.pair) {
        let product = wall.product
        pulls.append((product.value - truth.field * truth.w) / (try #require(product.error)))
      }
      let found = try #require(fit.slope)
      pulls.append((found.value - slope) / (try #require(found.error)))
    }
    let square = pulls.reduce(0) { $0 + $1 * $1 } / Double(pulls.count)
    // The mean of 72 squared pulls scatters by 0.17: four of these.
    #expect(abs(square - 1) < 0.68, "\(square)")
  }

  @Test("noise makes no slope", arguments: [1, 2])
  func level(walls: Int) throws {
    let geometry = try Self.inclined()
    for seed in 1...60 {
      let fit = try fitWalls(
        profile: Self.profile(
          Array(Self.pair.prefix(walls)), geometry, slope: 0, sigma: 6e6, seed: UInt64(seed)),
        geometry: geometry)
      #expect(fit.slope == nil, "seed \(seed)")
    }
  }

  @Test("two wide walls that fill the frame are no slope", arguments: [1e6, 1e7])
  func wideWalls(sigma: Double) throws {
    let normal = try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .normal)
    let walls = [
      TestWall(field: -1.2e8, w: 30e-9, position: -60e-9),
      TestWall(field: 1.2e8, w: 30e-9, position: 60e-9),
    ]
    for seed in 1...12 {
      let fit = try fitWalls(
        profile: Self.profile(
          walls, normal, slope: 0, count: 150, sigma: sigma, seed: UInt64(seed)),
        geometry: normal)
      #expect(fit.fitted.count == 2, "seed \(seed)")
      #expect(fit.slope == nil, "seed \(seed)")
    }
  }

  @Test("a wall that the rim cuts is no slope")
  func cutWall() throws {
    let geometry = try Self.inclined()
    let walls = Self.pair + [TestWall(field: 3e8, w: 11e-9, position: 250e-9)]
    for seed in 1...12 {
      let fit = try fitWalls(
        profile: Self.profile(walls, geometry, slope: 0, sigma: 2e6, seed: UInt64(seed)),
        geometry: geometry)
      #expect(fit.slope == nil, "seed \(seed)")
      #expect(fit.reported.count == 2 && fit.cutByRim.count == 1, "seed \(seed)")
    }
  }

  @Test("a slope alone is no wall, neither inside nor at the rims")
  func noWalls() throws {
    for seed in 1...12 {
      let fit = try fitImageWalls(
        profile: Self.profile(
          [], Self.inclined(), slope: 1e14, sigma: 2e6, seed: UInt64(seed)))
      #expect(fit.fitted.isEmpty, "seed \(seed)")
      #expect(try #require(fit.slope).value.deviation(from: 1e14) < 0.1)
    }
  }

  @Test("the inclination is found on a slope")
  func inclination() throws {
    for seed in 1...4 {
      let fit = try #require(
        try fitInclinedWalls(
          profile: Self.profile(
            Self.pair, Self.inclined(), slope: 3e14, sigma: 2e6, seed: UInt64(seed)),
          start: Self.inclined(10), stated: 40 * degree))
      let error = try #require(fit.inclination.error)
      #expect(fit.fit.baseline == .linear)
      #expect(error < 3 * degree)
      #expect(abs(fit.inclination.value - 45 * degree) < 4 * error, "seed \(seed)")
    }
  }

  @Test("an error of the thickness changes the slope's walls as it changes others")
  func thickness() throws {
    let geometry = try Self.inclined()
    let changes = try [0, 4e14].map { slope in
      let profile = Self.profile(Self.pair, geometry, slope: slope, sigma: 2e6)
      return wallChanges(
        of: try fitWalls(profile: profile, geometry: geometry), profile: profile,
        geometry: geometry, thicknessError: 2e-9
      ).walls
    }
    for (level, sloping) in zip(changes[0], changes[1]) {
      #expect(sloping.field.deviation(from: level.field) < 0.05)
      #expect(sloping.sechWidth.deviation(from: level.sechWidth) < 0.05)
    }
  }
}
