// Fits of walls: exact without noise, signed, and silent on noise.

@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Wall fits")
struct WallFitTests {
  @Test(
    "without noise field, width and position are exact",
    arguments: [0.0, 30, 45], [FieldDirection.perp, .normal])
  func exact(angle: Double, direction: FieldDirection) throws {
    let truth = [
      TestWall(field: 3e8, w: 11e-9, position: -61e-9),
      TestWall(field: -2e8, w: 8e-9, position: 52e-9),
    ]
    let geometry = try wallGeometry(angle, direction)
    let fit = try fitWalls(
      profile: wallProfileSamples(truth, geometry: geometry, offset: 2e7), geometry: geometry)
    try #require(fit.walls.count == 2)
    for (wall, expected) in zip(fit.walls, truth) {
      #expect(wall.field.value.deviation(from: expected.field) < 1e-10)
      #expect(
        wall.width.value.deviation(from: expected.w * InclinationGeometry.widthFactor) < 1e-10)
      #expect(wall.position.value.deviation(from: expected.position) < 1e-10)
      // Rounding is the only error: tiny, but never zero.
      let error = try #require(wall.field.error)
      #expect(error > 0 && error < 1e-3)
    }
    #expect(fit.offset.value.deviation(from: 2e7) < 1e-9)
    #expect(fit.reducedChiSquare == nil)
  }

  @Test("sin a and cos a are not interchangeable at 30°, and the path enters once")
  func sineOrCosine() throws {
    let wall = TestWall(field: 3e8, w: 11e-9, position: 0)
    let parallel = try wallGeometry(30, .parallel)
    let profile = wallProfileSamples([wall], geometry: parallel)
    let asParallel = try fitWalls(profile: profile, geometry: parallel)
    let asNormal = try fitWalls(profile: profile, geometry: wallGeometry(30, .normal))
    #expect(try #require(asParallel.walls.first).field.value.deviation(from: 3e8) < 1e-10)
    // tan 30° = 0.577: the wrong factor is not a small error.
    let wrong = try #require(asNormal.walls.first).field.value
    #expect(wrong.deviation(from: 3e8 * tan(30 * degree)) < 1e-10)
    // The height in the image: g E0 tanh(d/2)/(d/2), d = t sin a/w.
    let half = 6e-8 * 0.5 / 11e-9 / 2
    let height = try #require(asParallel.fitted.first).imageHeight
    #expect(height.deviation(from: 1.5e8 * tanh(half) / half) < 1e-10)
  }

  @Test("a positive parallel wall points along the normal's azimuth, y being down")
  func signs() throws {
    let shape = GridShape(rows: 120, columns: 10)
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let geometry = try wallGeometry(45, .parallel)
    var map = VectorMap(
      field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
      pixelSize: pixel)
    // Field down the screen, wall 20 nm below the center.
    for i in 0..<shape.count {
      let y = (Double(i / 10) - 59.5) * 1e-9
      map.field.y[i] =
        geometry.meanField(at: y, amplitude: 3e8, sechWidth: 5e-9, position: 1e-8).value
    }
    func wall(_ azimuth: Double) throws -> Wall {
      let profile = try wallProfile(of: map, direction: .parallel, normalAzimuth: azimuth)
      return try #require(try fitWalls(profile: profile, geometry: geometry).walls.first)
    }
    let down = try wall(90 * degree)
    #expect(down.field.value.deviation(from: 3e8) < 1e-9)
    #expect(down.position.value.deviation(from: 1e-8) < 1e-9)
    let up = try wall(-90 * degree)
    #expect(up.field.value.deviation(from: -3e8) < 1e-9)
    #expect(up.position.value.deviation(from: -1e-8) < 1e-9)
  }

  @Test("perp walls of alternating sign at 30° with unequal pixel sides and a mask")
  func obliqueMap() throws {
    let truth = (-2...2).map {
      TestWall(field: $0 % 2 == 0 ? 1.5e8 : -1.5e8, w: 11.3e-9, position: 9e-9 + Double($0) * 7e-8)
    }
    var map = try wallMap(
      truth, rows: 100, columns: 180, pixel: PixelSize(x: 2e-9, y: 1.6e-9),
      azimuth: 30 * degree)
    for i in stride(from: 7, to: map.shape.count, by: 31) {
      map.field.x[i] = 1e12
      map.mask.bytes[i] = PixelFlags.missing.rawValue
    }
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 30 * degree)
    let fit = try fitWalls(profile: profile, geometry: wallGeometry(0, .perp))
    #expect(fit.walls.count >= 3)
    for wall in fit.walls {
      let nearest = try #require(
        truth.min {
          abs($0.position - wall.position.value) < abs($1.position - wall.position.value)
        })
      // Bounded by what the profile leaves of the curvature within its bins.
      #expect(wall.field.value.deviation(from: nearest.field) < 2e-5)
      #expect(wall.width.value.deviation(from: 11.3e-9 * 1.762_747_174_039_086) < 4e-5)
      #expect(abs(wall.position.value - nearest.position) < 1e-12)
    }
  }

  @Test("a wall cut by the rim is modeled, not reported, and leaves its neighbor unbiased")
  func rim() throws {
    let truth = [
      TestWall(field: 3e8, w: 11e-9, position: 100e-9),
      TestWall(field: -3e8, w: 11e-9, position: 156e-9),
    ]
    let geometry = try wallGeometry(0, .perp)
    let fit = try fitWalls(
      profile: wallProfileSamples(truth, geometry: geometry), geometry: geometry)
    try #require(fit.walls.count == 1)
    #expect(fit.fitted.count == 2)
    #expect(try #require(fit.fitted.last).flags.contains(.cutByRim))
    #expect(fit.walls[0].field.value.deviation(from: 3e8) < 1e-8)
  }

  @Test("noise alone shows no wall, with and without errors", arguments: 1...25)
  func null(seed: Int) throws {
    let geometry = try wallGeometry(45, .parallel)
    var profile = wallProfileSamples(
      [], geometry: geometry, sigma: 1.3e7, seed: UInt64(seed))
    #expect(try fitWalls(profile: profile, geometry: geometry).walls.isEmpty)
    profile.error = nil
    #expect(try fitWalls(profile: profile, geometry: geometry).walls.isEmpty)
    #expect(try fitImageWalls(profile: profile).walls.isEmpty)
  }

  @Test("an empty field has no walls and no offset")
  func emptyField() throws {
    let fit = try fitWalls(
      profile: wallProfileSamples([], geometry: .imagePlane), geometry: .imagePlane)
    #expect(fit.walls.isEmpty && fit.offset.value == 0 && fit.residual == 0)
  }

  @Test("edge-on, a parallel field is invisible and refused; too few samples are refused")
  func refusals() throws {
    let profile = wallProfileSamples([], geometry: .imagePlane)
    #expect(throws: WallError.invisibleField(.parallel, inclination: 0)) {
      try fitWalls(profile: profile, geometry: wallGeometry(0, .parallel))
    }
    #expect(throws: WallError.tooFewSamples(5, needed: 8)) {
      try fitImageWalls(profile: wallProfileSamples([], geometry: .imagePlane, count: 5))
    }
  }

  @Test("where t tan a exceeds two widths the wall says that only E0 w is determined")
  func illDetermined() throws {
    let geometry = try wallGeometry(45, .perp)
    func flags(_ w: Double) throws -> WallFlags {
      let profile = wallProfileSamples(
        [TestWall(field: 3e8, w: w, position: 0)], geometry: geometry, sigma: 1e6, seed: 1)
      return try #require(try fitWalls(profile: profile, geometry: geometry).fitted.first).flags
    }
    #expect(try flags(9e-9).contains(.widthIllDetermined))
    #expect(try !flags(15e-9).contains(.widthIllDetermined))
  }

  @Test("a linear baseline removes a ramp and reports it")
  func ramp() throws {
    let geometry = try wallGeometry(0, .perp)
    var profile = wallProfileSamples(
      [TestWall(field: 3e8, w: 11e-9, position: 12e-9)], geometry: geometry, offset: 1e7)
    for i in profile.value.indices { profile.value[i] += 4e14 * profile.distance[i] }
    var options = WallFitOptions()
    options.baseline = .linear
    let fit = try fitWalls(profile: profile, geometry: geometry, options: options)
    try #require(fit.walls.count == 1)
    #expect(fit.walls[0].field.value.deviation(from: 3e8) < 1e-9)
    #expect(try #require(fit.slope).value.deviation(from: 4e14) < 1e-9)
  }

  @Test("in the image plane an inclined wall has the projected width and height")
  func imagePlane() throws {
    let geometry = try wallGeometry(10, .perp)
    let profile = wallProfileSamples(
      [TestWall(field: -3e8, w: 11e-9, position: 7e-9)], geometry: geometry, offset: 1e6)
    let wall = try #require(try fitImageWalls(profile: profile).walls.first)
    // sech² is not quite the projected shape: 10 nm of path broaden a 20 nm wall.
    #expect(wall.width.value.deviation(from: geometry.projectedWidth(sechWidth: 11e-9)) < 0.02)
    #expect(
      wall.field.value.deviation(from: -3e8 * geometry.projectedHeight(sechWidth: 11e-9)) < 0.02)
    #expect(abs(wall.position.value - 7e-9) < 1e-13)
    let direct = try #require(directWidth(of: profile, at: 7e-9, baseline: 1e6))
    // Linear interpolation and the highest sample: well below 1 % at 20 samples per width.
    #expect(direct.deviation(from: geometry.projectedWidth(sechWidth: 11e-9)) < 0.003)
  }

  @Test("a direct width needs both flanks")
  func directWidthAtRim() {
    let profile = wallProfileSamples(
      [TestWall(field: 3e8, w: 11e-9, position: 158e-9)], geometry: .imagePlane)
    #expect(directWidth(of: profile, at: 158e-9, baseline: 0) == nil)
  }
}
