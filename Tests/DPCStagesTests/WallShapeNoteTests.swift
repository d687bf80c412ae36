// Weak walls beside strong ones, and steps that walls imitate, as the stages tell of them.
@testable import DPCReconstruction
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallShapeNoteTests {
  @Test("Of walls stated edge-on one a fifth as high as another is in the profile")
  func weakWall() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      """
      schema: dpc-pipeline/1
      name: walls
      stages:
        strong: { uses: phantom-walls, with: { positions_nm: [-70], field_V_per_m: 4e8, fwhm_nm: 10, thickness_nm: 60, normal_azimuth_deg: 0 } }
        both:   { uses: phantom-walls, from: strong, with: { positions_nm: [50], field_V_per_m: -8e7, fwhm_nm: 40, thickness_nm: 60, normal_azimuth_deg: 0 } }
        scan:
          uses: simulate-acquisition
          from: both
          with: { columns_px: 150, rows_px: 100, pixel_size_nm: 2, electrons_per_pixel: 1e6, seed: 5 }
      results: [scan]
      """)
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          profile: { uses: wall-profile, from: field, with: { normal_azimuth_deg: 0, field_direction: perp } }
          walls:   { uses: correct-inclination, from: field, with: { model: finite-wall, normal_azimuth_deg: 0, field_direction: perp } }
        results: [profile, walls]
        """)
    let seen = try #require(try outcome.value("profile", as: WallProfileValue.self).table)
    let fitted = try outcome.value("walls", as: WallsValue.self).table
    for rows in [seen.rows, fitted.rows] {
      try #require(rows.count == 2)
      for (row, truth) in zip(rows, [(-70e-9, 4e8), (50e-9, -8e7)]) {
        let (position, field) = (row.wall.position, row.wall.field)
        #expect(abs(position.value - truth.0) < 4 * (try #require(position.error)))
        #expect(abs(field.value - truth.1) < 4 * (try #require(field.error)))
        #expect(row.remarks.isEmpty, "\(row.remarks)")
      }
    }
  }

  /// Samples of 1 nm, their noise a twentieth of the height.
  private static func fitted(_ value: (_ u: Double) -> Double) throws -> (
    table: WallTable, profile: LineProfile
  ) {
    let distance = (0..<240).map { (Double($0) - 119.5) * 1e-9 }
    // Noise of unit variance, the same every time: sums of four uniform numbers.
    var state: UInt64 = 9
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53)
    }
    let profile = LineProfile(
      distance: distance,
      value: distance.map {
        1e8 * value($0 * 1e9)
          + 5e6 * 3.0.squareRoot() * (uniform() + uniform() + uniform() + uniform() - 2)
      }, error: distance.map { _ in 5e6 }, sampleCount: distance.map { _ in 100 })
    let fit = try fitImageWalls(profile: profile, options: WallFitOptions())
    return (WallTable(fit, normalAzimuth: 0, errorScale: 1), profile)
  }

  private static func notes(_ value: (_ u: Double) -> Double) throws -> (
    walls: Int, texts: [String]
  ) {
    let (table, profile) = try fitted(value)
    return (table.rows.count, table.stepNotes(profile, unit: "V/m").map(\.text))
  }

  @Test(
    "Walls of one sign on an offset against it may be others, and are doubted from half of their height on",
    arguments: [(-0.7, true), (-0.3, false), (0.7, false)])
  func offset(offset: Double, isDoubted: Bool) throws {
    let table = try Self.fitted {
      offset + pow(1 / cosh(($0 + 50) / 9), 2) + pow(1 / cosh(($0 - 40) / 9), 2)
    }.table
    try #require(table.rows.count == 2)
    #expect(table.notes.contains { $0.text.hasPrefix("all walls have one sign") } == isDoubted)
  }

  @Test("A step that walls imitate is told, with its height; walls are no step")
  func step() throws {
    let step = try Self.notes { 0.5 * erf(($0 - 20) / 3) }
    try #require(step.walls > 0)
    let text = try #require(step.texts.first)
    // 2σ/√240 and a little for the width: four errors of 0.65 MV/m.
    let words = text.split(separator: " ")
    let height = try #require(Double(words[3]))
    #expect(abs(height - 100) < 2.6 && text.contains("MV/m between two levels"), "\(text)")
    #expect(text.contains("these walls") || text.contains("this wall"))
    let wall = try Self.notes { pow(1 / cosh(($0 - 20) / 9), 2) }
    #expect(wall.walls == 1 && wall.texts.isEmpty, "\(wall)")
    let pair = try Self.notes { pow(1 / cosh(($0 + 40) / 9), 2) - pow(1 / cosh(($0 - 40) / 9), 2) }
    #expect(pair.walls == 2 && pair.texts.isEmpty, "\(pair)")
  }
}
