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
    _ walls: [TestWall], _ geometry: InclinationGeometry, count: Int, spacing: Double = 1e-9,
    offset: Double, sigma: Double, draws: Int
  ) throws -> Int {
    var found = 0
    for seed in 1...draws {
      let profile = wallProfileSamples(
        walls, geometry: geometry, count: count, spacing: spacing, offset: offset, sigma: sigma,
        seed: UInt64(seed))
      if try fitWalls(profile: profile, geometry: geometry).fitted.count == walls.count {
        found += 1
      }
    }
    return found
  }

  /// The second wall stands twelve standard deviations above the noise alone, but less than five beside an offset.
  ///
  /// Without noise it takes 12.3 off χ², with noise 15 ± 7. On the lowest offset that of the single wall is nearer to zero,
  /// and the second must take off 3 ln 111 = 14.1 to be one: of 20 draws 11 ± 2 do.
  @Test(
    "a pair that an offset could halve is two walls, on any offset",
    arguments: [(offset: 0.0, least: 14), (1e9, 14), (-1e9, 5)])
  func pair(offset: Double, least: Int) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: 33 * degree, direction: .perp)
    let pair = [
      TestWall(field: -4.7e8, w: 9e-9, position: -30e-9),
      TestWall(field: 3.7e8, w: 9e-9, position: 30e-9),
    ]
    // In the other draws noise favors the offset.
    let found = try Self.found(
      pair, geometry, count: 111, offset: offset, sigma: 9e7, draws: 20)
    #expect(found >= least, "\(found)")
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

  /// Beside a wall whose own flank the rim cuts, a second one at the other rim and an offset explain the profile about as
  /// well, and leave the first a fraction of its E0·w.
  @Test("A wall off the middle of a frame that it fills has its own E0·w, if any")
  func offMiddle() throws {
    let geometry = try InclinationGeometry(
      thickness: 62.7e-9, inclination: 55.9 * degree, direction: .perp)
    let truth = TestWall(
      field: 7e7, w: 25.5e-9 / InclinationGeometry.widthFactor, position: -30e-9)
    for seed in 1...20 {
      let profile = wallProfileSamples(
        [truth], geometry: geometry, count: 156, sigma: 8.8e6, seed: UInt64(seed))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      // It is told, or measured as it is.
      #expect(fit.reported.count + fit.cutByRim.count == 1, "seed \(seed)")
      for wall in fit.reported {
        let error = try #require(wall.product.error)
        #expect(abs(wall.product.value - truth.field * truth.w) < 4 * error, "seed \(seed)")
      }
    }
  }

  @Test("Alternating walls side by side are no fewer and wider ones of one sign on an offset")
  func sideBySide() throws {
    let geometry = try InclinationGeometry(
      thickness: 25.6e-9, inclination: 31 * degree, direction: .parallel)
    let walls = (0..<7).map {
      TestWall(
        field: $0.isMultiple(of: 2) ? -3.1e8 : 3.7e8, w: 18e-9 / InclinationGeometry.widthFactor,
        position: (Double($0) - 3) * 35e-9)
    }
    let found = try Self.found(
      walls, geometry, count: 414, spacing: 0.66e-9, offset: 0, sigma: 5e7, draws: 20)
    #expect(found >= 16, "\(found)")
  }

  @Test("A slope under walls is no wall at the rim and an offset")
  func slope() throws {
    let geometry = try InclinationGeometry(
      thickness: 40e-9, inclination: 45 * degree, direction: .perp)
    let walls = [-25e-9, 25e-9].map {
      TestWall(
        field: $0 < 0 ? -4.5e8 : 4.6e8, w: 7e-9 / InclinationGeometry.widthFactor, position: $0)
    }
    var found = 0
    for seed in 1...20 {
      var profile = wallProfileSamples(
        walls, geometry: geometry, count: 260, sigma: 8e7, seed: UInt64(seed))
      for k in profile.value.indices { profile.value[k] -= 7.5e14 * profile.distance[k] }
      let fit = try fitWalls(profile: profile, geometry: geometry)
      if fit.fitted.count == 2, fit.slope != nil { found += 1 }
    }
    #expect(found >= 18, "\(found)")
  }
}
