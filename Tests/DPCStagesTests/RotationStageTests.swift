// estimate-rotation and rotate-to-scan together, on simulated acquisitions that do not state their rotation.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct RotationStageTests {
  /// A positive charge (a hill of potential) left of the middle, a negative one right of it.
  private static func specimen(_ scan: String) -> String {
    """
    schema: dpc-pipeline/1
    name: charges
    stages:
      hill: { uses: phantom-gaussian, with: { amplitude_V_nm: 400, sigma_nm: 7, center_x_nm: -14, center_y_nm: 4 } }
      pit:  { uses: phantom-gaussian, from: hill, with: { amplitude_V_nm: -300, sigma_nm: 8, center_x_nm: 15, center_y_nm: -6 } }
      scan:
        uses: simulate-acquisition
        from: pit
        with: { \(scan), columns_px: 80, rows_px: 60, pixel_size_nm: 1, thickness_nm: 50, electrons_per_pixel: 1e6, states_scan_rotation: false }
    results: [scan]
    """
  }

  private static func reconstruction(_ path: String, _ estimate: String, _ aligned: String = "")
    -> String
  {
    """
    schema: dpc-pipeline/1
    name: turned
    inputs: { acquisition: \(path) }
    stages:
      frames:   { uses: read-acquisition, with: { file: $acquisition } }
      clean:    { uses: normalize-segments, from: frames }
      tilt:     { uses: deflection, from: clean }
      rotation: { uses: estimate-rotation, from: tilt\(estimate.isEmpty ? "" : ", with: { \(estimate) }") }
      aligned:  { uses: rotate-to-scan, from: { deflection: tilt, rotation: rotation }\(aligned) }
      field:    { uses: electric-field, from: aligned }
    results: [rotation, aligned]
    """
  }

  @Test("An unstated rotation is found within its error, and its sign left open and said so")
  func openSign() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.specimen("scan_rotation_deg: 52, seed: 4"))
    let outcome = try await laboratory.run(Self.reconstruction(path, ""))
    let value = try outcome.value("rotation", as: ScanRotationValue.self)
    let (angle, error) = (try #require(value.angle), try #require(value.error))
    #expect(abs(angle * 180 / Double.pi - 52) < 3 * error * 180 / Double.pi)
    #expect(error < 0.5 * Double.pi / 180 && !value.isSignKnown)
    let aligned = try outcome.value("aligned", as: DeflectionValue.self)
    #expect(aligned.context.attributes["sign"]?.hasPrefix("unresolved") == true)
    #expect(aligned.context.commonErrors.rotation == error)
    let notes = outcome.report["aligned"]?.notes.map(\.text) ?? []
    #expect(notes.contains { $0.hasPrefix("the sign of the field is unresolved") })
  }

  @Test(
    "What is known of the sign decides between an angle and its opposite",
    arguments: [
      ("polarity: positive-charge, region_nm: [14, 22, 38, 46]", 128.0),
      ("polarity: negative-charge, region_nm: [43, 12, 67, 36]", 128),
      ("polarity: positive-charge, region_nm: [43, 12, 67, 36]", -52),
      // Right of the hill and left of the pit the field points right.
      ("polarity: field-towards, direction_deg: 0, region_nm: [32, 20, 48, 40]", 128),
      ("polarity: thicker-towards, direction_deg: 180, region_nm: [32, 20, 48, 40]", 128),
    ])
  func knownSign(parameters: String, expected: Double) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.specimen("scan_rotation_deg: 128, seed: 5"))
    let value = try await laboratory.run(Self.reconstruction(path, parameters))
      .value("rotation", as: ScanRotationValue.self)
    #expect(value.isSignKnown && value.signStatement.hasPrefix("known"))
    let angle = try #require(value.angle) * 180 / Double.pi
    #expect(abs(angle - expected) < 2, "\(angle)")
  }

  @Test("Walls leave the rotation unresolved, and the stage that needs it says why")
  func walls() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      """
      schema: dpc-pipeline/1
      name: walls
      stages:
        walls: { uses: phantom-walls, with: { positions_nm: [-20, 20], field_V_per_m: 2e8, fwhm_nm: 10, thickness_nm: 60, normal_azimuth_deg: 20 } }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: 96, rows_px: 64, pixel_size_nm: 1, electrons_per_pixel: 1e7, states_scan_rotation: false }
      results: [scan]
      """)
    let outcome = try await laboratory.run(Self.reconstruction(path, ""))
    #expect(outcome.report["rotation"]?.succeeded == true)
    let failure = try #require(outcome.report["aligned"]?.failure)
    #expect(failure.category == .missingPrerequisite)
    #expect(failure.message.contains("curl minimization is meaningless for these data"))
    #expect(failure.remedy?.contains("aligned.rotation_deg=ANGLE") == true)
  }

  @Test("An empty scan in noise is unresolved; a given angle still counts")
  func noise() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      """
      schema: dpc-pipeline/1
      name: empty
      stages:
        nothing: { uses: phantom-uniform, with: { thickness_nm: 50 } }
        scan:
          uses: simulate-acquisition
          from: nothing
          with: { columns_px: 64, rows_px: 64, pixel_size_nm: 1, electrons_per_pixel: 1e5, states_scan_rotation: false }
      results: [scan]
      """)
    let outcome = try await laboratory.run(
      Self.reconstruction(path, "", ", with: { rotation_deg: 12 }"))
    let value = try outcome.value("rotation", as: ScanRotationValue.self)
    #expect(value.angle == nil && value.unresolvedBecause != nil)
    #expect(try outcome.value("aligned", as: DeflectionValue.self).frame == .scan)
  }
}
