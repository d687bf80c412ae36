// When walls may be something else: of one wall several, of a turned scan walls with a field askew.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallDoubtTests {
  private static func scan(_ walls: String) -> String {
    Laboratory.scan(
      of:
        "{ uses: phantom-walls, with: { thickness_nm: 60, fwhm_nm: 20, field_V_per_m: 3e8, \(walls) } }",
      "columns_px: 160, rows_px: 64, electrons_per_pixel: 2e7, seed: 4")
  }

  private func warnings(_ outcome: Laboratory.Outcome, _ stage: String) -> [String] {
    (outcome.report[stage]?.notes ?? []).filter { $0.kind == .warning }.map(\.text)
  }

  @Test("A fit with too small an inclination takes a wall for two, and says that they may be one")
  func overlap() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan("positions_nm: [0], inclination_deg: 45, field_direction: parallel"))
    func outcome(_ inclination: Int) async throws -> (count: Int, warns: Bool) {
      let outcome = try await laboratory.run(
        Laboratory.fieldChain(path) + """
            walls:
              uses: correct-inclination
              from: field
              with: { model: finite-wall, inclination_deg: \(inclination), normal_azimuth_deg: 0, field_direction: parallel }
          results: [walls]
          """)
      return (
        try outcome.value("walls", as: WallsValue.self).table.rows.count,
        warnings(outcome, "walls").contains {
          $0.hasPrefix("walls of one sign lie nearer than they are wide in the image (at -")
        }
      )
    }
    let right = try await outcome(45)
    #expect(right == (1, false))
    let wrong = try await outcome(25)
    #expect(wrong.count > 1 && wrong.warns, "\(wrong)")
  }

  @Test(
    "A scan rotation that is off is told by the walls' field, with its sign",
    arguments: ["perp", "normal"], [-25, 0, 25])
  func askew(direction: String, off: Int) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan("positions_nm: [-60, 60], normal_azimuth_deg: 0, field_direction: \(direction)"))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path, aligned: ", with: { rotation_deg: \(off) }") + """
          profile: { uses: wall-profile, from: field, with: { normal_azimuth_deg: 0 } }
        results: [profile]
        """)
    #expect(
      try outcome.value("profile", as: WallProfileValue.self).orientation.direction.rawValue
        == direction)
    let told = warnings(outcome, "profile").filter { $0.hasPrefix("the walls' field does not lie") }
    if off == 0 {
      #expect(told.isEmpty, "\(told)")
      return
    }
    let text = try #require(told.first)
    #expect(text.contains("too \(off < 0 ? "small" : "large") by this angle"), "\(text)")
    let number = try #require(text.firstMatch(of: /but ([0-9.]+) ± ([0-9.]+)° askew/))
    let (angle, error) = (try #require(Double(number.1)), try #require(Double(number.2)))
    #expect(abs(angle - 25) < 4 * error && error < 1, "\(text)")
  }

  @Test("The angle is that of the other component's part in the walls, on any line")
  func angle() throws {
    let distance = (0..<200).map { Double($0) - 99.5 }
    let walls = distance.map { 2 / pow(cosh(($0 - 10) / 8), 2) }
    let other = LineProfile(
      distance: distance, value: zip(walls, distance).map { -0.75 * $0 + 3 - 0.01 * $1 },
      error: [Double](repeating: 0.1, count: 200), sampleCount: [Int](repeating: 1, count: 200))
    let found = try #require(wallFieldAngle(other: other, walls: walls, significance: 50))
    #expect(abs(found.value - atan(-0.75)) < 1e-9)
    // Σ walls² = 4 · 8 · 4/3 where the line took nothing away, which leaves the error at least as large.
    let alone = 0.1 / (4.0 * 8 * 4 / 3).squareRoot()
    let least = hypot(alone, 0.75 / 50) / (1 + 0.75 * 0.75)
    let error = try #require(found.error)
    #expect(error >= least * (1 - 1e-9) && error < 1.3 * least)
    var silent = other
    silent.error = nil
    #expect(wallFieldAngle(other: silent, walls: walls, significance: 50) == nil)
    let flat = [Double](repeating: 0, count: 200)
    #expect(wallFieldAngle(other: other, walls: flat, significance: 50) == nil)
  }
}
