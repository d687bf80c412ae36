// Normals of walls that strong noise hides from narrow filters, and what must not be taken for such walls.

import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Normals of wide walls in strong noise")
struct WideWallTests {
  static let pixel = PixelSize(x: 1e-9, y: 1e-9)
  static let side = 256
  /// Of one pixel, V/m: more than twice the walls' field.
  static let noise = 3.4e8
  /// 20 nm of full width at half maximum.
  static let walls = [
    TestWall(field: 1.5e8, w: 11.3e-9, position: -50e-9),
    TestWall(field: -1.5e8, w: 11.3e-9, position: 40e-9),
  ]

  static func deviation(_ a: Double, _ b: Double) -> Double {
    let d = a - b
    return d - Double.pi * (d / Double.pi).rounded()
  }

  /// The least error that any estimate can have, rad: f(u + t δ) has the derivative f′(u) t, and
  /// ∫f′² du = 16 E²/(15 w) for each sech² wall of the frame's length (Cramér and Rao).
  static func bound(_ walls: [TestWall], noise: Double, pixel: PixelSize, length: Double) -> Double
  {
    let slopes = walls.reduce(0) { $0 + 16 * $1.field * $1.field / (15 * $1.w) }
    let information =
      slopes * length * length * length / (12 * pixel.x * pixel.y * noise * noise)
    return 1 / information.squareRoot()
  }

  // Oblique walls are longer than the frame's side where they do not meet a corner, and shorter where they do.
  @Test(
    "Walls that no gradient over 2 px shows: azimuth near the best that is possible",
    arguments: [0.0, 30, 77, 90, 135])
  func azimuth(degrees: Double) throws {
    let best = Self.bound(
      Self.walls, noise: Self.noise, pixel: Self.pixel, length: Double(Self.side) * 1e-9)
    var squares = 0.0
    let draws = 8
    for seed in 1...draws {
      let map = try wallMap(
        Self.walls, rows: Self.side, columns: Self.side, pixel: Self.pixel,
        azimuth: degrees * degree, sigma: Self.noise, seed: UInt64(seed))
      let found = try measuredWallNormal(of: map)
      #expect(found.coherence > 0.6 && found.smoothing > 2, "seed \(seed): \(found)")
      #expect(found.azimuth >= -67.5 * degree && found.azimuth < 112.5 * degree)
      let error = try #require(found.azimuthError)
      #expect(error < 8 * best, "seed \(seed): \(error / best)")
      let d = Self.deviation(found.azimuth, degrees * degree)
      #expect(abs(d) < 5 * best, "seed \(seed): \(d / best)")
      squares += d * d
    }
    // χ² of 8 draws is below 20 but for one chance in a hundred.
    #expect(
      squares < 20 * 1.5 * 1.5 * best * best,
      "\((squares / Double(draws)).squareRoot() / best) times the bound")
  }

  @Test("With unequal pixel sides and masked pixels", arguments: [20.0, 110])
  func unequal(degrees: Double) throws {
    let pixel = PixelSize(x: 2e-9, y: 1e-9)
    let walls = [
      TestWall(field: 1.5e8, w: 16e-9, position: -80e-9),
      TestWall(field: 1.5e8, w: 16e-9, position: 60e-9),
    ]
    var map = try wallMap(
      walls, rows: 300, columns: 200, pixel: pixel, azimuth: degrees * degree,
      direction: .normal, sigma: 2.5e8, seed: 5)
    for i in stride(from: 3, to: map.shape.count, by: 41) {
      map.field.x[i] = 9e9
      map.field.y[i] = -9e9
      map.mask.bytes[i] = PixelFlags.hot.rawValue
    }
    let found = try measuredWallNormal(of: map)
    let best = Self.bound(walls, noise: 2.5e8, pixel: pixel, length: 300e-9)
    let d = Self.deviation(found.azimuth, degrees * degree)
    #expect(abs(d) < 6 * best && found.smoothing > 2, "\(d / best), \(found)")
  }

  @Test("Noise alone has no normal with wider filters either", arguments: 1...6)
  func noiseAlone(seed: Int) throws {
    for (rows, columns) in [(256, 256), (60, 400), (128, 100)] {
      let map = try wallMap(
        [], rows: rows, columns: columns, pixel: Self.pixel, azimuth: 0, sigma: 1e8,
        seed: UInt64(100 + seed))
      #expect(try measuredWallNormal(of: map).coherence == 0)
    }
  }

  @Test("Noise that smoothing has correlated has no normal", arguments: [1.0, 2, 4])
  func correlated(sigma: Double) throws {
    for seed in 1...3 {
      let map = smoothed(
        try wallMap(
          [], rows: 200, columns: 220, pixel: Self.pixel, azimuth: 0, sigma: 1e8,
          seed: UInt64(seed)), sigma: (x: sigma, y: sigma))
      let length = 2 * Double.pi.squareRoot() * sigma
      #expect(try measuredWallNormal(of: map, correlation: (length, length)).coherence == 0)
      // Taken for independent pixels it has one: the gradients that are left are more than they would have.
      #expect(try measuredWallNormal(of: map).coherence > 0)
    }
  }

  /// A field along x that grows along an azimuth, V/m per m and per m².
  static func background(
    slope: Double, curvature: Double = 0, azimuth: Double, sigma: Double
  ) throws -> VectorMap {
    var map = try wallMap(
      [], rows: side, columns: side, pixel: pixel, azimuth: 0, sigma: sigma, seed: 9)
    let center = Double(side - 1) / 2
    for i in 0..<map.shape.count {
      let x = (Double(i % side) - center) * pixel.x
      let y = (Double(i / side) - center) * pixel.y
      let u = x * cos(azimuth) + y * sin(azimuth)
      map.field.x[i] += slope * u + curvature * u * u / 2
    }
    return map
  }

  @Test("A ramp that pixels show is the map's direction; one that noise hides is no wall")
  func ramps() throws {
    let steep = try Self.background(slope: 1.5e16, azimuth: 50 * degree, sigma: 1e8)
    let found = try measuredWallNormal(of: steep)
    // Gradients of 1.5e7 V/m a pixel beside noise of 1e7, on 242² pixels of which 25 go together.
    #expect(abs(Self.deviation(found.azimuth, 50 * degree)) < 0.01)
    #expect(found.coherence > 0.9 && found.smoothing == 2)
    // Five standard deviations of a pixel over the frame, and as much by curvature.
    let ramp = try Self.background(slope: 2e15, azimuth: 50 * degree, sigma: 1e8)
    #expect(try measuredWallNormal(of: ramp).coherence == 0)
    let bowl = try Self.background(
      slope: 2e15, curvature: 2.7e22, azimuth: 50 * degree, sigma: 1e8)
    #expect(try measuredWallNormal(of: bowl).coherence == 0)
  }

  @Test("A ramp beside wide walls does not turn their normal")
  func wallsOnRamp() throws {
    var map = try wallMap(
      Self.walls, rows: Self.side, columns: Self.side, pixel: Self.pixel, azimuth: 20 * degree,
      sigma: Self.noise, seed: 3)
    let plain = try measuredWallNormal(of: map)
    let ramp = try Self.background(slope: 2e15, azimuth: 70 * degree, sigma: 1e-3)
    for i in 0..<map.shape.count { map.field.x[i] += ramp.field.x[i] }
    let found = try measuredWallNormal(of: map)
    #expect(abs(Self.deviation(found.azimuth, plain.azimuth)) < 0.2 * degree)
    #expect(abs(Self.deviation(found.azimuth, 20 * degree)) < 1.5 * degree)
  }
}
