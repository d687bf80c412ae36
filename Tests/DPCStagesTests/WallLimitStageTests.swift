// What the stages say of walls they cannot measure, and where they state no upper limit.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallLimitStageTests {
  private static func scan(_ source: String) -> String {
    Laboratory.scan(of: source, "columns_px: 128, rows_px: 112, electrons_per_pixel: 1e6, seed: 7")
  }

  /// One wall with its normal at 45°, 169.7 nm being the corner's distance.
  private static func wall(at position: Double, field: String) -> String {
    scan(
      "{ uses: phantom-walls, with: { positions_nm: [\(position)], field_V_per_m: \(field), fwhm_nm: 20, thickness_nm: 60, normal_azimuth_deg: 45 } }"
    )
  }

  private static func chain(_ path: String, _ along: String) -> String {
    Laboratory.fieldChain(path) + """
        profile: { uses: wall-profile, from: field, with: { \(along) } }
        walls:   { uses: correct-inclination, from: field, with: { model: finite-wall, \(along) } }
        found:   { uses: find-walls, from: field, with: { field_direction: perp } }
      results: [profile, walls, found]
      """
  }

  private static let oblique = "normal_azimuth_deg: 45, field_direction: perp"

  private func facts(_ outcome: Laboratory.Outcome, _ stage: String) -> [Fact] {
    outcome.report[stage]?.facts ?? []
  }

  private func warnings(_ outcome: Laboratory.Outcome, _ stage: String) -> [String] {
    (outcome.report[stage]?.notes ?? []).filter { $0.kind == .warning }.map(\.text)
  }

  @Test("A wall cut by the rim of its profile is told, and no limit stands beside it")
  func cut() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.wall(at: 119, field: "6e8"))
    let outcome = try await laboratory.run(Self.chain(path, Self.oblique))
    let table = try outcome.value("walls", as: WallsValue.self).table
    #expect(table.rows.isEmpty && table.nearRim.count == 1)
    let wall = try #require(table.nearRim.first)
    #expect(abs(wall.position - 119e-9) < 10e-9 && wall.significance > 10, "\(wall)")
    #expect(wall.normalAzimuth == Double.pi / 4)
    for stage in ["profile", "walls"] {
      let facts = facts(outcome, stage)
      #expect(!facts.contains { $0.key.hasSuffix("upper_limit") })
      #expect(facts.first?.text.hasPrefix("no wall measured: one stands above the noise") == true)
      #expect(
        warnings(outcome, stage).contains {
          $0.hasPrefix("what looks like a wall at 1") && $0.contains("(normal at 45°)")
            && $0.hasSuffix("but the rim cuts it: its field is not measured")
        }, "\(warnings(outcome, stage))")
    }
    // The search takes the pixels along the wall alone, and so measures it.
    let row = try #require(try outcome.value("found", as: WallsValue.self).table.rows.first)
    #expect(abs(row.wall.field.value - 6e8) < 4 * (try #require(row.wall.field.error)))
  }

  @Test("In a corner: the limit tells its range, and the search why it takes no wall")
  func corner() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.wall(at: 148, field: "6e8"))
    let outcome = try await laboratory.run(Self.chain(path, Self.oblique))
    for stage in ["profile", "walls"] {
      let limit = try #require(facts(outcome, stage).first { $0.key.hasSuffix("upper_limit") })
      #expect(
        limit.text.hasPrefix("not detected: a wall 20 nm wide between -11")
          && limit.text.contains(" nm along its normal has less than "), "\(limit.text)")
    }
    #expect(!facts(outcome, "found").contains { $0.key == "wall_upper_limit" })
    #expect(!warnings(outcome, "found").isEmpty)
  }

  @Test(
    "Where no direction is found the limit names the one it holds for; a normal given to the profile serves both"
  )
  func unknownDirection() async throws {
    let laboratory = try Laboratory()
    // 240 MV/m across 45°: noise hides the direction, but a profile along the wrong one averages the wall away.
    let path = try await laboratory.file(
      Self.wall(at: 0, field: "2.4e8"), set: ["scan.electrons_per_pixel=1e4"])
    func chain(_ along: String) -> String {
      Laboratory.fieldChain(path) + """
          profile: { uses: wall-profile, from: field, with: { \(along) } }
          walls:   { uses: correct-inclination, from: { field: field, profile: profile }, with: { model: finite-wall } }
        results: [profile, walls]
        """
    }
    let silent = try await laboratory.run(chain(""))
    let told = try await laboratory.run(chain(Self.oblique))
    for stage in ["profile", "walls"] {
      let limit = try #require(facts(silent, stage).first { $0.key.hasSuffix("upper_limit") })
      #expect(
        limit.text.hasPrefix("not detected: a wall 20 nm wide with its normal at 0° has less"))
      #expect(
        facts(silent, stage).contains {
          $0.text == "no walls fitted: the map shows no direction in which they would run"
        })
      #expect(facts(told, stage).first?.text == "1 wall fitted", "\(facts(told, stage))")
    }
    let orientation = try told.value("walls", as: WallsValue.self).orientation
    #expect(orientation.normalAzimuth == Double.pi / 4)
    #expect(orientation.normalOrigin == .givenToProfile)
  }

  @Test("No limit for straight walls of a map that varies in all directions")
  func twoDimensional() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan("{ uses: phantom-gaussian, with: { amplitude_V_nm: 2000, sigma_nm: 20 } }"))
    let outcome = try await laboratory.run(Self.chain(path, ""))
    for stage in ["profile", "walls", "found"] {
      let facts = facts(outcome, stage)
      #expect(
        facts.contains { $0.text.hasPrefix("no straight walls: the map varies in all directions") },
        "\(stage): \(facts.map(\.text))")
      #expect(!facts.contains { $0.key.hasSuffix("upper_limit") })
    }
  }
}
