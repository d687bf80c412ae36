// The walls of many runs in one table: the numbers of result.h5, and the distances between neighbors.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallListTests {
  @Test(
    "A row for each wall of each listed table, in order, with what result.h5 has and separations")
  func walls() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Laboratory.scan(
        of: "{ uses: phantom-walls, with: { positions_nm: [-40, 35], field_V_per_m: 3e8,"
          + " fwhm_nm: 16, thickness_nm: 60, normal_azimuth_deg: 20 } }",
        "columns_px: 110, rows_px: 96, electrons_per_pixel: 1e6, noise: poisson, seed: 5"))
    let along = "normal_azimuth_deg: 20, field_direction: perp"
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          profile: { uses: wall-profile, from: field, with: { \(along) } }
          walls:   { uses: correct-inclination, from: field, with: { model: finite-wall, inclination_deg: 0, \(along) } }
          found:   { uses: find-walls, from: field, with: { field_direction: perp } }
        results: [profile, walls, found, field]
        """)
    let assembly = ResultAssembly(runner: outcome.runner, report: outcome.report)
    let walls = try assembly.walls()
    #expect(walls.map(\.stage) == ["profile", "profile", "walls", "walls", "found", "found"])
    #expect(
      walls.map(\.quantity) == ["wall_profile", "wall_profile", "walls", "walls", "walls", "walls"])
    #expect(walls.map(\.number) == [1, 2, 1, 2, 1, 2])
    let rows = try outcome.value("walls", as: WallsValue.self).table.rows
    #expect(walls[2...3].map(\.position) == rows.map(\.wall.position))
    #expect(walls[2...3].map(\.field) == rows.map(\.wall.field))
    let lacks = walls.map { wall -> Bool in wall.product == nil }
    #expect(lacks == [true, true, false, false, false, false])
    // One normal, which was given, so that nothing is known of its error; or one of each wall, which was measured.
    #expect(
      walls[..<4].allSatisfy { wall -> Bool in
        abs(wall.normalAzimuth.value - 20) < 1e-9 && wall.normalAzimuth.error == nil
      })
    #expect(
      walls[4...].allSatisfy { wall -> Bool in
        let error = wall.normalAzimuth.error ?? 0
        return abs(wall.normalAzimuth.value - 20) < 5 * error
      })
    let isLast = walls.map { wall -> Bool in wall.separation == nil }
    #expect(isLast == [true, false, true, false, true, true])
    let separation = try #require(walls[3].separation)
    #expect(abs(separation.value - 75e-9) < 5 * (separation.error ?? 0))
    #expect(separation.error == rows[1].distance(from: rows[0]).error)
    let csv = SummaryTable.walls(
      title: "t", runs: [("a", walls), ("none", []), ("b", walls)],
      settings: ["b": [("field.thickness_nm", "50")]]
    ).csv.split(separator: "\n")
    #expect(
      csv[0] == "key,field.thickness_nm,stage,quantity,wall,normal_azimuth (deg),"
        + "normal_azimuth_error (deg),position (m),position_error (m),separation (m),"
        + "separation_error (m),field (V/m),field_error (V/m),width (m),width_error (m),"
        + "field_times_sech_width (V),field_times_sech_width_error (V),significance (sigma)")
    #expect(csv.count == 13)
    #expect(csv[1].hasPrefix("a,,profile,wall_profile,1,20") && csv[8].hasPrefix("b,50,profile,"))
  }

  @Test("What a shared quantity does to both walls alike is no error of their distance")
  func distance() throws {
    func row(_ position: Double, change: Double?) -> WallRow {
      let row = WallRow(
        wall: Wall(
          position: STEMCore.Measurement(position, error: 3e-10),
          field: STEMCore.Measurement(1e8, error: 1e6),
          width: STEMCore.Measurement(2e-8, error: 1e-9)), product: STEMCore.Measurement(1),
        fieldInterval: WallInterval(lower: nil, upper: nil),
        widthInterval: WallInterval(lower: nil, upper: nil), covariance: [], imageHeight: 1e8,
        imageWidth: 2e-8, significance: 9, remarks: [])
      guard let change else { return row }
      return row.widened(
        by: WallChange(field: 0, sechWidth: 0, position: change, product: 0), cause: "turn")
    }
    // Own errors of 0.3 nm each: 0.424 nm.
    let own = 3e-10 * 2.0.squareRoot()
    func error(_ first: Double?, _ second: Double?) throws -> Double {
      try #require(row(5e-8, change: second).distance(from: row(-1e-8, change: first)).error)
    }
    #expect(abs(try error(nil, nil) - own) < 1e-15)
    #expect(abs(try error(4e-10, 4e-10) - own) < 1e-15)
    #expect(abs(try error(4e-10, -4e-10) - hypot(own, 8e-10)) < 1e-15)
    #expect(abs(try error(nil, 4e-10) - hypot(own, 4e-10)) < 1e-15)
  }
}
