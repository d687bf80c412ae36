// Parameters that cannot be followed, refused before anything is read: no file of these pipelines exists.
@testable import DPCStages
import Foundation
import Pipeline
import TestText
import Testing

struct ParameterProblemTests {
  private func chain(
    clean: String = "{}", steady: String = "{}", turned: String = "{}",
    turnedFrom: String = "steady"
  ) -> String {
    """
    schema: dpc-pipeline/1
    name: parameters
    inputs: { acquisition: none.h5 }
    stages:
      read: { uses: read-acquisition, with: { file: $acquisition } }
      clean: { uses: normalize-segments, from: read, with: \(clean) }
      tilt: { uses: deflection, from: clean }
      steady: { uses: remove-descan, from: tilt, with: \(steady) }
      angle: { uses: estimate-rotation, from: steady }
      turned: { uses: rotate-to-scan, from: \(turnedFrom), with: \(turned) }
    results: [turned]

    """
  }

  /// What is refused, in words.
  private func problem(_ manifest: String) async throws -> String {
    do {
      let outcome = try await Laboratory().run(manifest)
      return "ran, and \(outcome.report.failures.map(\.failure.message))"
    } catch { return "\(error)" }
  }

  @Test(
    "Regions are rectangles with a left before the right and a top above the bottom",
    arguments: [
      "regions_nm: [0, 0, 10]", "regions_nm: [10, 0, 5, 10]",
      "excluded_nm: [0, 9, 5, 9]", "excluded_nm: [0, 0, 5, 9, 1]",
    ])
  func regions(parameter: String) async throws {
    let words = try await problem(chain(steady: "{ method: fit-plane, \(parameter) }"))
    #expect(words.contains("_nm is no list of rectangles"), "\(words)")
  }

  /// Of one stage, whatever feeds it.
  private struct Faulty: Sendable, CustomTestStringConvertible {
    let parameters: String
    let words: String
    var testDescription: String { parameters }

    init(_ parameters: String, _ words: String) {
      (self.parameters, self.words) = (parameters, words)
    }
  }

  @Test(
    "A simulation is refused whose lists make no detector, no matrix and no tilts",
    arguments: [
      Faulty("ring_edges_mrad: [24, 12, 48]", "does not rise"),
      Faulty("ring_edges_mrad: [0, 48]", "bounds 1 rings, but ring_sectors [4, 4] is for 2"),
      Faulty("ring_edges_mrad: [0, 24, 48], ring_sectors: [4]", "is for 1"),
      Faulty("ring_sectors: [1.5, 4]", "ring_sectors lists 1.5, but sectors are whole"),
      Faulty(
        "ring_edges_mrad: [0, 1, 2, 3, 4, 5], ring_sectors: [64, 64, 64, 64, 64]",
        "a detector of 320 segments"),
      Faulty("segment_order: [0, 1, 2]", "does not list each of the segments 0 to 7 once"),
      Faulty("response: [1, 2]", "is no invertible 2×2 matrix"),
      Faulty("response: [1, 1, 1, 1]", "is no invertible 2×2 matrix"),
      Faulty("beam_tilts_mrad: [1, 2, 3]", "beam_tilts_mrad lists 3 numbers"),
      Faulty("beam_tilts_mrad: [0, 0, 1, 1], frames: 3", "4 numbers, and frames is 3"),
    ])
  private func simulation(_ faulty: Faulty) async throws {
    let words = try await problem(
      """
      schema: dpc-pipeline/1
      name: parameters
      stages:
        slab: { uses: phantom-uniform, with: { thickness_nm: 50 } }
        scan:
          uses: simulate-acquisition
          from: slab
          with: { columns_px: 12, rows_px: 10, pixel_size_nm: 1, \(faulty.parameters) }
      results: [scan]

      """)
    #expect(words.contains(faulty.words), "\(words)")
    #expect(words.contains("test.yaml:8:"), "\(words)")
  }

  @Test(
    "Directions that are none, half a view and half a cell are refused",
    arguments: [
      Faulty("beam_direction: '[1 0', wall_plane: (110)", "beam_direction is '[1 0'"),
      Faulty("beam_direction: '[10]', wall_plane: (110)", "beam_direction is '[10]'"),
      Faulty("beam_direction: '[100]'", "wall_plane is missing"),
      Faulty("lattice_nm: [1, 2]", "lattice_nm has 2 numbers"),
      Faulty("wall_plane: (110)", "beam_direction is missing"),
      Faulty("beam_direction: '[001]', wall_plane: (001)", "face-on"),
      Faulty(
        "beam_direction: '[100]', wall_plane: (110), lattice_nm: [1, 2]", "lattice_nm has 2"),
    ])
  private func crystal(_ faulty: Faulty) async throws {
    let manifest = try chain().changing(
      "results: [turned]",
      to: """
          field: { uses: electric-field, from: turned }
          own: { uses: correct-inclination, from: field, with: { model: finite-wall, \(faulty.parameters) } }
        results: [own]
        """)
    let words = try await problem(manifest)
    #expect(words.contains(faulty.words) && words.contains(":12:"), "\(words)")
  }

  @Test(
    "Gradients of strain are refused that are none, or not where their distances say",
    arguments: [
      Faulty("", "neither strain_gradient_per_m nor wall_strain"),
      Faulty(
        "strain_gradient_per_m: 1e6, wall_strain: 0.01",
        "both strain_gradient_per_m and wall_strain"),
      Faulty("strain_gradient_per_m: [1e6, 2e6]", "without distances"),
      Faulty(
        "strain_gradient_per_m: 1e6, distance_nm: [1, 2]",
        "distance_nm lists 2 numbers for 1 gradients"),
      Faulty("strain_gradient_per_m: [1e6, 2e6, 1e6], distance_nm: [3, 2, 1]", "do not ascend"),
      Faulty("strain_gradient_per_m: 0", "the gradient of strain is zero"),
    ])
  private func gradients(_ faulty: Faulty) async throws {
    let words = try await problem(estimate(coefficient: "-66", faulty.parameters))
    #expect(words.contains(faulty.words), "\(words)")
  }

  private func estimate(coefficient: String, _ parameters: String) -> String {
    """
    schema: dpc-pipeline/1
    name: parameters
    stages:
      expected:
        uses: flexoelectric-estimate
        with:
          { flexoelectric_coefficient_nC_per_m: \(coefficient), relative_permittivity: 5000, \(parameters) }
    results: [expected]

    """
  }

  @Test(
    "A flexoelectric coefficient is a number of either sign, not zero and not in another unit",
    arguments: [
      ("0", "nothing to estimate"), (".nan", "flexoelectric_coefficient_nC_per_m"),
      ("1e9", "from -10000000 to 10000000"), ("-.inf", "flexoelectric_coefficient_nC_per_m"),
    ])
  func coefficients(coefficient: String, words: String) async throws {
    let complaint = try await problem(
      estimate(coefficient: coefficient, "strain_gradient_per_m: 1e6"))
    #expect(complaint.contains(words) && complaint.contains(":7:"), "\(complaint)")
  }

  @Test("A region for the sign is a rectangle, and a statement of direction has one")
  func polarity() async throws {
    for (parameters, complaint, remedy) in [
      ("polarity: positive-charge, region_nm: [40, 20, 30, 50]", "not a rectangle", "left < right"),
      ("region_nm: [1, 2]", "region_nm is [1.0, 2.0], not a rectangle", "left < right"),
      ("polarity: field-towards", "needs direction_deg", "add direction_deg: ANGLE"),
    ] {
      let words = try await problem(
        chain().changing(
          "estimate-rotation, from: steady",
          to: "estimate-rotation, from: steady, with: { \(parameters) }"))
      #expect(words.contains(complaint) && words.contains(remedy), "\(words)")
    }
  }

  @Test("Nothing can be taken from a port that is not connected")
  func ports() async throws {
    for key in ["rotation_deg", "handedness"] {
      let alone = try await problem(chain(turned: "{ \(key): estimated }"))
      #expect(alone.contains("\(key) is to be estimated, and port rotation is not"), "\(alone)")
      let connected = try await problem(
        chain(
          turned: "{ \(key): estimated }",
          turnedFrom: "{ deflection: steady, rotation: angle }"))
      // Then the file is what is missing.
      #expect(connected.contains("none.h5") && !connected.contains("port rotation"), "\(connected)")
    }
    let gains = try await problem(chain(clean: "{ gain: calibration }"))
    #expect(gains.contains("port calibration is not connected"), "\(gains)")
  }
}
