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
    let path = try await laboratory.file(Self.wall(at: 158, field: "6e8"))
    let outcome = try await laboratory.run(Self.chain(path, Self.oblique))
    let table = try outcome.value("walls", as: WallsValue.self).table
    #expect(table.rows.isEmpty && table.nearRim.count == 1)
    let wall = try #require(table.nearRim.first)
    #expect(abs(wall.position - 158e-9) < 10e-9 && wall.significance > 10, "\(wall)")
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
    #expect(!facts(outcome, "found").contains { $0.key == "wall_upper_limit" })
    #expect(!warnings(outcome, "found").isEmpty)
  }

  @Test(
    "A wall in a corner of the frame is measured as far as the frame shows it",
    arguments: [119.0, 148])
  func corner(position: Double) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.wall(at: position, field: "6e8"))
    let outcome = try await laboratory.run(Self.chain(path, Self.oblique))
    let profile = try outcome.value("profile", as: WallProfileValue.self).table
    let walls = try outcome.value("walls", as: WallsValue.self).table
    for table in [try #require(profile), walls] {
      #expect(table.rows.count == 1)
      let wall = try #require(table.rows.first).wall
      for (measured, truth) in [
        (wall.position, position * 1e-9), (wall.field, 6e8), (wall.width, 20e-9),
      ] {
        #expect(abs(measured.value - truth) < 4 * (try #require(measured.error)), "\(wall)")
      }
      // The error of a wall whose 40 nm of length hold a few hundred pixels.
      #expect(try #require(wall.field.error) < 0.03 * 6e8)
    }
  }

  @Test("A limit tells its range where the frame reaches farther than the measured pixels")
  func range() throws {
    let shape = GridShape(rows: 40, columns: 101)
    let none = [Double](repeating: 0, count: shape.count)
    let variance = [Double](repeating: 1e16, count: shape.count)
    var map = VectorMap(
      field: VectorField(shape: shape, x: none, y: none),
      covariance: VectorCovariance(shape: shape, xx: variance, yy: variance, xy: none),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1e-9, y: 1e-9))
    func limit() throws -> String {
      let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 0)
      let facts = WallTable.empty.limitFacts(
        prefix: "wall", profile: profile, of: map, normalAzimuth: 0, geometry: .imagePlane)
      return try #require(facts.first).text
    }
    #expect(try limit().hasPrefix("not detected: a wall 20 nm wide has less than "))
    for index in 0..<shape.count where index % 101 > 70 {
      map.mask.bytes[index] = PixelFlags.missing.rawValue
    }
    let text = try limit()
    #expect(
      text.hasPrefix("not detected: a wall 20 nm wide between -50 nm and 20 nm along its normal"),
      "\(text)")
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
