// remove-descan: regions, surfaces, and what is said of the field that goes with them.
import DPCReconstruction
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct DescanTests {
  /// A wall in the middle of 40 × 30 pixels of 1 nm, descan of 300 µrad and 2 µrad/nm.
  private func simulation(_ parameters: String = "") -> String {
    """
    schema: dpc-pipeline/1
    name: simulation
    stages:
      wall:
        uses: phantom-walls
        with: { positions_nm: [0], field_V_per_m: 5.0e8, fwhm_nm: 6, thickness_nm: 50 }
      scan:
        uses: simulate-acquisition
        from: wall
        with:
          { columns_px: 40, rows_px: 30, pixel_size_nm: 1, descan_x_urad: 300, descan_y_urad: -200,
            descan_x_along_x_urad_per_nm: 2, descan_y_along_y_urad_per_nm: -1\(parameters) }
    results: [scan]

    """
  }

  private func run(
    _ laboratory: Laboratory, _ file: String, with parameters: String
  ) async throws -> Laboratory.Outcome {
    try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: descan
      inputs: { acquisition: \(file) }
      stages:
        read: { uses: read-acquisition, with: { file: $acquisition } }
        clean: { uses: normalize-segments, from: read }
        tilt: { uses: deflection, from: clean }
        steady: { uses: remove-descan, from: tilt, with: { \(parameters) } }
      results: [steady]

      """)
  }

  /// Outside the wall nothing is left, up to the tail of sech² 14 nm off (4 e^(-2·14/3.4) of 73 µrad)
  /// and the statistical error: 18.85 µrad per pixel over 16 · 30 pixels twice.
  @Test(arguments: ["fit-plane", "fit-quadratic"])
  func regionsKeepTheWall(method: String) async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(simulation())
    let outcome = try await run(
      laboratory, file,
      with: "method: \(method), excluded_nm: [10, 0, 30, 100]")
    let value = try outcome.value("steady", as: DeflectionValue.self)
    let surface = try #require(value.removed)
    let error = try #require(surface.error(s: 0, t: 0))
    let center = surface.value(s: 0, t: 0)
    #expect(abs(center.x - 300e-6) < 4 * error && abs(center.y + 200e-6) < 4 * error)
    #expect(abs(surface.x[1] - 2e-6 * 19.5) < 6e-6 && abs(surface.y[2] + 1e-6 * 14.5) < 6e-6)
    #expect(value.context.commonErrors.offset["descan"] != nil)
    #expect(value.context.attributes["removed_field"]?.contains("V/m") == true)
    #expect(value.context.attributes["removed_descan_covariance"] != nil)
    // The first ten columns hold no wall: 300 values of 18.85 µrad, their mean within four errors of it.
    let left = (0..<value.map.shape.count).filter { $0 % 40 < 10 }
    for values in [value.map.field.x, value.map.field.y] {
      let mean = left.reduce(0) { $0 + values[$1] } / Double(left.count)
      #expect(abs(mean) < 4 * (18.85e-6 / 300.0.squareRoot() + error))
    }
    let names = value.group("steady").datasets.map(\.name)
    #expect(names.contains("descan_x") && names.contains("descan_y_errors"))
    // 360.6 µrad · 343741 V / 50 nm.
    let notes = try #require(outcome.report["steady"]).notes
    #expect(notes.contains { $0.kind == .warning && $0.text.contains("cannot be told") })
  }

  @Test("Without a reference it says what may be descan, how strong that is, and what takes it off")
  func withoutReference() async throws {
    let laboratory = try Laboratory()
    func notes(_ descan: Double, _ method: String) async throws -> [Note] {
      let file = try await laboratory.file(
        simulation(), set: ["scan.descan_x_urad=\(descan)"])
      let outcome = try await run(laboratory, file, with: "method: \(method)")
      return try #require(outcome.report["steady"]).notes
    }
    // Planes of 2 and 1 µrad per nm over 40 and 30 nm have √(23.1² + 8.7²) µrad, their center 361 µrad; the
    // wall's 72.7 µrad on a fifth of the frame make some 30 µrad.
    let strong = try #require(try await notes(300, "from-file").first)
    #expect(strong.kind == .warning, "\(strong)")
    for words in ["lies a plane of 36", "µrad root mean square", "method=fit-plane removes it"] {
      #expect(strong.text.contains(words), "\(strong.text)")
    }
    let asked = try await notes(300, "none")
    #expect(asked.map(\.kind) == [.assumption] && !asked[0].text.contains("fit-plane"))
  }

  @Test func aVacuumScanKeepsTheUniformField() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(simulation(", references: [flat, vacuum-scan]"))
    let outcome = try await run(laboratory, file, with: "method: from-file")
    let value = try outcome.value("steady", as: DeflectionValue.self)
    let removed = try #require(value.removed)
    #expect(removed.degree == .plane)
    #expect(value.context.attributes["removed_descan_test"]?.hasSuffix("plane suffices") == true)
    // Subtracting a vacuum of the same gains takes their offset with it.
    #expect(value.context.commonErrors.offset["gain"] == nil)
    let quadratic = try await run(
      laboratory, file, with: "method: vacuum, vacuum_surface: quadratic")
    #expect(
      try quadratic.value("steady", as: DeflectionValue.self).removed?.degree == .quadratic)
  }

  @Test(arguments: [
    "regions_nm: [0.2, 0, 0.3, 100]", "excluded_nm: [0, 0, 100, 100]",
  ])
  func regionsThatAreNoneAreRefused(parameters: String) async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(simulation())
    let outcome = try await run(laboratory, file, with: "method: fit-plane, \(parameters)")
    let failure = try #require(outcome.report.failures.first?.failure)
    #expect(failure.message.contains("steady") && failure.remedy != nil)
  }

  /// Each of these changes what is removed.
  @Test func parametersMatter() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(simulation())
    var seen: [[Double]] = []
    for parameters in [
      "method: fit-plane", "method: fit-plane, weights: equal", "method: fit-quadratic",
      "method: fit-plane, regions_nm: [0, 0, 9, 100]",
      "method: fit-plane, excluded_nm: [10, 0, 30, 100]", "method: none",
    ] {
      let value = try await run(laboratory, file, with: parameters)
        .value("steady", as: DeflectionValue.self)
      #expect(!seen.contains(value.map.field.x))
      seen.append(value.map.field.x)
    }
  }
}
