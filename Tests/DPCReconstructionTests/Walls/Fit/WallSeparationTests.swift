// How many walls there are: pairs told apart, single ones kept whole.

@testable import DPCReconstruction
import STEMCore
import Testing

@Suite("Walls told apart")
struct WallSeparationTests {
  @Test("overlapping pairs are separated: antiparallel and parallel", arguments: [-1.0, 1])
  func pairs(sign: Double) throws {
    // Closer than t tan a + 2 FWHM/cos a = 115 nm.
    let truth = [
      TestWall(field: 3e8, w: 11e-9, position: -45e-9),
      TestWall(field: sign * 3e8, w: 11e-9, position: 45e-9),
    ]
    let geometry = try wallGeometry(45, .parallel)
    let fit = try fitWalls(
      profile: wallProfileSamples(truth, geometry: geometry), geometry: geometry)
    try #require(fit.walls.count == 2)
    for (wall, expected) in zip(fit.walls, truth) {
      #expect(wall.field.value.deviation(from: expected.field) < 1e-8)
      #expect(wall.position.value.deviation(from: expected.position) < 1e-8)
    }
  }

  @Test(
    "with noise a close pair of equal sign is two walls, not one and not three", arguments: 0..<4)
  func closePair(seed: Int) throws {
    // 40 nm apart; each is 37 nm wide in the image.
    let truth = [-20e-9, 20e-9].map { TestWall(field: 3e8, w: 11e-9, position: $0) }
    let geometry = try wallGeometry(30, .parallel)
    let profile = wallProfileSamples(truth, geometry: geometry, sigma: 6.5e6, seed: UInt64(seed))
    let fit = try fitWalls(profile: profile, geometry: geometry)
    try #require(fit.walls.count == 2)
    for (wall, expected) in zip(fit.walls, truth) {
      #expect(abs(wall.field.value - expected.field) < 4 * (try #require(wall.field.error)))
    }
  }

  /// One wider wall on an offset, and a cut one beside it, differ from the pair by little: at twice the noise of
  /// the first case both explain it alike in one of twelve draws.
  @Test(
    "a pair that fills the frame is two walls over no offset",
    arguments: [(sigma: 5e7, least: 20), (1e8, 15)])
  func fillingPair(sigma: Double, least: Int) throws {
    let geometry = try wallGeometry(0, .normal)
    let truth = [
      TestWall(field: 3e8, w: 30e-9, position: -50e-9),
      TestWall(field: -3e8, w: 30e-9, position: 50e-9),
    ]
    var found = 0
    for seed in 1...20 {
      let profile = wallProfileSamples(
        truth, geometry: geometry, count: 200, sigma: sigma, seed: UInt64(seed))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      guard fit.walls.count == 2 else { continue }
      found += 1
      for (wall, expected) in zip(fit.walls, truth) {
        let error = try #require(wall.field.error)
        #expect(abs(wall.field.value - expected.field) < 4 * error, "seed \(seed)")
      }
    }
    // 55 of 60 other draws: fewer than 15 of 20 are found with a chance below 1 %.
    #expect(found >= least, "\(found)")
  }

  /// 60 nm of path at 45° make a plateau with round shoulders, which two sech² explain better than one.
  @Test("in the image plane an inclined wall stays one, whatever the noise", arguments: [0, 4e14])
  func imagePlateau(slope: Double) throws {
    for seed in 1...30 {
      var profile = wallProfileSamples(
        [TestWall(field: 3e8, w: 11.35e-9, position: 4e-9)],
        geometry: try wallGeometry(45, .parallel),
        sigma: seed % 2 == 0 ? 1.5e7 : 3e6, seed: UInt64(seed))
      for i in profile.value.indices { profile.value[i] += slope * profile.distance[i] }
      let walls = try fitImageWalls(profile: profile).walls
      #expect(walls.count == 1, "seed \(seed)")
      #expect(abs(try #require(walls.first).position.value - 4e-9) < 3e-9, "seed \(seed)")
    }
  }

  /// Their images are 60 nm wide: one plateau of twice that width, or two lobes 59 nm apart.
  @Test(
    "walls nearer than their images are wide are told apart, with noise and without",
    arguments: [(1.0, 60e-9), (-1.0, 30e-9)], [nil, 1.6e7, 1.6e4])
  func nearWalls(pair: (sign: Double, distance: Double), sigma: Double?) throws {
    let geometry = try wallGeometry(45, .parallel)
    let truth = [-0.5, 0.5].map { part in
      TestWall(
        field: part < 0 ? 3e8 : 3e8 * pair.sign, w: 11.35e-9, position: part * pair.distance)
    }
    let profile = wallProfileSamples(truth, geometry: geometry, sigma: sigma)
    let walls = try fitWalls(profile: profile, geometry: geometry).walls
    try #require(walls.count == 2)
    for (wall, expected) in zip(walls, truth) {
      #expect(wall.field.value.deviation(from: expected.field) < 1e-6)
      #expect(abs(wall.position.value - expected.position) < 1e-14)
    }
  }

  /// More walls than a change is fitted for at once, two of them so near that they begin as one.
  @Test(
    "ten walls, a close pair among them, are each within four of their errors")
  func manyWalls() throws {
    let geometry = try wallGeometry(30, .parallel)
    // Each is 37 nm wide in the image; the pair is 40 nm apart.
    var truth = (0..<8).map {
      TestWall(
        field: ($0 % 2 == 0 ? 3e8 : -2.4e8), w: 11e-9, position: Double($0) * 130e-9)
    }
    truth += [1020e-9, 1060e-9].map { TestWall(field: 3e8, w: 11e-9, position: $0) }
    var generator = WallTestGenerator(seed: 11)
    let distance = (0..<1300).map { Double($0 - 100) * 1e-9 }
    let error = 6.5e6
    let profile = LineProfile(
      distance: distance,
      value: distance.map { x in
        truth.reduce(1e7) {
          $0
            + geometry.meanField(
              at: x, amplitude: $1.field, sechWidth: $1.w, position: $1.position
            ).value
        } + error * generator.normal()
      }, error: distance.map { _ in error }, sampleCount: distance.map { _ in 100 })
    let fit = try fitWalls(profile: profile, geometry: geometry)
    try #require(fit.walls.count == truth.count)
    for (wall, expected) in zip(fit.walls, truth) {
      let (field, position) = (
        try #require(wall.field.error), try #require(wall.position.error)
      )
      let width = try #require(wall.width.error)
      #expect(abs(wall.field.value - expected.field) < 4 * field)
      #expect(abs(wall.position.value - expected.position) < 4 * position)
      #expect(
        abs(wall.width.value - expected.w * InclinationGeometry.widthFactor)
          < 4 * width)
    }
    // 1300 samples: χ² per degree of freedom scatters by 4 %.
    #expect(abs(try #require(fit.reducedChiSquare) - 1) < 0.2)
  }
}
