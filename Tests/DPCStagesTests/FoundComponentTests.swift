// find-walls where the file does not say, or says wrongly, which component of the field the walls have.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import TestText
import Testing

@Suite("Walls found in the component that has them")
struct FoundComponentTests {
  /// The walls of both views of the example, of which the file says nothing.
  struct View: CustomTestStringConvertible, Sendable {
    let walls: String
    let scan: String
    let direction: FieldDirection
    let wrong: FieldDirection
    let testDescription: String

    var pipeline: String {
      """
      schema: dpc-pipeline/1
      name: view
      stages:
        walls:
          uses: phantom-walls
          with: { positions_nm: [-50, 50], field_V_per_m: 1.8e8, fwhm_nm: 18, \(walls) }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { rows_px: 24, pixel_size_nm: 2, electrons_per_pixel: 1e7, states_walls: false, \(scan) }
      results: [scan]
      """
    }
  }

  static let views = [
    View(
      walls: "thickness_nm: 60, field_direction: perp",
      scan: "view: top, columns_px: 110, seed: 31", direction: .perp, wrong: .normal,
      testDescription: "from above"),
    View(
      walls: "thickness_nm: 50, inclination_deg: 45, field_direction: parallel",
      scan: "view: cross-section, columns_px: 130, seed: 32", direction: .parallel, wrong: .perp,
      testDescription: "from the side"),
  ]

  private static func walls(
    _ laboratory: Laboratory, _ path: String, _ parameters: String = ""
  ) async throws -> (value: WallsValue, notes: [String], facts: [String]) {
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          walls: { uses: find-walls, from: field, with: { \(parameters) } }
        results: [walls]
        """)
    return (
      try outcome.value("walls", as: WallsValue.self),
      outcome.report["walls"]?.notes.map(\.text) ?? [],
      outcome.report["walls"]?.facts.map(\.text) ?? []
    )
  }

  @Test(
    "Unsaid, the component is that of the walls themselves, and the result tells it",
    arguments: views)
  func unsaid(view: View) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(view.pipeline)
    let (value, notes, facts) = try await Self.walls(laboratory, path)
    #expect(value.orientation.direction == view.direction)
    #expect(value.found?.families.count == 1)
    #expect(value.table.rows.count == 2)
    for (row, sign) in zip(value.table.rows, [-1.0, 1]) {
      let wall = row.wall
      #expect(abs(wall.position.value - sign * 50e-9) < 4 * (try #require(wall.position.error)))
      #expect(
        abs(wall.field.value + sign * 1.8e8) < 4 * (try #require(wall.field.error)), "\(wall)")
    }
    let said = "field direction \(view.direction.rawValue): the component with "
    #expect(notes.contains { $0.hasPrefix(said) && $0.hasSuffix(" % of the signal") }, "\(notes)")
    // The frame shows 48 nm of the walls' length: inclined ones are 68 nm wide in the image, and tell no azimuth.
    let azimuths = try #require(value.found).normalAzimuth
    #expect(azimuths.allSatisfy { ($0.error ?? 1) < 0.5 } == (view.direction == .perp))
    if view.direction == .perp {
      // The true normal is at 0°.
      let normal = try #require(facts.compactMap { $0.firstMatch(of: Self.normal) }.first)
      let (azimuth, error) = (try #require(Double(normal.1)), try #require(Double(normal.2)))
      #expect(abs(azimuth) < 4 * error, "\(facts)")
      // Two walls of nearly the same weight; printed to two digits.
      let each = try #require(value.found).normalAzimuth.map {
        ($0.error ?? .nan) * 180 / Double.pi
      }
      #expect(abs(error / (hypot(each[0], each[1]) / 2) - 1) < 0.1, "\(error) of \(each)")
    } else {
      #expect(facts.contains { $0.hasSuffix("(without an error)") }, "\(facts)")
    }
    // The same numbers as where it is said, and then no assumption.
    let stated = try await Self.walls(
      laboratory, path, "field_direction: \(view.direction.rawValue)")
    #expect(stated.value.table.rows == value.table.rows)
    #expect(!stated.notes.contains { $0.hasPrefix("field direction ") })
  }

  @Test("In the wrong component lines at an angle to the walls are none", arguments: views)
  func wrong(view: View) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(view.pipeline)
    let (value, notes, _) = try await Self.walls(
      laboratory, path, "field_direction: \(view.wrong.rawValue)")
    #expect(value.table.rows.isEmpty, "\(value.table.rows.map(\.wall))")
    #expect(notes.contains { $0.contains("but 2 in the component") }, "\(notes)")
  }

  private nonisolated(unsafe) static let normal = /at (-?[\d.]+) ± ([\d.]+)°/

  @Test("Without noise, where misfit takes its place, the walls stay", arguments: views)
  func noiseFree(view: View) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      view.pipeline.changing("states_walls: false", to: "noise: none"))
    let value = try await Self.walls(laboratory, path).value
    #expect(value.table.rows.count == 2)
    for (row, sign) in zip(value.table.rows, [1.0, -1]) {
      // Pixels of 2 nm over walls of 18 nm: the mean over a pixel is (2/18)²/4 of the height off, at most.
      #expect(abs(row.wall.field.value / (sign * 1.8e8) - 1) < 3e-3, "\(row.wall)")
    }
  }
}
