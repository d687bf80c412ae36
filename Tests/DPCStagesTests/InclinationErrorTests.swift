// correct-inclination: errors of thickness and inclination in the table, and what is said of a fitted angle.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import TestText
import Testing

struct InclinationErrorTests {
  private static func scan(_ inclination: Double, _ more: String) -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-60, 60], field_V_per_m: 3e8, fwhm_nm: 20, thickness_nm: 60, inclination_deg: \(inclination), field_direction: parallel }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 256, rows_px: 48, pixel_size_nm: 1.5, electrons_per_pixel: 1e7, seed: 31, \(more) }
    results: [scan]
    """
  }

  private static func chain(_ path: String, _ parameters: String = "") -> String {
    Laboratory.fieldChain(path) + """
        walls: { uses: correct-inclination, from: field, with: { model: finite-wall, \(parameters) } }
      results: [walls]
      """
  }

  private static func words(_ outcome: Laboratory.Outcome) -> String {
    (outcome.report["walls"]?.notes ?? []).map(\.text).joined(separator: "\n")
  }

  @Test(
    "A thickness error is in widths and positions, with its correlation, and is no common scale")
  func thickness() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45, "view: cross-section"))
    let plain = try await laboratory.run(Self.chain(path)).value("walls", as: WallsValue.self)
    let outcome = try await laboratory.run(Self.chain(path), set: ["field.thickness_error_nm=3"])
    let value = try outcome.value("walls", as: WallsValue.self)
    #expect(value.table.rows.count == 2)
    #expect(value.context.attributes["thickness"] == "6e-08 m (from the file, error 3 nm)")
    for (row, before) in zip(value.table.rows, plain.table.rows) {
      let change = try #require(row.changes?["thickness"])
      #expect(before.changes?.isEmpty != false)
      #expect(row.wall.field.value == before.wall.field.value)
      // A thicker specimen has narrower and so higher walls, whichever sign their field has.
      #expect(change.sechWidth < 0 && change.field / row.wall.field.value > 0.02)
      let own = try #require(before.wall.width.error)
      let width = InclinationGeometry.widthFactor * change.sechWidth
      #expect(abs(try #require(row.wall.width.error) - hypot(own, width)) < 1e-15)
      #expect(abs(width) > 2 * own)
      #expect(
        abs(row.covariance[1] - before.covariance[1] - change.field * change.sechWidth)
          < 1e-9 * abs(row.covariance[1]))
      let (lower, upper) = try (
        #require(row.widthInterval.lower), #require(row.widthInterval.upper)
      )
      #expect(upper - lower > 1.9 * abs(width))
    }
    let group = value.group("walls")
    let dataset = try #require(group.datasets.first { $0.name == "change_with_thickness" })
    #expect(dataset.shape == [2, 3])
    #expect(group.attributes["errors_common"] == .text("thickness: change_with_thickness"))
    #expect(
      group.attributes["errors"]
        == .text("one standard deviation: counting, and what all walls share"))
    #expect(group.attributes["change_order"] != nil)
  }

  @Test("A profile that the path through inclined walls fills says that its fit need not be walls")
  func path() async throws {
    let laboratory = try Laboratory()
    func isTold(_ columns: Int) async throws -> Bool {
      // 60 nm at 60° are 104 nm in the image, of 382.5 and of 210 nm.
      let scan = try Self.scan(60, "view: cross-section")
        .changing("columns_px: 256", to: "columns_px: \(columns)")
        .changing("[-60, 60]", to: "[5]")
      let outcome = try await laboratory.run(
        Laboratory.fieldChain(try await laboratory.file(scan)) + """
            profile: { uses: wall-profile, from: field }
          results: [profile]
          """)
      return try #require(outcome.report["profile"]).notes.contains {
        $0.kind == .warning
          && $0.text.hasPrefix("walls inclined by 60° spread over 103.9 nm of this")
      }
    }
    #expect(try await isTold(140))
    #expect(try await !isTold(256))
  }

  @Test("An error of the inclination is carried on; without one a note says what a degree changes")
  func inclinationError() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45, "view: cross-section"))
    let plain = try await laboratory.run(Self.chain(path))
    #expect(Self.words(plain).contains("inclination 45° without an error: one degree more changes"))
    let outcome = try await laboratory.run(Self.chain(path, "inclination_error_deg: 1"))
    #expect(!Self.words(outcome).contains("without an error"))
    let value = try outcome.value("walls", as: WallsValue.self)
    let stated = value.context.attributes["inclination"]
    #expect(stated == "\(45 * Double.pi / 180) rad (from the file, error 1°)")
    let row = try #require(value.table.rows.first)
    let change = try #require(row.changes?["inclination"])
    // As fits at 44° and 46° find it.
    let ends = try await [44, 46].asyncMap { angle in
      let table = try await laboratory.run(Self.chain(path, "inclination_deg: \(angle)"))
        .value("walls", as: WallsValue.self).table
      return try #require(table.rows.first).wall
    }
    let here = row.wall.field.value
    let sides = [here - ends[0].field.value, ends[1].field.value - here]
    #expect(sides.contains { abs(change.field / $0 - 1) < 0.01 }, "\(change.field) \(sides)")
    #expect(try #require(row.wall.field.error) > abs(change.field))
  }

  @Test("A fitted angle is held against the stated one, and the mirror of a pair is told")
  func contradiction() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(70, "view: cross-section"))
    let near = try await laboratory.run(Self.chain(path, "inclination_deg: fit"))
    let value = try near.value("walls", as: WallsValue.self)
    #expect(abs(value.inclination * 180 / Double.pi - 70) < 1)
    #expect(abs(try #require(value.table.rows.first).wall.position.value + 60e-9) < 5e-9)
    #expect(Self.words(near).contains("explains the profile as well as"))
    #expect(!Self.words(near).contains("contradicts"))
    // The crystal states 60°.
    let far = try await laboratory.run(
      Self.chain(
        path,
        "inclination_deg: fit, beam_direction: '[001]', wall_plane: (011), lattice_nm: [1, 1.7320508, 1]"
      ))
    #expect(Self.words(far).contains("the fitted inclination"), "\(Self.words(far))")
    #expect(Self.words(far).contains("contradicts"))
  }

  @Test(
    "Where the data leave an upper bound only, the view's usual angle is taken if it lies below")
  func edgeOn() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan(0, "view: top, states_walls: false").replacing("parallel }", with: "perp }"))
    let outcome = try await laboratory.run(
      Self.chain(path, "inclination_deg: fit, normal_azimuth_deg: 0"))
    let value = try outcome.value("walls", as: WallsValue.self)
    #expect(value.inclination == 0)
    #expect(abs(try #require(value.table.rows.first).wall.field.value / 3e8 - 1) < 0.03)
    let words = Self.words(outcome)
    #expect(words.contains("every angle below"), "\(words)")
    #expect(words.contains("0° (edge-on assumed for a top view) taken instead"), "\(words)")
  }

  @Test(
    "Parameters that a model does not read are refused before anything runs",
    arguments: [
      ("vector-projection", "inclination_deg: fit", "fits no inclination"),
      ("deconvolve", "inclination_deg: fit", "fits no inclination"),
      ("deconvolve", "inclination_error_deg: 1", "carries no error"),
      ("finite-wall", "inclination_deg: fit, inclination_error_deg: 1", "that the fit finds"),
    ])
  func refused(model: String, parameters: String, words: String) async throws {
    let manifest = Self.chain("none.h5", parameters).replacing("finite-wall", with: model)
    do {
      _ = try await Laboratory().run(manifest)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }

  @Test("A factor below a tenth is told: it divides noise")
  func hardlySeen() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(45, "view: cross-section"))
    for (angle, isTold) in [("0.001", true), ("10", false)] {
      let outcome = try await laboratory.run(
        Self.chain(path, "inclination_deg: \(angle)").replacing(
          "finite-wall", with: "vector-projection"))
      #expect(Self.words(outcome).contains("hardly seen") == isTold, "\(Self.words(outcome))")
    }
  }
}

extension Array {
  fileprivate func asyncMap<Result>(_ change: (Element) async throws -> Result) async throws
    -> [Result]
  {
    var results: [Result] = []
    for element in self { results.append(try await change(element)) }
    return results
  }
}
