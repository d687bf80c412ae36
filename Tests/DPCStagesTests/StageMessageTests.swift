// Messages and facts of stages where nothing was found, or what was asked for cannot be.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import TestText
import Testing

struct StageMessageTests {
  private static func scan(rows: Int, columns: Int, _ field: String = "0") -> String {
    """
    schema: dpc-pipeline/1
    name: messages
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [0], field_V_per_m: \(field), fwhm_nm: 10, thickness_nm: 50 }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: \(columns), rows_px: \(rows), pixel_size_nm: 1, electrons_per_pixel: 1e4 }
    results: [scan]
    """
  }

  private static let transfer = ", with: { method: phase-contrast-transfer }"

  @Test("Where no phase stands out of the noise, no period is claimed")
  func noPhase() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(rows: 24, columns: 32))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path, tilt: Self.transfer) + "results: [field]\n")
    let facts = outcome.report["tilt"]?.facts ?? []
    let fact = try #require(facts.first { $0.key == "resolved_frequency" })
    #expect(fact.value == 0)
    #expect(
      fact.text.hasPrefix("no phase stands out of the noise (information limit"), "\(fact.text)")
  }

  @Test("A line scan is told the least number of pixels of phase-contrast-transfer")
  func line() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(rows: 1, columns: 101))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path, tilt: Self.transfer) + "results: [field]\n")
    let failure = try #require(outcome.report.failures.first?.failure)
    #expect(
      failure.message
        == "stage tilt: phase-contrast-transfer needs at least 4 pixels in each direction of the scan, and"
        + " this one has 1×101 (rows × columns)")
  }

  @Test("A rectangle beyond the map is told in columns and rows")
  func crop() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(rows: 24, columns: 32))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          part: { uses: crop, from: field, with: { left_px: 20, top_px: 2, width_px: 20, height_px: 8 } }
        results: [part]
        """)
    let failure = try #require(outcome.report.failures.first?.failure)
    #expect(
      failure.message
        == "stage part: 20 columns from column 20 on and 8 rows from row 2 on do not lie in a map of 32"
        + " columns and 24 rows")
  }

  @Test("Walls edge-on have no path to undo")
  func edgeOn() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(rows: 16, columns: 64, "3e8"))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          sharp: { uses: correct-inclination, from: field, with: { model: deconvolve } }
        results: [sharp]
        """)
    let facts = outcome.report["sharp"]?.facts ?? []
    let fact = try #require(facts.first { $0.key == "deconvolution_resolution" })
    #expect(fact.text == "the walls are edge-on: there is no path through them to undo")
  }

  @Test("Kinds that are many of something have no article")
  func articles() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(rows: 8, columns: 8))
    let chain = try Laboratory.fieldChain(path).changing(
      "deflection, from: clean", to: "deflection, from: frames")
    let error = await #expect(throws: (any Error).self) {
      try await laboratory.run(chain + "results: [field]\n")
    }
    #expect(
      "\(error as Any)".contains(
        "deflection takes segments or frames at 'segments', but frames.acquisition is an acquisition"
      ),
      "\(error as Any)")
  }
}
