// Frames that walls fill, where an offset can stand for a wall and a wall for an offset.

import DPCReconstruction
import STEMCore
import Testing

@Suite("Walls that fill the frame")
struct FilledFrameTests {
  @Test(
    "one wide wall is one wall, without others at the rims", arguments: [100, 110], [true, false])
  func wideWall(count: Int, hasErrors: Bool) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: 42 * degree, direction: .normal)
    // 62 nm wide in the image: the median of the frame lies on its flanks.
    let truth = TestWall(field: -3.6e8, w: 12.5e-9, position: 4e-9)
    for seed in 1...16 {
      var profile = wallProfileSamples(
        [truth], geometry: geometry, count: count, sigma: 3e7, seed: UInt64(seed))
      if !hasErrors { profile.error = nil }
      let fit = try fitWalls(profile: profile, geometry: geometry)
      #expect(fit.fitted.count == 1, "seed \(seed)")
      let wall = try #require(fit.fitted.first).wall
      let error = try #require(wall.field.error)
      #expect(abs(wall.field.value - truth.field) < 4 * error, "seed \(seed)")
    }
  }

  /// In how many of some draws of noise as many walls are fitted as there are.
  static func found(
    _ walls: [TestWall], _ geometry: InclinationGeometry, count: Int, offset: Double, sigma: Double,
    draws: Int
  ) throws -> Int {
    var found = 0
    for seed in 1...draws {
      let profile = wallProfileSamples(
        walls, geometry: geometry, count: count, offset: offset, sigma: sigma, seed: UInt64(seed))
      if try fitWalls(profile: profile, geometry: geometry).fitted.count == walls.count {
        found += 1
      }
    }
    return found
  }

  /// The second wall stands twelve standard deviations above the noise alone, but less than five beside an offset.
  @Test(
    "a pair that an offset could halve is two walls, on any offset", arguments: [0.0, 1e9, -1e9])
  func pair(offset: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: 33 * degree, direction: .perp)
    let pair = [
      TestWall(field: -4.7e8, w: 9e-9, position: -30e-9),
      TestWall(field: 3.7e8, w: 9e-9, position: 30e-9),
    ]
    // In the other draws noise favors the offset.
    let found = try Self.found(
      pair, geometry, count: 111, offset: offset, sigma: 9e7, draws: 20)
    #expect(found >= 14, "\(found)")
  }

  @Test("a wall between two that the rims cut is not one wide wall on an offset")
  func cutWalls() throws {
    let geometry = try InclinationGeometry(
      thickness: 40e-9, inclination: 45 * degree, direction: .perp)
    let walls = [-75e-9, 0, 75e-9].map {
      TestWall(field: $0 == 0 ? 3e8 : -3e8, w: 13e-9, position: $0)
    }
    let found = try Self.found(walls, geometry, count: 150, offset: 0, sigma: 3e7, draws: 20)
    // In the other draws noise favors the offset.
    #expect(found >= 14, "\(found)")
  }
}
