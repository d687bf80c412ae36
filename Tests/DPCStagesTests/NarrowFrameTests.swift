// Walls in strips: of whose normal nothing is stated, and no gradient tells.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct NarrowFrameTests {
  private static func strip(_ walls: String) -> String {
    Laboratory.scan(
      of: "{ uses: phantom-walls, with: { fwhm_nm: 20, thickness_nm: 60, \(walls) } }",
      "columns_px: 256, rows_px: 24, electrons_per_pixel: 1e6, noise: poisson, seed: 3"
    )
  }

  private static func run(_ walls: String) async throws -> Laboratory.Outcome {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(strip(walls))
    return try await laboratory.run(
      Laboratory.fieldChain(path) + """
          profile: { uses: wall-profile, from: field }
          walls:
            uses: correct-inclination
            from: { field: field, profile: profile }
            with: { model: finite-wall, inclination_deg: 45 }
        results: [profile, walls]
        """)
  }

  @Test("Oblique walls are found by a search, which is told, with the azimuth's error")
  func oblique() async throws {
    let outcome = try await Self.run(
      "positions_nm: [-50, 40], field_V_per_m: 1.5e8, normal_azimuth_deg: 45, field_direction: perp"
    )
    let profile = try outcome.value("profile", as: WallProfileValue.self)
    let seen = try #require(profile.orientation.seen)
    let error = try #require(seen.error)
    #expect(seen.coherence == 0 && profile.orientation.normalAzimuth == seen.azimuth)
    #expect(abs(seen.azimuth - Double.pi / 4) < 4 * error && error < 5 * Double.pi / 180)
    #expect(profile.orientation.direction == .perp)
    let rows = try #require(profile.table).rows
    #expect(rows.count == 2)
    for (row, field) in zip(rows, [1.5e8, -1.5e8]) {
      #expect(abs(row.wall.field.value - field) < 4 * (row.wall.field.error ?? 0), "\(row)")
    }
    for stage in ["profile", "walls"] {
      #expect(
        outcome.report[stage]?.notes.contains {
          $0.kind == .assumption && $0.text.hasPrefix("wall normal at 4")
            && $0.text.contains("°: found by a search, ") && $0.text.hasSuffix(" sigma")
        } == true, "\(outcome.report[stage]?.notes ?? [])")
    }
    // The profile's search serves both.
    let walls = try outcome.value("walls", as: WallsValue.self)
    #expect(walls.orientation.seen == seen)
  }

  @Test("A wall wider than the strip is measured, with the error of its azimuth")
  func wide() async throws {
    let outcome = try await Self.run(
      "positions_nm: [0], field_V_per_m: 3e8, inclination_deg: 45, field_direction: parallel")
    let walls = try outcome.value("walls", as: WallsValue.self)
    #expect(walls.orientation.direction == .parallel && walls.table.rows.count == 1)
    let row = try #require(walls.table.rows.first)
    #expect(abs(row.wall.field.value - 3e8) < 4 * (row.wall.field.error ?? 0), "\(row)")
    let seen = try #require(walls.orientation.seen)
    let error = try #require(seen.error)
    #expect(abs(seen.azimuth) < 4 * error && error < 10 * Double.pi / 180, "\(seen)")
  }
}
