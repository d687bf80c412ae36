// flexoelectric-estimate: published figures, measured walls beside them, and what is refused.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import TestText
import Testing

struct FlexoelectricStageTests {
  private let manifest = """
    schema: dpc-pipeline/1
    name: estimate
    stages:
      expected:
        uses: flexoelectric-estimate
        with:
          flexoelectric_coefficient_nC_per_m: -66
          relative_permittivity: 5000
          strain_gradient_per_m: 1e6
          stated_polarization_uC_per_cm2: 13
          thickness_nm: 50
          voltage_kV: 200
          semi_angle_mrad: 24
    results: [expected]

    """

  @Test("The shipped manifest: 1.49 MV/m, and a stated polarization that needs twice the gradient")
  func shipped() async throws {
    let path = ExampleData.folder.deletingLastPathComponent()
      .appending(path: "Pipelines/flexoelectric-estimate.yaml")
    let laboratory = try Laboratory()
    let outcome = try await laboratory.run(String(contentsOf: path, encoding: .utf8))
    let value = try outcome.value("expected", as: FlexoelectricValue.self)
    #expect(abs(value.estimate.field - 1.490820e6) < 10)
    #expect(abs(value.deflection(value.estimate.field) + 0.21685e-6) < 1e-10)
    let texts = outcome.report["expected"]?.facts.map(\.text) ?? []
    #expect(texts.contains { $0.contains("-6.6 µC/cm²") })
    #expect(texts.contains { $0.contains("1.97 times the one given: the stated figures disagree") })
    let group = try #require(ResultExport.group(of: value, stage: "expected"))
    #expect(group.quantity == "flexoelectric_estimate")
    let items = Dictionary(uniqueKeysWithValues: group.datasets.map { ($0.name, $0) })
    #expect(items["polarization"]?.unit == "C/m^2")
    #expect(items["stated_electrons_for_detection"] != nil)
    #expect(items["measured_field"] == nil)
  }

  @Test(
    "Every parameter changes the result",
    arguments: [
      "flexoelectric_coefficient_nC_per_m=66", "relative_permittivity=50",
      "strain_gradient_per_m=2e6", "stated_polarization_uC_per_cm2=6.6",
      "depolarization_factor=0.5", "thickness_nm=20", "projection_factor=0.5", "voltage_kV=300",
      "semi_angle_mrad=12", "sectors=8", "detection_sigmas=3",
    ])
  func parameters(setting: String) async throws {
    let laboratory = try Laboratory()
    let first = try await laboratory.run(manifest)
    let second = try await laboratory.run(manifest, set: ["expected.\(setting)"])
    let groups = try [first, second].map {
      String(
        describing: ResultExport.group(
          of: try $0.value("expected", as: FlexoelectricValue.self), stage: "expected"))
    }
    #expect(groups[0] != groups[1])
    #expect(first.report["expected"]?.key != second.report["expected"]?.key)
  }

  /// The example's cross-section on 32 rows: two walls, inclined by 45°.
  private static func crossSection(_ laboratory: Laboratory) async throws -> String {
    try await laboratory.file(
      try ExampleData.text("cross-section.yaml").changing(
        "cross-section:", to: "scan:"
      ).changing("results: [cross-section]", to: "results: [scan]"),
      set: ["scan.rows_px=32"])
  }

  @Test("Measured walls of 300 MV/m cannot be what 1.5 MV/m is said to explain")
  func besideWalls() async throws {
    let laboratory = try Laboratory()
    let acquisition = try await Self.crossSection(laboratory)
    let manifest =
      Laboratory.correctedChain(acquisition) + """
          walls: { uses: correct-inclination, from: field, with: { model: finite-wall } }
          expected:
            uses: flexoelectric-estimate
            from: walls
            with:
              flexoelectric_coefficient_nC_per_m: -66
              relative_permittivity: 5000
              wall_strain: 0.01
        results: [expected]

        """
    let outcome = try await laboratory.run(manifest)
    let value = try outcome.value("expected", as: FlexoelectricValue.self)
    #expect(value.wallCount == 2)
    #expect(value.experiment.thickness == 60e-9)
    #expect(value.experiment.semiAngle == 24e-3)
    // g P(0, d) with d = t sin a/w = 3.739: 0.7071 * tanh(d/2)/(d/2) = 0.361.
    #expect(abs(value.experiment.projectionFactor - 0.361) < 0.01)
    let measured = try #require(value.measured)
    #expect(abs(measured.value - 300e6) < 4 * (measured.error ?? 0))
    #expect((measured.error ?? 0) < 30e6)
    // ε/w = 0.01 * 1.7627/20 nm = 8.8e5 /m.
    #expect(abs(value.estimate.strainGradient / 8.81e5 - 1) < 0.1)
    #expect(value.profile?.gradient.count == 161)
    #expect(value.verdict.hasPrefix("cannot be what it is said to be"))

    func warnings(_ outcome: Laboratory.Outcome) -> [String] {
      (outcome.report["expected"]?.notes ?? []).filter { $0.kind == .warning }.map(\.text)
    }
    #expect(warnings(outcome).isEmpty)
    let other = try await laboratory.run(
      manifest,
      set: ["expected.voltage_kV=300", "expected.semi_angle_mrad=20", "expected.thickness_nm=55"])
    #expect(
      warnings(other) == [
        "voltage_kV 300 kV was given; the file states 200 kV",
        "semi_angle_mrad 20 mrad was given; the file states 24 mrad",
        "thickness_nm 55 nm was given; the walls were measured with 60 nm",
      ])
  }

  @Test(
    "What all walls share is in the mean as in each of them: no more, no less",
    arguments: [
      ("field.thickness_error_nm=6", ""), ("walls.inclination_error_deg=3", ""),
      ("field.thickness_error_nm=6", "walls.inclination_error_deg=3"),
    ])
  func sharedErrors(first: String, second: String) async throws {
    let laboratory = try Laboratory()
    let acquisition = try await Self.crossSection(laboratory)
    let chain =
      Laboratory.correctedChain(acquisition) + """
          walls: { uses: correct-inclination, from: field, with: { model: finite-wall } }
          expected:
            uses: flexoelectric-estimate
            from: { walls: walls }
            with: { flexoelectric_coefficient_nC_per_m: 33, relative_permittivity: 50, strain_gradient_per_m: 1e6 }
        results: [walls, expected]
        """
    let outcome = try await laboratory.run(chain, set: [first, second].filter { !$0.isEmpty })
    let walls = try outcome.value("walls", as: WallsValue.self).table.rows
    let mean = try #require(try outcome.value("expected", as: FlexoelectricValue.self).measured)
    let errors = walls.compactMap(\.wall.field.error)
    #expect(walls.count == 2 && errors.count == 2)
    let error = try #require(mean.error)
    // The walls' own noise is some tenth of these errors, and halved in variance by the mean.
    #expect(error <= (errors.max() ?? 0), "\(error) of \(errors)")
    #expect(error >= 0.9 * (errors.min() ?? 0), "\(error) of \(errors)")
  }

  @Test("What the walls are to tell is refused where there are none, with what to give")
  func withoutWalls() async throws {
    let laboratory = try Laboratory()
    let outcome = try await laboratory.run(manifest, set: ["expected.thickness_nm=from-walls"])
    let failure = try #require(outcome.report.failures.first?.failure)
    #expect(failure.message.contains("thickness_nm is from-walls"), "\(failure.message)")
    #expect(failure.remedy != nil)
  }
}
