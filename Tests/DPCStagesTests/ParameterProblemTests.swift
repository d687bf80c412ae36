// Parameters that cannot be followed, refused before anything is read: no file of these pipelines exists.
@testable import DPCStages
import Foundation
import Pipeline
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
