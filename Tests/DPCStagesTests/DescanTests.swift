// remove-descan: regions, surfaces, and what is said of the field that goes with them.
import DPCReconstruction
import DPCSimulation
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

  /// Four quadrants of 1e6 electrons, on which the disc is shifted by 250 (s² - t²) and 250 st µrad in a scan of s and
  /// t from -1 to 1: to first order a shift of d moves d/(πα) of the disc from one quadrant to its neighbor.
  private func curvedScan(to path: String) throws {
    let shape = GridShape(rows: 60, columns: 80)
    var generator = SeededGenerator(seed: 3, path: [1])
    var numbers = [Double](repeating: 0, count: 4 * shape.count)
    for position in 0..<shape.count {
      let s = 2 * Double(position % 80) / 79 - 1
      let t = 2 * Double(position / 80) / 59 - 1
      let (x, y) = (250e-6 * (s * s - t * t), 250e-6 * s * t)
      for (segment, sign) in [(1.0, 1.0), (-1, 1), (-1, -1), (1, -1)].enumerated() {
        let part = 0.25 + (sign.0 * x + sign.1 * y) / (.pi * 24e-3)
        numbers[segment * shape.count + position] = generator.poisson(mean: 1e6 * part)
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], electronsPerPixel: 1e6, pixelSize: 2, frameCount: 1, shape: shape
    ).write(numbers, to: path)
  }

  // 250 µrad · √(8/45 + 1/9) = 134.4 µrad, by sums over 80 and 60 positions 1 to 3 % more.
  @Test(
    "A curved surface is told where none is taken off",
    arguments: [
      ("from-file", true), ("fit-plane", true), ("fit-quadratic", false), ("none", false),
    ])
  func curved(method: String, isTold: Bool) async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/curved.h5"
    try curvedScan(to: path)
    let notes = try #require(
      try await run(laboratory, path, with: "method: \(method)").report["steady"]
    ).notes
    let told = notes.filter { $0.text.contains("surface that is curved") }
    #expect(told.count == (isTold ? 1 : 0), "\(notes)")
    for note in told {
      #expect(note.kind == .warning)
      #expect(
        note.text.contains("curved by 134") && note.text.contains("method=fit-quadratic"),
        "\(note.text)")
    }
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
    let before = try outcome.value("tilt", as: DeflectionValue.self).context.commonErrors
    #expect(before.unstatedOffset?["gain"] != nil)
    #expect(value.context.commonErrors.unstatedOffset?["gain"] == nil)
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
