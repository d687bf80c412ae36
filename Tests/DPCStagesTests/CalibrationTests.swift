// Calibrations as stages: what they leave, how they are used, and what they refuse.
import DPCReconstruction
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct CalibrationTests {
  /// A simulation of an empty beam, or of a uniform field of 1e8 V/m over 50 nm, on 24-48 mrad rings.
  private func simulation(_ parameters: String, field: Double = 0) -> String {
    """
    schema: dpc-pipeline/1
    name: simulation
    stages:
      slab: { uses: phantom-uniform, with: { field_x_V_per_m: \(field), thickness_nm: 50 } }
      scan:
        uses: simulate-acquisition
        from: slab
        with: { columns_px: 20, rows_px: 16, pixel_size_nm: 2, thickness_nm: 50, \(parameters) }
    results: [scan]

    """
  }

  private func pipeline(_ inputs: [String: String], _ stages: String, results: String) -> String {
    let files = inputs.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return """
      schema: dpc-pipeline/1
      name: calibration
      inputs: { \(files.joined(separator: ", ")) }
      stages:
      \(stages)
      results: [\(results)]

      """
  }

  /// From a file to its field.
  ///
  /// - Parameter gain: As normalize-segments takes it.
  private func reconstruction(
    _ laboratory: Laboratory, _ file: String, gain: String = "from-file"
  ) async throws -> Laboratory.Outcome {
    try await laboratory.run(
      pipeline(
        ["acquisition": file],
        """
          read: { uses: read-acquisition, with: { file: $acquisition } }
          clean: { uses: normalize-segments, from: read, with: { gain: \(gain) } }
          tilt: { uses: deflection, from: clean }
          steady: { uses: remove-descan, from: tilt }
          turned: { uses: rotate-to-scan, from: steady }
          field: { uses: electric-field, from: turned }
        """, results: "field"))
  }

  private static let tilts = "beam_tilts_mrad: [0, 0, 1, 0, -1, 0, 0, 1, 0, -1]"

  @Test func gainsCenterAndSemiAngleOfAFile() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(
      simulation(
        "semi_angle_mrad: 27, gain_error_percent: 12, references: [flat, vacuum, dark], unit: counts,"
          + " dark_counts: 50, counts_per_electron: 4, descan_x_urad: 900, descan_y_urad: -400,"
          + " orientation_deg: 20, states_exposures: true"))
    let outcome = try await laboratory.run(
      pipeline(
        ["acquisition": file],
        """
          read: { uses: read-acquisition, with: { file: $acquisition } }
          calibrated: { uses: calibrate-detector, from: read }
        """, results: "calibrated"))
    let value = try outcome.value("calibrated", as: DetectorCalibrationValue.self)
    let x = try #require(value.calibration.discCenterX)
    let y = try #require(value.calibration.discCenterY)
    let alpha = try #require(value.calibration.probeSemiAngle)
    // Four standard errors each, none of which may be wide.
    #expect(abs(x.value - 0.9e-3) < 4 * (try #require(x.error)) && (x.error ?? 1) < 10e-6)
    #expect(abs(y.value + 0.4e-3) < 4 * (try #require(y.error)))
    #expect(
      abs(alpha.value - 27e-3) < 4 * (try #require(alpha.error)) && (alpha.error ?? 1) < 10e-6)
    #expect(value.notDetermined.keys.sorted() == ["orientation"])
    let group = value.group("calibrated")
    #expect(group.quantity == "detector_calibration")
    let names = group.datasets.map(\.name)
    for name in ["gain", "disc_center_x", "disc_center_y", "probe_semi_angle"] {
      #expect(names.contains(name) && names.contains(name + "_errors"))
    }
    #expect(!names.contains("orientation"))
    #expect(group.attributes["not_determined_orientation"] != nil)
    #expect(group.attributes["field_error_from_gain_V_per_m"] != nil)
  }

  @Test func anInnerRingAloneLeavesNothingButReasons() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(
      simulation("gain_error_percent: 12, references: vacuum, states_exposures: true"))
    let stages = """
        read: { uses: read-acquisition, with: { file: $acquisition } }
        calibrated: { uses: calibrate-detector, from: read }
        clean: { uses: normalize-segments, from: { acquisition: read, calibration: calibrated } }
        tilt: { uses: deflection, from: clean }
      """
    let outcome = try await laboratory.run(
      pipeline(["acquisition": file], stages, results: "calibrated, tilt"))
    let value = try outcome.value("calibrated", as: DetectorCalibrationValue.self)
    #expect(value.notDetermined.count == 4)
    #expect(value.group("calibrated").datasets.isEmpty)
    // Nothing determined: the file's own reference is used as without the calibration.
    let tilt = try outcome.value("tilt", as: DeflectionValue.self)
    #expect(tilt.context.attributes["gain_source"] == "vacuum")
    let centered = try await laboratory.run(
      pipeline(["acquisition": file], stages, results: "calibrated, tilt"),
      set: ["calibrated.assumption=centered-disc"])
    let gains = try centered.value("calibrated", as: DetectorCalibrationValue.self).calibration.gain
    #expect(gains.map { $0 == nil } == [false, false, false, false, true, true, true, true])
    let calibrated = try centered.value("tilt", as: DeflectionValue.self)
    #expect(calibrated.context.attributes["gain_source"] == "calibration")
    #expect(calibrated.context.commonErrors.offset["gain"] != nil)
  }

  /// The errors of gains from a flat of one exposure make a constant deflection error of its noise:
  /// π α/(4 √N) with N electrons on the lit segments of the flat: πα/4 √(Σ q²/n), q = 1/4 of the beam on
  /// each inner segment, n = 1e4/16 electrons of the flat there.
  @Test func gainsFromAFlatCauseAnOffset() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(
      simulation(
        "electrons_per_pixel: 10000, references: flat, reference_exposures: 1,"
          + " states_exposures: true, noise: none"))
    let outcome = try await laboratory.run(
      pipeline(
        ["acquisition": file],
        """
          read: { uses: read-acquisition, with: { file: $acquisition } }
          clean: { uses: normalize-segments, from: read }
          tilt: { uses: deflection, from: clean }
        """, results: "tilt"))
    let errors = try outcome.value("tilt", as: DeflectionValue.self).context.commonErrors
    let error = try #require(errors.offset["gain"])
    let expected = Double.pi * 24e-3 / 4 * (4 * (1.0 / 16) / (1e4 / 16)).squareRoot()
    #expect(abs(error / expected - 1) < 1e-3, "\(error) \(expected)")
    // The scale: what a shift moves leaves the two inner segments behind the disc, a half each, and enters the two
    // outer ones before it, three times as large. Beside a quarter of the beam on each inner one, two inner and two
    // outer gains change the scale by a quarter of their errors; the shift is a hundredth of α.
    let scale = try #require(errors.scale["gain"])
    let ofScale = ((2.0 / (1e4 / 16) + 2.0 / (3e4 / 16)) / 16).squareRoot()
    #expect(abs(scale / ofScale - 1) < 0.02, "\(scale) \(ofScale)")
  }

  /// A flat of one exposure leaves the zero uncertain by πα/4 √(4/N), twice the noise of one position of N electrons
  /// and 36 times that of the mean of 320. An empty beam is no field for it.
  @Test func aNoisyReferenceMakesNoField() async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(
      simulation(
        "electrons_per_pixel: 100000, references: [flat], reference_exposures: 1,"
          + " states_exposures: true, seed: 4"))
    let outcome = try await reconstruction(laboratory, file)
    let facts = try #require(outcome.report["field"]).facts
    let zero = try #require(facts.first { $0.key == "offset_error" }?.value)
    let pixel = try #require(facts.first { $0.key == "detection_limit" }?.value) / 5
    #expect(abs(zero / (2 * pixel) - 1) < 0.02, "\(zero) \(pixel)")
    let field = try #require(
      try outcome.value("field", as: ProjectedFieldValue.self).meanField
    ).field
    let mean = hypot(field.x.reduce(0, +) / 320, field.y.reduce(0, +) / 320)
    // Far beyond counting noise.
    #expect(mean > 10 * pixel / 320.0.squareRoot(), "\(mean) \(pixel)")
    let verdict = try #require(facts.first { $0.key == "verdict" })
    #expect(verdict.text.hasPrefix("nothing detected"), "\(verdict.text)")
  }

  /// The same flat without its exposures is taken for exact, and detects a constant of some 20 of the mean's errors: that
  /// a single exposure would do as much is told. Of a field that is no constant it is not, nor where the flat is known.
  @Test(arguments: [(false, 0.0, true), (true, 0, false), (false, 1e10, false)])
  func anUnstatedReference(isStated: Bool, field: Double, isTold: Bool) async throws {
    let laboratory = try Laboratory()
    let file = try await laboratory.file(
      simulation(
        "electrons_per_pixel: 100000, references: [flat], reference_exposures: 1,"
          + " states_exposures: \(isStated), seed: 4", field: field))
    let outcome = try await reconstruction(laboratory, file)
    let report = try #require(outcome.report["field"])
    let verdict = try #require(report.facts.first { $0.key == "verdict" })
    #expect(verdict.text.hasPrefix("signal detected") != isStated, "\(verdict.text)")
    // πα/4 √(4/N) = 119.2 µrad at N = 1e5, times 343741 V, over 50 nm: 819.5 MV/m. The signals' own noise is in it.
    let told = report.notes.filter { $0.kind == .warning }.map(\.text)
    #expect(told.count == (isTold ? 1 : 0), "\(told)")
    for text in told {
      #expect(
        text.hasPrefix("what is detected is a constant") && text.contains("one of 8"), "\(text)")
    }
    let errors = try outcome.value("field", as: ProjectedFieldValue.self).context.commonErrors
    let (unstated, stated) = (errors.unstatedOffset?["gain"], errors.offset["gain"])
    #expect((unstated == nil) == isStated && (stated == nil) != isStated)
    // As the same constant of the projected field, V.
    let zero = try #require(unstated ?? stated)
    if field == 0 { #expect(abs(zero / (119.2e-6 * 343_741) - 1) < 0.02, "\(zero) V") }
  }

  /// A vacuum reference of one exposure of N electrons leaves the zero uncertain by πα/4 √(1/N), whatever the gains
  /// were taken from: 59.6 µrad at N = 1e5, times 343741 V over 50 nm 0.41 GV/m.
  @Test(arguments: ["none", "from-file"])
  func anUnstatedVacuum(gain: String) async throws {
    let laboratory = try Laboratory()
    for isStated in [false, true] {
      let file = try await laboratory.file(
        simulation(
          "electrons_per_pixel: 100000, references: [vacuum], reference_exposures: 1,"
            + " states_exposures: \(isStated), seed: 7"))
      let outcome = try await reconstruction(laboratory, file, gain: gain)
      let report = try #require(outcome.report["field"])
      let told = report.notes.filter { $0.text.hasPrefix("what is detected is a constant") }
      #expect(told.count == (isStated ? 0 : 1), "\(report.notes)")
      for note in told {
        // 409.8 MV/m by the formula.
        #expect(
          note.text.contains("a vacuum reference of a single exposure would make one of 4"),
          "\(note.text)")
      }
      let errors = try outcome.value("field", as: ProjectedFieldValue.self).context.commonErrors
      let (kept, other) = (errors.unstatedOffset?["descan"], errors.offset["descan"])
      let error = try #require(isStated ? other : kept)
      #expect((isStated ? kept : other) == nil)
      let expected = Double.pi * 24e-3 / 4 * (1.0 / 1e5).squareRoot() * 343_741
      #expect(abs(error / expected - 1) < 0.02, "\(error) \(expected)")
    }
  }

  /// A response of 0.93 is undone by C: the field of 1e8 V/m over 50 nm is 5 V again, at N = 1e6 and 320
  /// pixels to 1e-3 by the calibration and 6480/√(1e6 · 320) V = 0.36 V by counting.
  @Test func tiltsCalibrateTheField() async throws {
    let laboratory = try Laboratory()
    let response = "response: [0.93, 0.04, -0.05, 0.95]"
    let series = try await laboratory.file(simulation("\(Self.tilts), \(response)"))
    let file = try await laboratory.file(
      simulation("\(response), noise: none", field: 1e8))
    let outcome = try await laboratory.run(
      pipeline(
        ["series": series, "acquisition": file],
        """
          tilted: { uses: read-acquisition, with: { file: $series } }
          steps: { uses: normalize-segments, from: tilted }
          calibration: { uses: calibrate-deflection, from: steps }
          read: { uses: read-acquisition, with: { file: $acquisition } }
          clean: { uses: normalize-segments, from: { acquisition: read, tilt-calibration: calibration } }
          tilt: { uses: deflection, from: clean }
          turned: { uses: rotate-to-scan, from: tilt }
          field: { uses: electric-field, from: turned }
        """, results: "calibration, tilt, field"))
    let calibration = try outcome.value("calibration", as: DeflectionCalibrationValue.self)
    // The inverse of the response: determinant 0.93 · 0.95 + 0.05 · 0.04.
    let determinant = 0.93 * 0.95 + 0.05 * 0.04
    let matrix = calibration.calibration.matrix
    #expect(abs(matrix.xx - 0.95 / determinant) < 3e-3)
    #expect(abs(matrix.xy + 0.04 / determinant) < 3e-3)
    #expect(abs(matrix.yx - 0.05 / determinant) < 3e-3)
    #expect(abs(calibration.calibration.scale.value - 1 / determinant.squareRoot()) < 3e-3)
    let field = try outcome.value("field", as: ProjectedFieldValue.self).map.field
    #expect(abs(field.x[100] - 5) < 0.02 && abs(field.y[100]) < 0.02)
    let tilt = try outcome.value("tilt", as: DeflectionValue.self)
    // Shears are as uncertain as scale and turn: what a run states covers each element of C.
    let scale = try #require(tilt.context.commonErrors.scale["deflection_calibration"])
    let rotation = try #require(tilt.context.commonErrors.rotation)
    for element in 0..<4 {
      let error = calibration.calibration.covariance[5 * element].squareRoot()
      let part = error / calibration.calibration.scale.value
      #expect(scale >= part * (1 - 1e-9) && rotation >= part * (1 - 1e-9))
      #expect(scale < 2 * part && rotation < 2 * part)
    }
    let notes = outcome.report["tilt"]?.notes ?? []
    #expect(notes.contains { $0.kind == .assumption && $0.text.hasPrefix("deflections are multi") })
    let group = calibration.group("calibration")
    #expect(group.quantity == "deflection_calibration")
    #expect(group.datasets.map(\.name).contains("deflection_calibration_errors"))
  }

  @Test func aSeriesIsNeitherAveragedNorGuessed() async throws {
    let laboratory = try Laboratory()
    let series = try await laboratory.file(simulation(Self.tilts))
    let averaged = try await laboratory.run(
      pipeline(
        ["series": series],
        """
          read: { uses: read-acquisition, with: { file: $series } }
          clean: { uses: normalize-segments, from: read }
          mean: { uses: average-frames, from: clean }
        """, results: "mean"))
    #expect(averaged.report.failures.first?.failure.message.contains("beam tilts") == true)
    let plain = try await laboratory.file(simulation("frames: 3"))
    let refused = try await laboratory.run(
      pipeline(
        ["series": plain],
        """
          read: { uses: read-acquisition, with: { file: $series } }
          clean: { uses: normalize-segments, from: read }
          calibration: { uses: calibrate-deflection, from: clean }
        """, results: "calibration"))
    #expect(refused.report.failures.first?.failure.category == .missingPrerequisite)
  }

  @Test func storedValuesComeBackEqual() async throws {
    let laboratory = try Laboratory()
    let series = try await laboratory.file(simulation(Self.tilts))
    let manifest = pipeline(
      ["series": series],
      """
        read: { uses: read-acquisition, with: { file: $series } }
        clean: { uses: normalize-segments, from: read }
        calibration: { uses: calibrate-deflection, from: clean }
      """, results: "calibration")
    let first = try await laboratory.run(manifest)
    let second = try await laboratory.run(manifest)
    let (a, b) = (
      try first.value("calibration", as: DeflectionCalibrationValue.self),
      try second.value("calibration", as: DeflectionCalibrationValue.self)
    )
    #expect(a.calibration == b.calibration && a.context == b.context)
  }

  @Test(
    "A calibration that no detector's geometry asks for is told by a warning",
    arguments: [(100.0, "multiplied by 100 "), (-1, "multiplied by 1, reversed")])
  func implausible(calibration: Double, words: String) async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/calibrated.h5"
    let shape = GridShape(rows: 12, columns: 12)
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], calibration: calibration, frameCount: 1, shape: shape
    ).write([Float](repeating: 1000, count: 4 * shape.count), to: path)
    let report = try await laboratory.run(Laboratory.fieldChain(path) + "results: [tilt]\n").report
    let notes = report["tilt"]?.notes ?? []
    #expect(notes.contains { $0.kind == .warning && $0.text.contains(words) }, "\(notes)")
  }
}
