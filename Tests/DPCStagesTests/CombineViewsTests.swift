// combine-views on simulated pairs of views: one field, or a warning.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import TestText
import Testing

struct CombineViewsTests {
  private static func scan(
    _ walls: String, _ view: String, _ seed: Int, field: String = "1.8e8",
    signs: String = "alternating"
  ) -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls: { uses: phantom-walls, with: { positions_nm: [-50, 50], field_V_per_m: \(field), fwhm_nm: 18, signs: \(signs), \(walls) } }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 120, rows_px: 24, pixel_size_nm: 2, electrons_per_pixel: 1e7, view: \(view), seed: \(seed) }
    results: [scan]
    """
  }

  private static func topScan(seed: Int = 3, field: String = "1.8e8") -> String {
    scan("thickness_nm: 60, field_direction: perp", "top", seed, field: field)
  }

  private static let crossScan = scan(
    "thickness_nm: 50, inclination_deg: 45, field_direction: parallel", "cross-section", 4)

  private static func chain(_ top: String, _ cross: String, _ more: String = "") -> String {
    func view(_ name: String) -> String {
      """
        \(name)-frames:  { uses: read-acquisition, with: { file: $\(name) } }
        \(name)-clean:   { uses: normalize-segments, from: \(name)-frames }
        \(name)-tilt:    { uses: deflection, from: \(name)-clean }
        \(name)-aligned: { uses: rotate-to-scan, from: \(name)-tilt }
        \(name)-field:   { uses: electric-field, from: \(name)-aligned }
        \(name)-walls:   { uses: correct-inclination, from: \(name)-field, with: { model: finite-wall } }

      """
    }
    return """
      schema: dpc-pipeline/1
      name: views
      inputs: { top: \(top), cross: \(cross) }
      stages:
      \(view("top"))\(view("cross"))  combined:
          uses: combine-views
          from: { top: top-field, top_walls: top-walls, cross: cross-field, cross_walls: cross-walls }
          \(more)
      results: [combined]
      """
  }

  @Test("A field along the walls is found in three components, and the views agree")
  func agree() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan())
    let cross = try await laboratory.file(Self.crossScan)
    let outcome = try await laboratory.run(Self.chain(top, cross))
    let value = try outcome.value("combined", as: CombinedFieldValue.self)
    #expect(value.isConsistent, "\(value.verdict)")
    let notes = outcome.report["combined"]?.notes.map(\.text) ?? []
    #expect(!notes.contains { $0.hasPrefix("which walls") || $0.contains("apart") }, "\(notes)")
    for (component, expected) in [(value.normal, 0.0), (value.along1, 1.8e8), (value.along2, 0)] {
      let error = try #require(component.error)
      // Three of three within three deviations.
      #expect(abs(component.value - expected) < 3 * error, "\(component)")
      #expect(error < 5e6)
    }
    let group = value.group("combined")
    #expect(group.quantity == "combined_field")
    #expect(group.datasets.contains { $0.name == "field_along_1_errors" && $0.unit == "V/m" })
  }

  @Test(
    "An inclination that is off by its error makes a misfit of one; without the error the views disagree",
    arguments: [44, 46])
  func tilted(inclination: Int) async throws {
    let laboratory = try Laboratory()
    let dose = ["scan.electrons_per_pixel=1e9"]
    let top = try await laboratory.file(Self.topScan(), set: dose)
    let cross = try await laboratory.file(Self.crossScan, set: dose)
    func chiSquare(_ more: [String]) async throws -> Double {
      let outcome = try await laboratory.run(
        Self.chain(top, cross), set: ["cross-walls.inclination_deg=\(inclination)"] + more)
      return try outcome.value("combined", as: CombinedFieldValue.self).chiSquare
    }
    // Three standard deviations.
    let silent = try await chiSquare([])
    #expect(silent > 9, "\(silent)")
    // The error is all that is wrong. Its effect bends by a few per cent over a degree, and noise adds some.
    let stated = try await chiSquare(["cross-walls.inclination_error_deg=1"])
    #expect(abs(stated - 1) < 0.3, "\(stated)")
  }

  @Test(
    "The field is that of the walls that are positive in the top view, whichever wall comes first")
  func sign() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan(field: "-1.8e8"))
    let cross = try await laboratory.file(Self.crossScan)
    let outcome = try await laboratory.run(Self.chain(top, cross))
    let walls = try outcome.value("top-walls", as: WallsValue.self)
    #expect(walls.table.rows.map { $0.wall.field.value < 0 } == [true, false])
    let value = try outcome.value("combined", as: CombinedFieldValue.self)
    let error = try #require(value.along1.error)
    #expect(abs(value.along1.value - 1.8e8) < 3 * error && error < 5e6, "\(value.along1)")
    let definition = value.group("combined").attributes["sign_definition"]
    #expect(definition == .text(value.signDefinition))
    #expect(value.signDefinition.hasPrefix("that of the walls whose wall_field is positive in"))
  }

  @Test(
    "Where all walls of the top view have one sign the field is theirs",
    arguments: [1.0, -1], [1.0, -1])
  func oneSign(sign: Double, crossSign: Double) async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(
      Self.scan(
        "thickness_nm: 60, field_direction: perp", "top", 3, field: "\(sign * 1.8e8)",
        signs: "[1, 1]"))
    let cross = try await laboratory.file(
      Self.scan(
        "thickness_nm: 50, inclination_deg: 45, field_direction: parallel", "cross-section", 4,
        field: "\(crossSign * 1.8e8)", signs: "[1, 1]"))
    let outcome = try await laboratory.run(Self.chain(top, cross))
    let rows = try outcome.value("top-walls", as: WallsValue.self).table.rows
    #expect(rows.allSatisfy { $0.wall.field.value * sign > 0 })
    let value = try outcome.value("combined", as: CombinedFieldValue.self)
    let error = try #require(value.along1.error)
    #expect(abs(value.along1.value - sign * 1.8e8) < 3 * error && error < 5e6, "\(value.along1)")
    #expect(value.isConsistent && value.correspondence.contains("have the same sign"), "\(value)")
    #expect(value.measured[1].contains(sign < 0 ? "along the wall: -1" : "along the wall: 1"))
    let (definition, word) = (value.signDefinition, sign < 0 ? "negative" : "positive")
    #expect(definition.contains("wall_field is \(word) throughout;"))
    #expect(value.group("combined").attributes["sign_definition"] == .text(definition))
    let notes = outcome.report["combined"]?.notes.map(\.text) ?? []
    #expect(notes.contains("the field is \(definition)"))
  }

  @Test("Where the other assignment of signs fits nearly as well, it is named with its field")
  func unclear() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan())
    // Along the cross-section's walls, which the top view does not see: its sign stays open.
    let cross = try await laboratory.file(
      Self.scan(
        "thickness_nm: 50, inclination_deg: 45, field_direction: perp", "cross-section", 4))
    func run(_ more: String = "") async throws -> (value: CombinedFieldValue, warnings: [String]) {
      // The top view then holds a hundredth of its field: next to nothing beside the other view's.
      let outcome = try await laboratory.run(
        Self.chain(top, cross, more), set: ["top-field.thickness_nm=6000"])
      let notes = outcome.report["combined"]?.notes ?? []
      return (
        try outcome.value("combined", as: CombinedFieldValue.self),
        notes.filter { $0.kind == .warning && $0.text.hasPrefix("which walls") }.map(\.text)
      )
    }
    let (best, warnings) = try await run()
    try #require(warnings.count == 1)
    let isReversed = best.correspondence.contains("opposite")
    let word = isReversed ? "same" : "opposite"
    #expect(warnings[0].hasSuffix("give polarity=\(word) if it is so"), "\(warnings)")
    let other = try await run("with: { polarity: \(word) }")
    #expect(other.warnings.isEmpty)
    #expect(other.value.chiSquare - best.chiSquare < 9)
    let field = Format.quantity(
      other.value.along2.value, error: other.value.along2.error, unit: "V/m")
    #expect(warnings[0].contains("and \(field) along the top view's beam"), "\(warnings), \(field)")
    // The field that is seen in one view only keeps its size, and turns.
    let error = try #require(best.along2.error)
    #expect(abs(best.along2.value + other.value.along2.value) < 3 * error)
  }

  @Test("Walls of unlike fields are told, and how signs follow each other is what the views show")
  func unlike() async throws {
    let laboratory = try Laboratory()
    let cross = try await laboratory.file(Self.crossScan)
    func notes(signs: String) async throws -> [Note] {
      let top = try await laboratory.file(
        Self.scan("thickness_nm: 60, field_direction: perp", "top", 3, signs: signs))
      let outcome = try await laboratory.run(Self.chain(top, cross))
      return try #require(outcome.report["combined"]).notes
    }
    let unlike = try await notes(signs: "[1, -0.5]")
    let warnings = unlike.filter { $0.text.contains("not of one kind") }
    try #require(warnings.count == 1)
    #expect(warnings[0].kind == .warning)
    // 90 and 180 MV/m, each measured to a few percent.
    let sizes = try #require(
      warnings[0].text.firstMatch(
        of: /the walls of the top view .* from ([0-9.]+) MV\/m to ([0-9.]+) MV\/m,/))
    #expect(abs(try #require(Double(sizes.1)) - 90) < 10)
    #expect(abs(try #require(Double(sizes.2)) - 180) < 10)
    let alike = try await notes(signs: "[1, 1]")
    #expect(!alike.contains { $0.text.contains("not of one kind") })
    #expect(
      alike.contains {
        $0.text.contains("(top view: all of one sign; cross-section: alternating in sign)")
      }, "\(alike)")
  }

  @Test("Walls of other widths are told, also where their fields agree")
  func widths() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(
      try Self.topScan().changing("fwhm_nm: 18", to: "fwhm_nm: 36"))
    let cross = try await laboratory.file(Self.crossScan)
    let outcome = try await laboratory.run(Self.chain(top, cross))
    let warnings = try #require(outcome.report["combined"]).notes.filter {
      $0.text.contains("apart")
    }
    try #require(warnings.count == 1, "\(warnings)")
    #expect(warnings[0].kind == .warning)
    let widths = try #require(
      warnings[0].text.firstMatch(
        of:
          /walls are ([0-9.]+) ± ([0-9.]+) nm wide in the top view and ([0-9.]+) ± .* nm in the cross/
      ))
    // Of two walls alike edge-on, whose errors have no common part: that of one over √2.
    let table = try outcome.value("top-walls", as: WallsValue.self).table
    let own = try #require(table.rows[0].wall.width.error) * 1e9 / 2.0.squareRoot()
    #expect(abs(try #require(Double(widths.2)) / own - 1) < 0.1)
    #expect(abs(try #require(Double(widths.1)) - 36) < 3)
    #expect(abs(try #require(Double(widths.3)) - 18) < 6)
  }

  @Test("A thickness wrong by a third is a warning that says where to look")
  func disagree() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan())
    let cross = try await laboratory.file(Self.crossScan)
    let outcome = try await laboratory.run(
      Self.chain(top, cross), set: ["top-field.thickness_nm=45"])
    let value = try outcome.value("combined", as: CombinedFieldValue.self)
    #expect(!value.isConsistent)
    let notes = outcome.report["combined"]?.notes.map(\.text) ?? []
    #expect(notes.contains { $0.contains("thickness, inclination and calibration of both") })
  }

  @Test("One acquisition is no second view of itself, and a view of the wrong kind is told")
  func sameOrOtherView() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan())
    let same = try await laboratory.run(Self.chain(top, top)).report
    let failure = try #require(same["combined"]?.failure)
    #expect(failure.message.contains("ports top and cross hold the same field"))

    let again = try await laboratory.file(Self.topScan(seed: 4))
    let other = try await laboratory.run(Self.chain(top, again)).report
    let notes = try #require(other["combined"]).notes
    #expect(
      notes.contains {
        $0.kind == .warning && $0.text.contains("port cross") && $0.text.hasSuffix("view = top")
      }, "\(notes)")
    #expect(!notes.contains { $0.text.contains("port top") })
  }

  @Test("Views of one direction are refused with what to check")
  func open() async throws {
    let laboratory = try Laboratory()
    let top = try await laboratory.file(Self.topScan())
    let report = try await laboratory.run(
      Self.chain(top, top, "with: { wall_plane_rotation_deg: 0 }")
    ).report
    let failure = try #require(report["combined"]?.failure)
    #expect(failure.message.contains("leave a component of the field open"))
    #expect(failure.remedy?.contains("wall_plane_rotation_deg") == true)
  }
}
