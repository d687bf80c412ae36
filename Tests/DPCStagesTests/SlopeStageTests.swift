// Walls on descan that was not removed, through the stages.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct SlopeStageTests {
  /// 0.1 µrad/nm of descan along x: -pv/e · 0.1 rad/mm is -34 kV/mm of ∫E dz, over 60 nm -5.73e14 V/m².
  private static let slope = -343_741.1265 * 100 / 60e-9

  private static func scan(_ source: String) -> String {
    Laboratory.scan(
      of: source,
      "columns_px: 200, rows_px: 80, electrons_per_pixel: 1e7, seed: 3, descan_x_along_x_urad_per_nm: 0.1"
    )
  }

  private static func pair(set overrides: [String] = []) async throws -> Laboratory.Outcome {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      scan(
        "{ uses: phantom-walls, with: { positions_nm: [-80, 80], field_V_per_m: 3e8, fwhm_nm: 20, thickness_nm: 60, normal_azimuth_deg: 0, inclination_deg: 45, field_direction: parallel } }"
      ), set: overrides)
    return try await laboratory.run(chain(path))
  }

  private static func chain(_ path: String) -> String {
    let geometry = "normal_azimuth_deg: 0, field_direction: parallel"
    return Laboratory.fieldChain(path) + """
        profile: { uses: wall-profile, from: field, with: { \(geometry) } }
        walls:   { uses: correct-inclination, from: field, with: { model: finite-wall, inclination_deg: 45, \(geometry) } }
      results: [profile, walls]
      """
  }

  @Test(
    "Walls on a ramp are as strong as on level ground, nothing is seen at the rims, and the slope is told"
  )
  func walls() async throws {
    let outcome = try await Self.pair()
    let table = try outcome.value("walls", as: WallsValue.self).table
    #expect(table.rows.count == 2 && table.nearRim.isEmpty)
    for (row, field) in zip(table.rows, [3e8, -3e8]) {
      let error = try #require(row.wall.field.error)
      #expect(error < 0.05 * 3e8)
      #expect(abs(row.wall.field.value - field) < 4 * error)
    }
    let slope = try #require(table.slope)
    #expect(abs(slope.value - Self.slope) < 4 * (try #require(slope.error)))
    #expect(try #require(slope.error) < 0.02 * abs(Self.slope))
    for stage in ["profile", "walls"] {
      let report = try #require(outcome.report[stage])
      let fact = try #require(report.facts.first { $0.key.hasSuffix("_slope") }, "\(stage)")
      // In the image plane off by what the shape of inclined walls leaves.
      #expect(abs(try #require(fact.value) / Self.slope - 1) < (stage == "walls" ? 0.02 : 0.05))
      let words = "fitted on a slope of -5\(stage == "walls" ? "7" : "")"
      #expect(fact.unit == "V/m²" && fact.text.hasPrefix(words), "\(fact.text)")
      #expect(fact.text.contains(" kV/m per nm along the normal"))
      #expect(!report.notes.contains { $0.text.contains("the rim cuts it") }, "\(report.notes)")
    }
    let attributes = try outcome.value("walls", as: WallsValue.self).group("walls").attributes
    #expect(attributes["slope_V_per_m2"] == .number(slope.value))
  }

  @Test("A ramp without walls has none, and the limit is that of noise")
  func noWalls() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan(
        "{ uses: phantom-uniform, with: { thickness_nm: 60, field_x_V_per_m: 0, field_y_V_per_m: 0 } }"
      ))
    let outcome = try await laboratory.run(Self.chain(path))
    for stage in ["profile", "walls"] {
      let facts = try #require(outcome.report[stage]).facts
      let limit = try #require(facts.first { $0.key.hasSuffix("upper_limit") }, "\(facts)")
      // The ramp rises by 230 MV/m; the mean over 80 rows has an error of some 5.
      #expect(try #require(limit.value) < 4e7, "\(limit.text)")
      #expect(facts.contains { $0.key.hasSuffix("_slope") })
    }
  }

  /// In 80 rows of 2 nm, of 1e7 electrons: σ of a pixel 43 MV/m, of a row's mean 4.8, of a wall some 1.5.
  @Test(
    "Without noise, errors are those of the stated counts, for a model that fits and one that does not"
  )
  func withoutNoise() async throws {
    let outcome = try await Self.pair(set: [
      "scan.noise=none", "scan.descan_x_along_x_urad_per_nm=0",
    ])
    let seen = try #require(try outcome.value("profile", as: WallProfileValue.self).table)
    let fitted = try outcome.value("walls", as: WallsValue.self).table
    #expect(seen.rows.count == 2 && fitted.rows.count == 2)
    for row in seen.rows {
      let error = try #require(row.wall.field.error)
      #expect(error > 7e5 && error < 3e6, "\(error)")
    }
    for (row, field) in zip(fitted.rows, [3e8, -3e8]) {
      #expect(abs(row.wall.field.value / field - 1) < 1e-6)
      let product = try #require(row.product.error)
      #expect(product / abs(row.product.value) < 0.02)
    }
  }
}
