// dpc simulate --plan: the dose that it names does what it is named for, and nonsense is refused.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import PipelineManifest
import STEMCore
import TestText
import Testing

struct SimulationPlanTests {
  private static func manifest(
    _ walls: String, scan: String = "columns_px: 160, rows_px: 40, pixel_size_nm: 1.5"
  ) -> String {
    """
    schema: dpc-pipeline/1
    name: plan
    stages:
      walls: { uses: phantom-walls, with: { \(walls) } }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { \(scan) }
    results: [scan]
    """
  }

  private static let topView =
    "positions_nm: [0], field_V_per_m: 1e8, fwhm_nm: 20, thickness_nm: 60"
  private static let crossSection =
    "positions_nm: [0], field_V_per_m: 3e8, fwhm_nm: 20, thickness_nm: 60, inclination_deg: 45,"
    + " field_direction: parallel"

  private static func plan(_ manifest: String, sigmas: Double = 3) throws -> [String] {
    let graph = try ManifestReader.load(
      text: manifest, path: "test.yaml", catalog: .dpc, overrides: []
    ).graph
    return try SimulationPlan.plans(of: graph, sigmas: sigmas).flatMap(\.lines)
  }

  /// Electrons per pixel behind a phrase of the plan.
  private static func dose(_ lines: [String], _ phrase: String) throws -> Double {
    let line = try #require(lines.first { $0.contains(phrase) })
    let text = try #require(line.split(separator: ": ").last?.split(separator: " ").first)
    return try #require(Double(text))
  }

  /// Field over its error with the wall's shape held, for each of some scans at a dose.
  private static func significances(
    _ manifest: String, dose: Double, scans: Int
  ) async throws -> [Double] {
    let laboratory = try Laboratory()
    var found: [Double] = []
    for seed in 1...scans {
      let path = try await laboratory.file(
        manifest, set: ["scan.seed=\(seed)", "scan.electrons_per_pixel=\(dose)"])
      let value = try await laboratory.reconstruction(of: path)
        .value("field", as: ProjectedFieldValue.self)
      let map = try #require(value.meanField)
      let isInclined = manifest.contains("inclination_deg")
      let components = try wallComponents(
        of: map, normalAzimuth: 0,
        geometry: try InclinationGeometry(
          thickness: 60e-9, inclination: isInclined ? Double.pi / 4 : 0,
          direction: isInclined ? .parallel : .perp),
        walls: [
          WallShape(
            sechWidth: Measurement(20e-9 / InclinationGeometry.widthFactor), position: 0, sign: 1)
        ])
      let (amplitude, variance) =
        isInclined
        ? (components.across, components.covariance[0])
        : (components.along, components.covariance[3])
      found.append(amplitude / variance.squareRoot())
    }
    return found
  }

  @Test(
    "At the dose for 3 sigma, shape known, scans show 3 sigma on average and scatter by one",
    arguments: [topView, crossSection])
  func seen(walls: String) async throws {
    let manifest = Self.manifest(walls)
    let dose = try Self.dose(Self.plan(manifest), "seen at 3 sigma")
    let scans = 32
    let found = try await Self.significances(manifest, dose: dose, scans: scans)
    let mean = found.reduce(0, +) / Double(scans)
    let variance = found.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scans - 1)
    // The mean of 32 numbers of deviation one is known to 0.18, their variance to 25 %: three of these.
    // A factor 2 of the dose would make 4.2 or 2.1 of the 3.
    #expect(abs(mean - 3) < 0.54, "\(mean)")
    #expect(abs(variance - 1) < 0.76, "\(variance)")
  }

  @Test(
    "At the dose for a field of 8 sigma the fitted fields scatter by an eighth",
    arguments: [topView, crossSection])
  func measured(walls: String) async throws {
    let manifest = Self.manifest(walls)
    let dose = try Self.dose(Self.plan(manifest, sigmas: 8), "field measured to 8 sigma")
    let laboratory = try Laboratory()
    let truth = walls.contains("3e8") ? 3e8 : 1e8
    let scans = 24
    var (squares, stated) = (0.0, 0.0)
    for seed in 1...scans {
      let path = try await laboratory.file(
        manifest, set: ["scan.seed=\(seed)", "scan.electrons_per_pixel=\(dose)"])
      let value = try await laboratory.reconstruction(of: path, fitsWalls: true)
        .value("walls", as: WallsValue.self)
      #expect(value.table.rows.count == 1)
      let field = try #require(value.table.rows.first).wall.field
      squares += pow((field.value - truth) / (truth / 8), 2) / Double(scans)
      stated += field.value / (try #require(field.error)) / Double(scans)
    }
    // A variance of 24 numbers is known to 29 %: three of these, and a tenth for the fit's curvature.
    #expect(squares > 0.13 && squares < 2, "\(squares)")
    // Each stated error is known to some 15 %.
    #expect(abs(stated / 8 - 1) < 0.15, "\(stated)")
  }

  @Test(
    "The declared dose of a wave-optical pair: 11 % for the field and 14 % for the width, as an independent fit has"
  )
  func reference() throws {
    // Two walls of 3e8 V/m, 20 nm wide, 45° inclined in 60 nm, 24 × 320 pixels of 1 nm, 1e6 electrons.
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: Double.pi / 4, direction: .parallel)
    let plan = try wallPlan(
      of: WallExperiment(
        geometry: geometry, amplitude: 3e8, width: 20e-9, spacing: 1e-9, reach: -80e-9...240e-9,
        pixelsPerSample: 24,
        neighbors: [NeighboringWall(distance: 160e-9, relativeField: -1)]),
      fieldErrorOfOneElectron: 6480 / 60e-9)
    // Monte Carlo figures of two digits.
    #expect(abs(plan.fieldError / 1e3 / 3e8 / 0.11 - 1) < 0.1)
    #expect(abs(plan.widthError / 1e3 / 20e-9 / 0.14 - 1) < 0.15)
  }

  @Test("Overlapping neighbors share their signal, and need more")
  func neighbors() throws {
    func needed(_ positions: String) throws -> Double {
      try Self.dose(
        Self.plan(
          Self.manifest(Self.topView.changing("[0]", to: positions))),
        "field measured")
    }
    #expect(try needed("[-12, 12]") > 1.2 * needed("[-60, 60]"))
  }

  @Test("A wall near the rim has less of the profile than one in the middle, and needs more")
  func rim() throws {
    let middle = try Self.dose(Self.plan(Self.manifest(Self.topView)), "field measured")
    let near = try Self.topView.changing("[0]", to: "[116]")
    #expect(try Self.dose(Self.plan(Self.manifest(near)), "field measured") > 1.1 * middle)
  }

  @Test(
    "What cannot be planned is refused with what to do",
    arguments: [
      ("positions_nm: [0], field_V_per_m: 0, fwhm_nm: 20, thickness_nm: 60", "infinite dose"),
      (
        "positions_nm: [0], field_V_per_m: 1e8, fwhm_nm: 20, thickness_nm: 60, field_direction: parallel",
        "no component in the image"
      ),
      (
        "positions_nm: [500], field_V_per_m: 1e8, fwhm_nm: 20, thickness_nm: 60",
        "lies outside of the scan"
      ),
      (
        "positions_nm: [0], signs: [0], field_V_per_m: 1e8, fwhm_nm: 20, thickness_nm: 60",
        "all signs"
      ),
    ])
  func refused(walls: String, words: String) throws {
    let failure = #expect(throws: StageFailure.self) {
      try Self.plan(Self.manifest(walls))
    }
    #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "nothing")")
    #expect(failure?.remedy?.isEmpty == false)
  }

  @Test(
    "A length without its unit, a wall without a width and a negative thickness are mistakes of the manifest",
    arguments: [
      ("fwhm_nm", "fwhm"), ("fwhm_nm: 20, ", ""), ("[0]", "[]"),
      ("thickness_nm: 60", "thickness_nm: -60"),
    ])
  func units(right: String, wrong: String) throws {
    let walls = try Self.topView.changing(right, to: wrong)
    #expect(throws: (any Error).self) { try Self.plan(Self.manifest(walls)) }
  }
}
