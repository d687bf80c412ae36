// What makes a set of segments a detector.
import STEMCore
import Testing

struct SegmentedDetectorTests {
  private static let degree = Double.pi / 180

  private func segment(
    _ inner: Double, _ outer: Double, _ start: Double, _ stop: Double
  ) -> DetectorSegment {
    DetectorSegment(
      inner: inner * 1e-3, outer: outer * 1e-3, start: start * Self.degree,
      stop: stop * Self.degree)
  }

  private func quadrants(_ inner: Double, _ outer: Double, from start: Double) -> [DetectorSegment]
  {
    (0..<4).map { segment(inner, outer, start + 90 * Double($0), start + 90 * Double($0) + 90) }
  }

  @Test("Rings are found whatever the order of the segments and wherever azimuths begin")
  func ringsInAnyOrder() throws {
    let segments = quadrants(24, 48, from: -45) + quadrants(0, 24, from: 675)
    let rings = try SegmentedDetector(segments: segments, orientation: 0.3).rings()
    #expect(rings.map(\.segmentIndices.count) == [4, 4])
    #expect(rings[0].segmentIndices.allSatisfy { $0 >= 4 })
    #expect(rings[0].inner == 0 && rings[1].outer == 0.048)
  }

  @Test(
    "Azimuths in single precision, or rounded to a thousandth of a rad, close the ring",
    arguments: [0.0, -45, 10, -180])
  func rounded(start: Double) throws {
    func detector(_ round: (Double) -> Double) -> SegmentedDetector {
      let segments = (quadrants(0, 24, from: start) + quadrants(24, 48, from: start)).map {
        var segment = $0
        (segment.start, segment.stop) = (round($0.start), round($0.stop))
        return segment
      }
      return SegmentedDetector(segments: segments, orientation: 0)
    }
    for rounded in [
      detector { Double(Float($0)) }, detector { ($0 * 1000).rounded() / 1000 },
    ] {
      #expect(try rounded.rings().map(\.segmentIndices.count) == [4, 4])
    }
    #expect(throws: DetectorGeometryError.self) {
      try detector { ($0 * 100).rounded(.down) / 100 }.rings()
    }
  }

  @Test("The area of a quadrant from 0 to 24 mrad is π/4 (24 mrad)²")
  func area() {
    #expect(abs(segment(0, 24, 0, 90).area - Double.pi / 4 * 0.024 * 0.024) < 1e-18)
  }

  @Test("A missing segment leaves a gap, which is named")
  func gap() {
    var segments = quadrants(0, 24, from: 0)
    segments.remove(at: 2)
    let error = #expect(throws: DetectorGeometryError.self) {
      try SegmentedDetector(segments: segments, orientation: 0).rings()
    }
    #expect(error?.description == "no segment covers the azimuths from 180.0° to 270.0°")
  }

  @Test("An azimuth counted twice is an overlap")
  func overlap() {
    var segments = quadrants(0, 24, from: 0)
    segments[1].stop += 10 * Self.degree
    let error = #expect(throws: DetectorGeometryError.self) {
      try SegmentedDetector(segments: segments, orientation: 0).rings()
    }
    #expect(error?.description == "segments 1 and 2 overlap")
  }

  @Test("Rings that overlap, or leave a gap between them, are refused")
  func ringsApart() {
    for (inner, words) in [(20.0, "overlap"), (30.0, "no segment covers the angles")] {
      let detector = SegmentedDetector(
        segments: quadrants(0, 24, from: 0) + quadrants(inner, 48, from: 0), orientation: 0)
      let error = #expect(throws: DetectorGeometryError.self) { try detector.rings() }
      #expect(error?.description.contains(words) == true)
    }
  }

  @Test("Absurd radii and azimuths are refused")
  func absurd() {
    for bad in [
      segment(24, 24, 0, 90), segment(-1, 24, 0, 90), segment(0, 24, 90, 90),
      segment(0, 24, 0, 400), segment(.nan, 24, 0, 90),
    ] {
      #expect(throws: DetectorGeometryError.self) {
        try SegmentedDetector(segments: [bad], orientation: 0).rings()
      }
    }
  }
}
