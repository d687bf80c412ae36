// What figure stages make of their parameters.
@testable import DPCStages
import Foundation
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
          fine:   { \(map), with: { format: [png], limit: 1e3, resolution_dpi: 300 } }
        results: [charge]
        """)
    let files = try ["usual", "wide", "wider", "fine"].map {
      try #require(try outcome.value($0, as: FigureValue.self).files["png"])
    }
    #expect(Set(files).count == 4)
    // Pixels per meter behind the name of the chunk: 300 per inch are 11811.
    func density(_ bytes: [UInt8]) -> Int {
      let start = Data(bytes).range(of: Data("pHYs".utf8))?.upperBound ?? 0
      return bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    #expect(density(files[0]) < 11_811 && density(files[3]) >= 11_811)
  }
}
