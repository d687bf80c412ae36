// What steps and smooth backgrounds explain is refused with its reason; walls beside steps stay.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct WallVerdictTests {
  private static let pixel = PixelSize(x: 2e-9, y: 2e-9)
  private static let sigma = 1e8

  /// Walls of 20 nm, edge-on, on a background of the same component: u along the normal, v along the
  /// walls, m from the scan's center.
  private static func map(
    _ walls: [(position: Double, field: Double)] = [], azimuth: Double, seed: UInt64,
    background: (_ u: Double, _ v: Double) -> Double
  ) throws -> VectorMap {
    let w = 20e-9 / InclinationGeometry.widthFactor
    var map = try wallMap(
      walls.map { TestWall(field: $0.field, w: w, position: $0.position) }, rows: 96, columns: 128,
      pixel: pixel, azimuth: azimuth, sigma: sigma, seed: seed)
    for i in 0..<map.shape.count {
      let x = (Double(i % 128) - 63.5) * pixel.x
      let y = (Double(i / 128) - 47.5) * pixel.y
      let level = background(
        x * cos(azimuth) + y * sin(azimuth), y * cos(azimuth) - x * sin(azimuth))
      map.field.x[i] -= level * sin(azimuth)
      map.field.y[i] += level * cos(azimuth)
    }
    return map
  }

  private static func found(in map: VectorMap) throws -> WallFindings {
    try findWalls(
      in: map,
      geometry: InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp))
  }

  private func pull(_ measured: Measurement, _ truth: Double) -> Double {
    guard let error = measured.error, error > 0 else { return .infinity }
    return abs(measured.value - truth) / error
  }

  @Test(
    "A step aside of the center leaves no wall beside it, whatever the noise",
    arguments: [
      (height: 1e8, width: 3e-9, place: -60e-9, azimuth: 0.3), (1e8, 3e-9, -60e-9, 1.2),
      (4e8, 12e-9, -60e-9, 0.3), (4e8, 12e-9, 60e-9, 0.9), (2e8, 6e-9, 80e-9, 0),
    ])
  func steps(height: Double, width: Double, place: Double, azimuth: Double) throws {
    for seed in [5, 6, 7, 7919, 15838, 23757] as [UInt64] {
      let map = try Self.map(azimuth: azimuth, seed: seed) { u, _ in
        height / 2 * erf((u - place) / width)
      }
      let findings = try Self.found(in: map)
      #expect(findings.walls.isEmpty, "seed \(seed): \(findings.walls.map(\.fitted.wall))")
      #expect(findings.families.isEmpty && findings.alternation == .cannotBeTold)
      // As a step, or because only pieces of it look like a wall.
      #expect(!Set(findings.rejections).isDisjoint(with: [.step, .tooShort]), "seed \(seed)")
    }
  }

  @Test(
    "A wave longer than any wall is wide holds none",
    arguments: [
      (length: 150e-9, height: 1e8, azimuth: 0.5), (220e-9, 2e7, 0), (220e-9, 1e8, 0.5),
      (220e-9, 5e8, 0),
    ])
  func waves(length: Double, height: Double, azimuth: Double) throws {
    let map = try Self.map(azimuth: azimuth, seed: 3) { u, v in
      height * cos(2 * Double.pi * u / length + 1.3) * cos(2 * Double.pi * v / 700e-9)
    }
    let findings = try Self.found(in: map)
    #expect(findings.walls.isEmpty, "\(findings.walls.map(\.fitted.wall))")
    // Of a wave that changes along its crests the profile through the thickness may be none of a wall either.
    #expect(!Set(findings.rejections).isDisjoint(with: [.background, .unconfirmed]))
    let refused = try #require(findings.strongestRefused)
    #expect(refused.significance > findings.threshold)
  }

  @Test(
    "Of a wall and a step beside it the wall is found, and nothing else",
    arguments: [
      (distance: 50e-9, width: 4e-9, height: -1e8), (50e-9, 12e-9, -1e8), (80e-9, 12e-9, -1e8),
    ])
  func besideStep(distance: Double, width: Double, height: Double) throws {
    let map = try Self.map([(-30e-9, 2e8)], azimuth: 0, seed: 7) { u, _ in
      height / 2 * tanh((u + 30e-9 - distance) / width)
    }
    let findings = try Self.found(in: map)
    #expect(findings.walls.count == 1, "\(findings.walls.map(\.fitted.wall))")
    let wall = try #require(findings.walls.first).fitted.wall
    #expect(pull(wall.position, -30e-9) < 4, "\(wall)")
    #expect(pull(wall.field, 2e8) < 4, "\(wall)")
    #expect(findings.rejections.contains(.step))
  }
}
