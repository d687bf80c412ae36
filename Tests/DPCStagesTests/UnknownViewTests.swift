// What the stages that need the walls' inclination say where the file states neither it nor the view.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct UnknownViewTests {
  private static func scan(_ view: String) -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [0], field_V_per_m: 3e8, fwhm_nm: 20, thickness_nm: 50, inclination_deg: 45, field_direction: perp }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 120, rows_px: 64, pixel_size_nm: 2, electrons_per_pixel: 1e6, seed: 4, view: \(view), states_walls: false }
    results: [scan]
    """
  }

  private static let stages = ["walls", "corrected", "found"]

  private static func chain(_ path: String, _ parameters: String = "") -> String {
    Laboratory.fieldChain(path) + """
        walls:     { uses: correct-inclination, from: field, with: { model: finite-wall\(parameters) } }
        corrected: { uses: correct-inclination, from: field, with: { model: vector-projection\(parameters) } }
        found:     { uses: find-walls, from: field, with: { false_walls_per_map: 0.001\(parameters) } }
      results: [walls, corrected, found]
      """
  }

  /// Of each stage, what it says of an inclination that it assumes.
  private static func notes(view: String, _ parameters: String = "") async throws -> [[Note]] {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(scan(view))
    let report = try await laboratory.run(chain(path, parameters)).report
    #expect(report.failures.isEmpty)
    return try stages.map { stage in
      try #require(report[stage]).notes.filter { $0.text.contains(" assumed") }
    }
  }

  @Test("Where not even the view is known, walls taken as edge-on are a warning of every stage")
  func unknown() async throws {
    for notes in try await Self.notes(view: "unknown") {
      try #require(notes.count == 1, "\(notes)")
      #expect(notes[0].kind == .warning)
      let text = notes[0].text
      #expect(
        text.contains("edge-on assumed: the file states neither view nor wall_inclination"),
        "\(text)")
      #expect(text.contains("give inclination_deg"), "\(text)")
    }
  }

  @Test(
    "The usual angle of a view that is stated is an assumption",
    arguments: [
      ("top", "edge-on assumed for a top view"),
      ("cross-section", "45° assumed for a cross-section"),
    ])
  func stated(view: String, words: String) async throws {
    for notes in try await Self.notes(view: view) {
      try #require(notes.count == 1, "\(notes)")
      #expect(notes[0].kind == .assumption && notes[0].text.hasSuffix(words), "\(notes)")
    }
  }

  @Test("An angle that is given needs no view")
  func given() async throws {
    let notes = try await Self.notes(view: "unknown", ", inclination_deg: 0")
    #expect(notes.flatMap { $0 }.isEmpty, "\(notes)")
  }

  @Test("A field that edge-on walls do not show is refused with the reason for the angle")
  func invisible() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan("unknown"))
    let report = try await laboratory.run(Self.chain(path, ", field_direction: parallel")).report
    #expect(report.failures.count == Self.stages.count)
    for failure in report.failures.map(\.failure) {
      #expect(failure.category == .missingPrerequisite)
      #expect(
        failure.message.hasSuffix(
          "an inclination of 0°: its direction factor is zero (edge-on assumed: the file states neither"
            + " view nor wall_inclination)"), "\(failure.message)")
      #expect(failure.remedy?.hasPrefix("give inclination_deg") ?? false)
    }
  }
}
