// What figure stages make of their parameters.
@testable import DPCStages
import Foundation
import Pipeline
import Testing

struct FigureStageTests {
  @Test("A scalar map takes the end of its color scale and its resolution as a vector map does")
  func scalarMap() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Laboratory.scan(
        of: "{ uses: phantom-walls, with: { positions_nm: [-20, 20], field_V_per_m: 3e8,"
          + " fwhm_nm: 16, thickness_nm: 60 } }",
        "columns_px: 48, rows_px: 32, electrons_per_pixel: 1e6, noise: poisson, seed: 5"))
    let map = "uses: scalar-map, from: charge"
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          charge: { uses: charge-density, from: field }
          usual:  { \(map), with: { format: [png] } }
          wide:   { \(map), with: { format: [png], limit: 1e3 } }
          wider:  { \(map), with: { format: [png], limit: 2e3 } }
          map:    { uses: vector-map, from: field, with: { format: [png], limit: 1e12 } }
          bright: { uses: vector-map, from: field, with: { format: [png], limit: 1e9 } }
          fine:   { \(map), with: { format: [png], limit: 1e3, resolution_dpi: 300 } }
        results: [charge]
        """)
    let files = try ["usual", "wide", "wider", "fine"].map {
      try #require(try outcome.value($0, as: FigureValue.self).files["png"])
    }
    #expect(Set(files).count == 4)
    // Walls of 300 MV/m and 16 nm FWHM bend by ε0 E t/w: some 0.02 C/m² of projected charge, if any.
    for (stage, warnings) in [("usual", 0), ("wide", 1), ("fine", 1), ("map", 1), ("bright", 0)] {
      let notes = try #require(outcome.report[stage]).notes.filter { $0.kind == .warning }
      #expect(notes.count { $0.text.contains("nothing of the map shows") } == warnings, "\(stage)")
    }
    let words = try #require(outcome.report["map"]).notes.map(\.text)
    #expect(
      words.contains { $0.contains("ends at 1 TV/m") && $0.hasSuffix("limit is in V/m") },
      "\(words)")
    // Pixels per meter behind the name of the chunk: 300 per inch are 11811.
    func density(_ bytes: [UInt8]) -> Int {
      let start = Data(bytes).range(of: Data("pHYs".utf8))?.upperBound ?? 0
      return bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    #expect(density(files[0]) < 11_811 && density(files[3]) >= 11_811)
  }
}
