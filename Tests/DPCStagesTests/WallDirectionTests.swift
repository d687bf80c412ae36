// correct-inclination beside a profile of the same field: the walls' direction is measured once.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallDirectionTests {
  private static let scan = """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-30, 30], field_V_per_m: 2e8, fwhm_nm: 14, thickness_nm: 60, normal_azimuth_deg: 20, inclination_deg: 30, field_direction: parallel }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 140, rows_px: 120, pixel_size_nm: 1, electrons_per_pixel: 1e6, noise: poisson, seed: 3, view: cross-section, states_walls: false }
    results: [scan]
    """

  /// The walls' and the profile's values of a chain.
  private static func values(
    _ laboratory: Laboratory, _ path: String, from: String, _ parameters: String = "",
    profile: String = "field"
  ) async throws -> (walls: WallsValue, profile: WallProfileValue) {
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          smoothed: { uses: smooth, from: aligned, with: { sigma_nm: 2 } }
          profile:  { uses: wall-profile, from: \(profile) }
          walls:    { uses: correct-inclination, from: \(from), with: { model: finite-wall, \(parameters) } }
        results: [profile, walls]
        """)
    return (
      try outcome.value("walls", as: WallsValue.self),
      try outcome.value("profile", as: WallProfileValue.self)
    )
  }

  @Test(
    "With a profile of the field the walls are those without, whatever the angle",
    arguments: ["inclination_deg: 30", "inclination_deg: 0", "inclination_deg: fit"])
  func same(parameters: String) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan)
    let alone = try await Self.values(laboratory, path, from: "field", parameters).walls
    let (walls, profile) = try await Self.values(
      laboratory, path, from: "{ field: field, profile: profile }", parameters)
    #expect(walls.orientation == alone.orientation)
    #expect(walls.table == alone.table && walls.profile == alone.profile)
    #expect(walls.context.attributes == alone.context.attributes)
    #expect(walls.orientation.normalAzimuth == profile.orientation.normalAzimuth)
    #expect(
      walls.orientation.direction == (parameters == "inclination_deg: 0" ? .normal : .parallel))
  }

  /// Walls of which a file states that they are edge-on.
  private static let edgeOn = """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-30, 30], field_V_per_m: 2e8, fwhm_nm: 14, thickness_nm: 60, normal_azimuth_deg: 20 }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 140, rows_px: 120, pixel_size_nm: 1, electrons_per_pixel: 1e5, noise: poisson, seed: 3, view: top }
    results: [scan]
    """

  @Test(
    "Walls that a file states to be edge-on are those of their profile, and the same without it")
  func edgeOn() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.edgeOn)
    let from = "{ field: field, profile: profile }"
    let alone = try await Self.values(laboratory, path, from: "field").walls
    let (walls, profile) = try await Self.values(laboratory, path, from: from)
    #expect(walls.table == alone.table && walls.profile == alone.profile)
    #expect(walls.context.attributes == alone.context.attributes && walls.table.rows.count == 2)
    let known = try #require(profile.edgeOn)
    let correlation = profile.context.correlationLength
    let geometry = try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .perp)
    #expect(profile.edgeOn(walls.profile, correlation, geometry) == known)
    #expect(known.fit.reported.map(\.wall.position) == walls.table.rows.map(\.wall.position))
    // Not those of inclined walls, of another component or of another map.
    let inclined = try InclinationGeometry(thickness: 60e-9, inclination: 0.01, direction: .perp)
    #expect(profile.edgeOn(walls.profile, correlation, inclined) == nil)
    let other = try InclinationGeometry(
      thickness: 60e-9, inclination: 0, direction: .perp, factor: 0.5)
    #expect(profile.edgeOn(walls.profile, correlation, other) == nil)
    var changed = walls.profile
    changed.value[7].negate()
    #expect(profile.edgeOn(changed, correlation, geometry) == nil)
    let smoothed = try await Self.values(laboratory, path, from: from, profile: "smoothed")
    #expect(smoothed.profile.edgeOn != nil)
    #expect(smoothed.profile.edgeOn(smoothed.walls.profile, correlation, geometry) == nil)
  }

  @Test("What the profile has fitted of walls edge-on is not fitted again")
  func notAgain() async throws {
    let laboratory = try Laboratory()
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(try await laboratory.file(Self.edgeOn)) + """
          profile: { uses: wall-profile, from: field }
        results: [field, profile]
        """)
    var profile = try outcome.value("profile", as: WallProfileValue.self)
    // A mark that no fit would make.
    let marked = 1.5 * (profile.table?.rows.first?.wall.field.value ?? 0)
    profile.edgeOn?.fit.fitted[0].wall.field.value = marked
    let stage = CorrectInclination()
    let product = try stage.run(
      StageContext(
        stageName: "walls",
        parameters: stage.defaultParameters.merging(["model": .text("finite-wall")]) { $1 },
        inputs: [
          "field": try outcome.value("field", as: ProjectedFieldValue.self), "profile": profile,
        ]))
    let walls = try #require(product.outputs["corrected"] as? WallsValue)
    #expect(walls.table.rows.first?.wall.field.value == marked && marked != 0)
  }

  @Test("The direction that the profile has measured is taken, unless one is given")
  func taken() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan)
    let from = "{ field: field, profile: profile }"
    let own = try await Self.values(laboratory, path, from: "field").walls.orientation
    let (walls, profile) = try await Self.values(laboratory, path, from: from, profile: "smoothed")
    #expect(walls.orientation.normalAzimuth == profile.orientation.normalAzimuth)
    #expect(walls.orientation.normalOrigin == profile.orientation.normalOrigin)
    #expect(walls.orientation.normalAzimuth != own.normalAzimuth)
    let given = try await Self.values(
      laboratory, path, from: from, "normal_azimuth_deg: 21, field_direction: perp",
      profile: "smoothed"
    ).walls.orientation
    #expect(abs(given.normalAzimuth * 180 / Double.pi - 21) < 1e-12)
    #expect(given.direction == .perp && given.coherence == nil)
  }

  @Test("Where the named component shows no wall and the other one does, the profile says so")
  func otherComponent() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan)
    func report(_ direction: String) async throws -> (rows: Int?, facts: [Fact], notes: [Note]) {
      let outcome = try await laboratory.run(
        Laboratory.fieldChain(path) + """
            profile: { uses: wall-profile, from: field, with: { normal_azimuth_deg: 20, field_direction: \(direction) } }
          results: [profile]
          """)
      let report = outcome.report["profile"]
      return (
        try outcome.value("profile", as: WallProfileValue.self).table?.rows.count,
        report?.facts ?? [], report?.notes ?? []
      )
    }
    let wrong = try await report("perp")
    #expect(wrong.rows == 0)
    #expect(
      wrong.notes.contains {
        $0.kind == .warning
          && $0.text.hasPrefix(
            "no wall in the component that field_direction names (perp, given), but 2 in the component across"
          )
      }, "\(wrong.notes)")
    #expect(!wrong.facts.contains { $0.key.hasSuffix("upper_limit") })
    let right = try await report("parallel")
    #expect(right.rows == 2 && !right.notes.contains { $0.text.contains("check field_direction") })
  }
}
