// correct-inclination with an angle from the crystal, and with one fitted, on simulated cross-sections.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct InclinedStageTests {
  private static func scan(_ inclination: Double, _ direction: String = "parallel") -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-70, 70], field_V_per_m: 2e8, fwhm_nm: 14, thickness_nm: 60, inclination_deg: \(inclination), field_direction: \(direction) }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 320, rows_px: 40, pixel_size_nm: 1, electrons_per_pixel: 1e7, noise: none, view: cross-section, states_walls: false }
    results: [scan]
    """
  }

  private static func chain(_ path: String, _ parameters: String) -> String {
    Laboratory.fieldChain(path) + """
        walls:   { uses: correct-inclination, from: field, with: { model: finite-wall, normal_azimuth_deg: 0, \(parameters) } }
      results: [walls]
      """
  }

  @Test("Beam, wall and field in the crystal's terms give the angle, the factor and the field")
  func crystal() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45))
    let outcome = try await laboratory.run(
      Self.chain(
        path, "beam_direction: '[100]', wall_plane: (110), field_axis: '[-110]'"))
    let value = try outcome.value("walls", as: WallsValue.self)
    #expect(abs(value.inclination - Double.pi / 4) < 1e-12)
    #expect(value.context.attributes["crystal_view"] == "beam [100], wall (110)")
    #expect(value.context.attributes["image_normal_crystal_direction"] == "[010]")
    #expect(value.table.rows.count == 2)
    for (row, sign) in zip(value.table.rows, [1.0, -1]) {
      // A rigid disc without noise: rounding, and profiles of whole columns.
      #expect(abs(row.wall.field.value / (sign * 2e8) - 1) < 1e-4, "\(row.wall.field.value)")
      #expect(abs(row.wall.width.value / 14e-9 - 1) < 1e-4)
    }
  }

  @Test("The figure says whose numbers stand under it, and how many walls it leaves out")
  func caption() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45))
    let value = try await laboratory.run(Self.chain(path, "inclination_deg: 45"))
      .value("walls", as: WallsValue.self)
    let plot = ProfilePlotStage()
    let few = Array(
      plot.walls(value.tableOfProfile, unit: "V/m", inclination: value.inclination).suffix(3))
    try #require(few.count == 3)
    #expect(few[0].hasPrefix("field and FWHM are the walls' own, at an inclination of 45°;"))
    // As in the specimen; the curve stays below.
    #expect((value.table.curve.max() ?? 0) < 1.5e8)
    #expect(few[1].hasPrefix("wall 1: 200"), "\(few[1])")
    #expect(few[2].hasPrefix("wall 2: -200"), "\(few[2])")
    var many = value.tableOfProfile
    many.rows = (0..<24).map { many.rows[$0 % 2] }
    let lines = plot.walls(many, unit: "V/m", inclination: nil)
    #expect(lines.count == 7 && lines[0].hasPrefix("wall 1: "))
    #expect(lines[6] == "and 18 more walls, not listed here")
    many.rows.removeLast(17)
    #expect(
      plot.walls(many, unit: "V/m", inclination: nil).last == "and 1 more wall, not listed here")
    #expect(plot.walls(nil, unit: "V/m", inclination: 0).isEmpty)
  }

  @Test("The opposite axis turns the sign of every wall")
  func opposite() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45))
    let value = try await laboratory.run(
      Self.chain(path, "beam_direction: '[100]', wall_plane: (110), field_axis: '[1-10]'")
    ).value("walls", as: WallsValue.self)
    #expect(abs(try #require(value.table.rows.first).wall.field.value / -2e8 - 1) < 1e-4)
  }

  @Test("An inclination that nobody states is fitted with the walls")
  func fitted() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(33))
    let outcome = try await laboratory.run(Self.chain(path, "inclination_deg: fit"))
    let value = try outcome.value("walls", as: WallsValue.self)
    let fact = try #require(outcome.report["walls"]?.facts.first { $0.key == "wall_inclination" })
    #expect(abs(value.inclination * 180 / Double.pi - 33) < 0.1, "\(fact.text)")
    #expect(abs(try #require(value.table.rows.first).wall.field.value / 2e8 - 1) < 5e-3)
  }

  @Test(
    "What is no direction, half a view and an invisible field are refused with what to do",
    arguments: [
      ("beam_direction: '[100]', wall_plane: (110), field_axis: '[100]'", "runs along the beam")
    ])
  func mistakes(parameters: String, words: String) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45))
    let report = try await laboratory.run(Self.chain(path, parameters)).report
    let failure = try #require(report["walls"]?.failure)
    #expect(failure.message.contains(words), "\(failure.message)")
    #expect(failure.remedy?.isEmpty == false)
  }

  @Test(
    "Directions are read as crystallographers write them",
    arguments: [
      ("[001]", [0.0, 0, 1]), ("(1-10)", [1, -1, 0]), ("[1 -1 0]", [1, -1, 0]),
      ("[-1, 10, 2]", [-1, 10, 2]), ("111", [1, 1, 1]), ("[\u{2212}110]", [-1, 1, 0]),
    ])
  func reading(text: String, numbers: [Double]) throws {
    let indices = try #require(MillerIndices(text))
    #expect([indices.h, indices.k, indices.l] == numbers)
    #expect(MillerIndices(indices.text) == indices)
  }

  @Test(
    "What is none is not read",
    arguments: [
      "", "[000]", "[12]", "[1--10]", "abc", "[1 1 0 0]", "[1-]", "[1000000 0 1]",
      "[99999999999999999999 0 1]",
    ])
  func notRead(text: String) { #expect(MillerIndices(text) == nil) }
}
