// The normal of walls in narrow frames, which gradients do not show.

@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Normals found by a search")
struct WallNormalSearchTests {
  static let pixel = PixelSize(x: 1e-9, y: 1e-9)

  /// Modulo half a turn, rad.
  static func deviation(_ a: Double, _ b: Double) -> Double {
    let d = a - b
    return d - Double.pi * (d / Double.pi).rounded()
  }

  @Test("Oblique walls in a strip that shows no gradients are found, within four errors")
  func oblique() throws {
    for (seed, degrees) in [45.0, 20, -30].enumerated() {
      let walls = [
        TestWall(field: 1.5e8, w: 11e-9, position: -60e-9),
        TestWall(field: -1.5e8, w: 11e-9, position: 50e-9),
      ]
      let map = try wallMap(
        walls, rows: 24, columns: 256, pixel: Self.pixel, azimuth: degrees * degree,
        direction: .normal, sigma: 1.5e8, seed: UInt64(seed))
      #expect(try measuredWallNormal(of: map).coherence == 0)
      let found = try #require(try foundWallNormal(of: map))
      let error = try #require(found.azimuthError)
      #expect(abs(Self.deviation(found.azimuth, degrees * degree)) < 4 * error, "\(found)")
      #expect(error < 5 * degree)
      // Of two walls: ∫sech⁴(u/w) du = 4w/3 along their lengths, in units of the errors. Of two opposite walls
      // the plane takes (∫f u du)²/∫u² du of ∫f² du, a seventh of it; noise and the pieces change up to 4.
      let gain = 2 * 4.0 / 3 * 11 * 24 / cos(degrees * degree)
      let expected = (gain * 6 / 7).squareRoot()
      #expect(abs(found.significance - expected) < 4, "\(found.significance) \(expected)")
    }
  }

  @Test("Walls wider than the frame have an azimuth within four errors or without one")
  func wide() throws {
    for seed in 1...3 {
      let map = try wallMap(
        [TestWall(field: 3e8, w: 11e-9, position: 0)], rows: 24, columns: 320,
        pixel: Self.pixel, azimuth: Double.pi, direction: .parallel, thickness: 60e-9,
        inclination: 45 * degree, sigma: 1.5e8, seed: UInt64(seed))
      #expect(try measuredWallNormal(of: map).coherence == 0)
      let found = try #require(try foundWallNormal(of: map))
      #expect(found.significance > 15)
      #expect(abs(found.azimuth) < 67.5 * degree, "\(found)")
      if let error = found.azimuthError { #expect(abs(found.azimuth) < 4 * error, "\(found)") }
    }
  }

  @Test(
    "Wide walls of a cross-section have azimuth and field within four errors, at any azimuth",
    arguments: [0.0, 12, 25])
  func crossSection(degrees: Double) throws {
    let (field, inclination) = (3e8, 45 * degree)
    let walls = [
      TestWall(field: field, w: 20e-9 / InclinationGeometry.widthFactor, position: -70e-9),
      TestWall(field: -field, w: 20e-9 / InclinationGeometry.widthFactor, position: 60e-9),
    ]
    var withheld = 0
    for seed in 1...4 {
      let map = try wallMap(
        walls, rows: 60, columns: 300, pixel: Self.pixel, azimuth: degrees * degree,
        direction: .parallel, thickness: 60e-9, inclination: inclination, sigma: 1.1e8,
        seed: UInt64(seed))
      #expect(try measuredWallNormal(of: map).coherence == 0)
      let found = try #require(try foundWallNormal(of: map))
      // Noise alone can hold up a second azimuth.
      if found.azimuthError == nil { withheld += 1 }
      let error = found.azimuthError ?? 1.5 * degree
      #expect(abs(found.azimuth - degrees * degree) < 4 * error, "\(found)")
      #expect(error < 3 * degree)
      let fit = try fitWalls(
        profile: try wallProfile(
          of: map, direction: .parallel, normalAzimuth: found.azimuth),
        geometry: try InclinationGeometry(
          thickness: 60e-9, inclination: inclination, direction: .parallel))
      try #require(fit.walls.count == 2)
      for (wall, truth) in zip(fit.walls, walls) {
        let error = try #require(wall.field.error)
        #expect(abs(wall.field.value - truth.field) < 4 * error, "\(wall)")
      }
    }
    #expect(withheld <= 1)
  }

  // Cramér and Rao: no azimuth is known better than σ/√Σ (f′(u) v)², v being the place along the walls. The fit knows
  // walls of 60 standard deviations, and so the sum of their slopes' squares, to some 5 %; noise that turns the
  // maximum by itself and slopes that pieces flatten make the error larger by up to 40 %.
  @Test("The error of an azimuth is that which noise allows")
  func error() throws {
    let (field, inclination, sigma) = (3e8, 45 * degree, 1.1e8)
    let walls = [-70e-9, 60e-9].enumerated().map { index, position in
      TestWall(
        field: index == 0 ? field : -field, w: 20e-9 / InclinationGeometry.widthFactor,
        position: position)
    }
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: inclination, direction: .parallel)
    let slopes = (0..<300).map { column in
      walls.reduce(0) { sum, wall in
        func value(_ u: Double) -> Double {
          geometry.meanField(
            at: u, amplitude: wall.field, sechWidth: wall.w, position: wall.position
          ).value
        }
        let u = (Double(column) - 149.5) * 1e-9
        return sum + (value(u + 1e-10) - value(u - 1e-10)) / 2e-10
      }
    }
    let squares = (0..<60).reduce(0.0) { $0 + pow((Double($1) - 29.5) * 1e-9, 2) }
    let least = sigma / (slopes.reduce(0) { $0 + $1 * $1 } * squares).squareRoot()
    for seed: UInt64 in 1...6 {
      let map = try wallMap(
        walls, rows: 60, columns: 300, pixel: Self.pixel, azimuth: 0, direction: .parallel,
        thickness: 60e-9, inclination: inclination, sigma: sigma, seed: seed)
      let error = try #require(try foundWallNormal(of: map)?.azimuthError)
      #expect(error > 0.9 * least && error < 1.4 * least, "\(error / least)")
    }
  }

  @Test("Noise and charges have none, and wide frames are not searched", arguments: 1...4)
  func nothing(seed: Int) throws {
    let noise = try wallMap(
      [], rows: 32, columns: 200, pixel: Self.pixel, azimuth: 0, sigma: 1e8, seed: UInt64(seed))
    #expect(try foundWallNormal(of: noise) == nil)
    let wall = TestWall(field: 3e8, w: 11e-9, position: 0)
    let wide = try wallMap(
      [wall], rows: 192, columns: 200, pixel: Self.pixel, azimuth: 0, sigma: 1e8,
      seed: UInt64(seed))
    #expect(try foundWallNormal(of: wide) == nil)
    var charges = noise
    for row in 0..<32 {
      for column in 0..<200 {
        for (x, y) in [(40, 12), (110, 20), (160, 10)] {
          let (dx, dy) = (Double(column - x), Double(row - y))
          let envelope = 1e8 * exp(-(dx * dx + dy * dy) / 50)
          charges.field.x[row * 200 + column] += envelope * dx
          charges.field.y[row * 200 + column] += envelope * dy
        }
      }
    }
    #expect(try foundWallNormal(of: charges) == nil)
  }

  @Test("Noise turns no normal round by half a turn", arguments: [0.0, 45, 90])
  func sense(degrees: Double) throws {
    for seed in 1...8 {
      let map = try wallMap(
        [TestWall(field: 2e8, w: 10e-9, position: 0)], rows: 90, columns: 100,
        pixel: Self.pixel, azimuth: degrees * degree, direction: .normal, sigma: 1e8,
        seed: UInt64(seed))
      let normal = try measuredWallNormal(of: map)
      #expect(abs(normal.azimuth - degrees * degree) < 10 * degree, "\(normal)")
    }
  }
}
