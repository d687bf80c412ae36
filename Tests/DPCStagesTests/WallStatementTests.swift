// What is stated or taken of walls, held against what the map shows.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallStatementTests {
  private static func scan(_ walls: String, view: String = "cross-section") -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-30, 30], field_V_per_m: 2e8, fwhm_nm: 14, thickness_nm: 60, \(walls) }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 140, rows_px: 120, pixel_size_nm: 1, electrons_per_pixel: 1e6, noise: poisson, seed: 8, view: \(view), states_walls: false }
    results: [scan]
    """
  }

  private static func run(
    _ laboratory: Laboratory, _ scan: String, _ parameters: String
  ) async throws -> Laboratory.Outcome {
    try await laboratory.run(
      Laboratory.fieldChain(try await laboratory.file(scan)) + """
          walls: { uses: correct-inclination, from: field, with: { model: finite-wall, \(parameters) } }
        results: [walls]
        """)
  }

  private static func warnings(_ outcome: Laboratory.Outcome) -> [String] {
    outcome.report["walls"]?.notes.filter { $0.kind == .warning }.map(\.text) ?? []
  }

  @Test(
    "Where the image cannot tell normal from parallel, what is taken and what it would mean are told"
  )
  func ambiguity() async throws {
    let laboratory = try Laboratory()
    let nearly = try await Self.run(
      laboratory, Self.scan("inclination_deg: 3, field_direction: normal"), "inclination_deg: 3")
    #expect(try nearly.value("walls", as: WallsValue.self).orientation.direction == .normal)
    // 1/tan 3°
    #expect(
      Self.warnings(nearly).contains { $0.contains("normal is taken") && $0.contains("19.1 times") }
    )
    let inclined = try await Self.run(
      laboratory, Self.scan("inclination_deg: 20, field_direction: parallel"), "inclination_deg: 20"
    )
    #expect(try inclined.value("walls", as: WallsValue.self).orientation.direction == .parallel)
    // tan 20°
    #expect(
      Self.warnings(inclined).contains {
        $0.contains("parallel is taken") && $0.contains("0.364 times")
      })
    let stated = try await Self.run(
      laboratory, Self.scan("inclination_deg: 20, field_direction: parallel"),
      "inclination_deg: 20, field_direction: parallel")
    #expect(!Self.warnings(stated).contains { $0.contains("is taken") })
    let along = try await Self.run(
      laboratory, Self.scan("inclination_deg: 20, field_direction: perp"), "inclination_deg: 20")
    #expect(!Self.warnings(along).contains { $0.contains("the image does not tell") })
  }

  @Test("A wall normal that the map contradicts is told, and no limit stands beside it")
  func azimuth() async throws {
    let laboratory = try Laboratory()
    let scan = Self.scan("normal_azimuth_deg: 20, inclination_deg: 0", view: "top")
    let outcome = try await Self.run(laboratory, scan, "normal_azimuth_deg: 110")
    let found = Self.warnings(outcome)
    #expect(
      found.contains {
        $0.hasPrefix("wall normal at 110° (given), and the map varies along") && $0.contains("only")
      }, "\(found)")
    let facts = outcome.report["walls"]?.facts.map(\.text) ?? []
    #expect(!facts.contains { $0.contains("not detected") }, "\(facts)")
    // The same wall, counted from its other side, and within what does no harm.
    for right in [20.0, 200, 21] {
      let outcome = try await Self.run(laboratory, scan, "normal_azimuth_deg: \(right)")
      #expect(!Self.warnings(outcome).contains { $0.hasPrefix("wall normal") })
    }
  }

  @Test("The error of a measured normal stands beside it")
  func measured() async throws {
    let laboratory = try Laboratory()
    let outcome = try await Self.run(
      laboratory, Self.scan("normal_azimuth_deg: 20, inclination_deg: 0", view: "top"), "")
    let seen = try #require(try outcome.value("walls", as: WallsValue.self).orientation.seen)
    let error = try #require(seen.error)
    #expect(abs(seen.azimuth - 20 * Double.pi / 180) < 4 * error)
    let notes = outcome.report["walls"]?.notes.map(\.text) ?? []
    #expect(notes.contains { $0.hasPrefix("wall normal at ") && $0.contains(" ± ") })
  }

  @Test(
    "A thickness whose error is as large as it is, or that is no nanometer's, does not go by silently"
  )
  func thickness() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan("inclination_deg: 0", view: "top"))
    func warnings(_ error: String) async throws -> [String] {
      let chain = Laboratory.fieldChain(path) + "results: [field]\n"
      return try await laboratory.run(chain, set: ["field.thickness_error_nm=\(error)"])
        .report["field"]?.notes.filter { $0.kind == .warning }.map(\.text) ?? []
    }
    #expect(try await warnings("60").contains { $0.hasPrefix("the thickness is known to 100 %") })
    #expect(try await warnings("6").isEmpty)
    await #expect(throws: (any Error).self) {
      try await laboratory.run(
        Laboratory.fieldChain(path) + "results: [field]\n", set: ["field.thickness_nm=6e-8"])
    }
  }
}
