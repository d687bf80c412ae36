// Parameters in nm against the same numbers in a file.
import Testing

@testable import DPCStages

struct ParameterUnitsTests {
  @Test("A thickness given in nm is the one of a file that states it, to the last bit")
  func thickness() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Laboratory.scan(
        of: "{ uses: phantom-uniform, with: { field_x_V_per_m: 1e8, thickness_nm: 60 } }",
        "columns_px: 8, rows_px: 6"))
    let chain = Laboratory.fieldChain(path) + "results: [field]"
    for (overrides, expected) in [
      ([], 60e-9), (["field.thickness_nm=60"], 60e-9), (["field.thickness_nm=55.3"], 55.3e-9),
    ] {
      let field = try await laboratory.run(chain, set: overrides)
        .value("field", as: ProjectedFieldValue.self)
      #expect(field.thickness == expected, "\(overrides)")
    }
  }
}
