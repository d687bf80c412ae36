// Fields that change along the walls, in frames that slant against them.

import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Slopes along walls")
struct SlopeAlongWallsTests {
  private static let pixel = PixelSize(x: 2e-9, y: 1.5e-9)
  private static let walls = [
    TestWall(field: 1.5e8, w: 11e-9, position: -40e-9),
    TestWall(field: -1.5e8, w: 11e-9, position: 40e-9),
  ]

  /// Walls at 30°, with a slope of the field along them, V/m per m.
  private static func map(
    _ slope: Double, azimuth: Double = 30 * degree, sigma: Double? = 1e7, seed: UInt64 = 1
  ) throws -> VectorMap {
    var map = try wallMap(
      walls, rows: 90, columns: 130, pixel: pixel, azimuth: azimuth, direction: .normal,
      sigma: sigma, seed: sigma == nil ? nil : seed)
    for row in 0..<90 {
      for column in 0..<130 {
        let (x, y) = ((Double(column) - 64.5) * pixel.x, (Double(row) - 44.5) * pixel.y)
        let v = y * cos(azimuth) - x * sin(azimuth)
        map.field.x[row * 130 + column] += slope * v * cos(azimuth)
        map.field.y[row * 130 + column] += slope * v * sin(azimuth)
      }
    }
    return map
  }

  @Test("The profile is that of the walls without the slope, which is told with its error")
  func takenOff() throws {
    let azimuth = 30 * degree
    for seed in 1...4 {
      let plain = try wallProfile(
        of: Self.map(0, seed: UInt64(seed)), direction: .normal, normalAzimuth: azimuth)
      #expect(plain.slopeAlong == nil)
      let sloped = try wallProfile(
        of: Self.map(1e15, seed: UInt64(seed)), direction: .normal, normalAzimuth: azimuth)
      let slope = try #require(sloped.slopeAlong)
      let error = try #require(slope.error)
      // σ over the root of Σ(v - v̄)²: at most that of all pixels, whose v have the variance below.
      let variance = (pow(260e-9 * 0.5, 2) + pow(135e-9 * cos(azimuth), 2)) / 12
      #expect(error >= 1e7 / (11_700 * variance).squareRoot())
      #expect(abs(slope.value - 1e15) < 4 * error, "\(slope)")
      for index in plain.value.indices {
        let reach = 300e-9 * 5 * error
        #expect(abs(sloped.value[index] - plain.value[index]) < reach)
      }
    }
  }

  @Test(
    "Walls beside it are fitted within their errors, and no others are", arguments: [1e14, 1e15])
  func fitted(slope: Double) throws {
    let profile = try wallProfile(
      of: Self.map(slope), direction: .normal, normalAzimuth: 30 * degree)
    let fit = try fitImageWalls(profile: profile)
    #expect(fit.walls.count == 2)
    for (wall, truth) in zip(fit.walls, Self.walls) {
      #expect(abs(wall.field.value - truth.field) < 4 * (wall.field.error ?? 0), "\(wall)")
      #expect(abs(wall.position.value - truth.position) < 4 * (wall.position.error ?? 0))
    }
  }

  @Test("Without noise nothing is taken for one, and one there is is found exactly")
  func exact() throws {
    let none = try wallProfile(
      of: Self.map(0, sigma: nil), direction: .normal, normalAzimuth: 30 * degree)
    #expect(none.slopeAlong == nil)
    // Straight frames: every sample has the same mean of v, and the slope leaves it as it is.
    let straight = try wallProfile(
      of: Self.map(1e15, azimuth: 0, sigma: nil), direction: .normal, normalAzimuth: 0)
    let slope = try #require(straight.slopeAlong)
    #expect(slope.value.deviation(from: 1e15) < 1e-9)
    let level = try wallProfile(
      of: Self.map(0, azimuth: 0, sigma: nil), direction: .normal, normalAzimuth: 0)
    #expect(zip(straight.value, level.value).allSatisfy { abs($0 - $1) < 1e-6 * 1.5e8 })
  }
}
