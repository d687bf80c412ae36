// Refusals in the words and units of a user: the method asked for, degrees, and numbers that differ.
import DPCReconstruction
import STEMCore
import Testing

struct RefusalTextTests {
  private func detector(inner: Double = 0, outer: Double) -> SegmentedDetector {
    let quarter = Double.pi / 2
    return SegmentedDetector(
      segments: (0..<4).map {
        DetectorSegment(
          inner: inner, outer: outer, start: Double($0) * quarter, stop: Double($0 + 1) * quarter)
      }, orientation: 0)
  }

  @Test(
    "A detector as wide as the disc is told how far it must reach, for the method asked for",
    arguments: DeflectionMethod.allCases)
  func outerEdge(method: DeflectionMethod) throws {
    let error = try #require(throws: EstimatorError.self) {
      _ = try deflectionEstimator(method, detector: detector(outer: 0.024), probeSemiAngle: 0.024)
    }
    #expect(
      error.text(for: method).hasPrefix(
        "\(method.rawValue) needs detector all around the disc: it must reach 24.48 mrad, 2 % beyond the"
          + " disc of 24.0 mrad, and it ends at 24.0 mrad"), "\(error.text(for: method))")
  }

  @Test(
    "A hole as wide as the disc is told how far it may reach", arguments: DeflectionMethod.allCases)
  func hole(method: DeflectionMethod) throws {
    let error = try #require(throws: EstimatorError.self) {
      _ = try deflectionEstimator(
        method, detector: detector(inner: 0.024, outer: 0.048), probeSemiAngle: 0.024)
    }
    let text = error.text(for: method)
    #expect(text.hasPrefix("\(method.rawValue) needs the disc to cover the hole"), "\(text)")
    #expect(text.contains("may reach 23.52 mrad") && text.hasSuffix("reaches 24.0 mrad"), "\(text)")
  }

  @Test("Inclinations and azimuths of walls are told in degrees")
  func degrees() {
    let right = Double.pi / 2
    #expect(
      WallError.badInclination(right).description
        == "an inclination of 90° lies outside 0 to 90° (0 = edge-on)")
    #expect(WallError.badInclination(-0.3).description.hasPrefix("an inclination of -17.19° lies"))
    #expect(
      WallError.invisibleField(.normal, inclination: 0).description.contains(
        "at an inclination of 0°: its direction factor is zero"))
    #expect(WallError.badAzimuth(.nan).description == "nan° is no azimuth of a wall normal")
  }
}
