// The stated errors of measured normals: what many draws of noise make of one truth.

import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Errors of wall normals")
struct WallAzimuthErrorTests {
  /// Antiparallel walls with noise, seen in a frame of 96 × 96 positions.
  struct Scene: Sendable, CustomTestStringConvertible {
    var pixel = PixelSize(x: 1e-9, y: 1e-9)
    var azimuth = 20.0
    var w = 5e-9
    var distance = 45e-9
    /// Of a pixel over the walls' height.
    var noise = 1.0

    var testDescription: String { "\(azimuth)° w \(w) m noise \(noise) pixel \(pixel)" }

    func map(seed: Int) throws -> VectorMap {
      try wallMap(
        [
          TestWall(field: 1e8, w: w, position: -distance / 2),
          TestWall(field: -1e8, w: w, position: distance / 2 + 1.3e-9),
        ], rows: 96, columns: 96, pixel: pixel, azimuth: azimuth * degree, sigma: noise * 1e8,
        seed: UInt64(seed))
    }
  }

  /// Σ pull² over the number of draws: of 40 with right errors it leaves 0.52...1.67 in one case of a hundred (χ²).
  private func expectHonest(
    _ scene: Scene, draws: Int, range: ClosedRange<Double> = 0.52...1.67,
    _ measured: (VectorMap) throws -> (azimuth: Double, error: Double?)
  ) throws {
    var sum = 0.0
    for seed in 1...draws {
      let found = try measured(scene.map(seed: seed))
      let error = try #require(found.error)
      let pull = WideWallTests.deviation(found.azimuth, scene.azimuth * degree) / error
      sum += pull * pull
    }
    #expect(range.contains(sum / Double(draws)), "\(sum / Double(draws))")
  }

  @Test(
    "Of gradients and walls lined up, in any noise",
    arguments: [
      Scene(noise: 0.1), Scene(noise: 1), Scene(w: 8e-9, noise: 0.6), Scene(azimuth: 0, noise: 0.3),
      Scene(azimuth: 135, w: 3e-9, noise: 0.3),
      Scene(pixel: PixelSize(x: 2e-9, y: 1e-9), azimuth: 70, noise: 0.3),
    ])
  func measured(scene: Scene) throws {
    try expectHonest(scene, draws: 40) {
      let normal = try measuredWallNormal(of: $0)
      return (normal.azimuth, normal.azimuthError)
    }
  }

  @Test("Without known errors, from what pixels at one distance differ by")
  func unknownNoise() throws {
    try expectHonest(Scene(noise: 0.3), draws: 40) {
      var map = $0
      map.covariance = nil
      let normal = try measuredWallNormal(of: map)
      return (normal.azimuth, normal.azimuthError)
    }
  }

  // Twelve draws of right errors lie within 0.25...2.5 but for one chance in a hundred; steps of a search alone
  // were 30 times off where noise is 0.03.
  @Test(
    "Of walls that a search has found, at the highest dose and beside each other",
    arguments: [Scene(noise: 0.03), Scene(w: 12e-9, noise: 0.1), Scene(azimuth: 90, noise: 0.5)])
  func found(scene: Scene) throws {
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    try expectHonest(scene, draws: 12, range: 0.25...2.5) {
      let findings = try findWalls(in: $0, geometry: geometry)
      #expect(findings.walls.count == 2)
      return (try #require(findings.families.first), findings.azimuthError(ofFamily: 0))
    }
  }

  @Test("Walls that are not straight have an error far above their noise")
  func bent() throws {
    let scene = Scene(azimuth: 0, w: 5e-9, noise: 1e-3)
    var map = try scene.map(seed: 1)
    let straight = try #require(try measuredWallNormal(of: map).azimuthError)
    // The lower half of the frame shows walls of another azimuth, 0.06 rad on.
    var other = scene
    other.azimuth = 0.06 / degree
    let turned = try other.map(seed: 2)
    for i in map.shape.count / 2..<map.shape.count {
      (map.field.x[i], map.field.y[i]) = (turned.field.x[i], turned.field.y[i])
    }
    let normal = try measuredWallNormal(of: map)
    let error = try #require(normal.azimuthError)
    #expect(error > 10 * straight && error > 0.003, "\(error), straight \(straight)")
  }
}
