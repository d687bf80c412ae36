// The empty beam's disc off the detector's center.

import DPCReconstruction
import DPCSimulation
import Glibc
import STEMCore
import Testing

struct VacuumDiscOffsetTests {
  /// Areas of a disc on quadrants of two rings, by summing over a fine grid.
  private static func shares(_ x: Double, _ y: Double, start: Double) -> [Double] {
    var counts = [Double](repeating: 0, count: 8)
    let steps = 1200
    for row in 0..<steps {
      for column in 0..<steps {
        let u = (Double(column) + 0.5) / Double(steps) * 0.06 - 0.03
        let v = (Double(row) + 0.5) / Double(steps) * 0.06 - 0.03
        guard hypot(u - x, v - y) < 0.024 else { continue }
        let azimuth = atan2(v, u) - start
        let quadrant = Int((azimuth / (Double.pi / 2)).rounded(.down)) + 8
        counts[(hypot(u, v) < 0.024 ? 0 : 4) + quadrant % 4] += 1
      }
    }
    return counts
  }

  private static func metadata(_ detector: SegmentedDetector) -> AcquisitionMetadata {
    AcquisitionMetadata(
      frameCount: 1, shape: GridShape(rows: 1, columns: 1), pixelSize: nil,
      beam: ElectronBeam(voltage: 200_000), probeSemiAngle: 0.024, detector: detector,
      scanRotation: nil, signalUnit: .counts)
  }

  @Test("A ring in one piece or in two shows no direction", arguments: [1, 2])
  func fewSegments(count: Int) throws {
    var metadata = Self.metadata(
      .annular(
        rings: [(0, 0.024, 4), (0.024, 0.048, count)], start: 0, orientation: 0))
    metadata.references.vacuum = .single(
      [1e6, 1e6, 1e6, 1e6] + (0..<count).map { 2e4 + Double($0) })
    #expect(vacuumDiscOffset(of: metadata, dark: [Double](repeating: 0, count: 4 + count)) == nil)
  }

  @Test(
    "It is found to a tenth, whichever way it goes, and even light around the ring is none",
    arguments: [(0.001, 0.0003), (-0.002, 0.0015), (0, 0.0007), (0, 0)])
  func found(x: Double, y: Double) throws {
    for start in [0, -Double.pi / 4, 0.3] {
      let detector = SegmentedDetector.annular(
        rings: [(0, 0.024, 4), (0.024, 0.048, 4)], start: start, orientation: 0)
      let counts = Self.shares(x, y, start: start).enumerated().map { $1 + ($0 < 4 ? 70 : 5070) }
      var metadata = Self.metadata(detector)
      #expect(vacuumDiscOffset(of: metadata, dark: [Double](repeating: 70, count: 8)) == nil)
      metadata.references.vacuum = .single(counts)
      let offset = try #require(
        vacuumDiscOffset(of: metadata, dark: [Double](repeating: 70, count: 8)))
      // The light around the ring makes the sum larger by 4 %, second order in the shift up to 5 %.
      #expect(abs(offset - hypot(x, y)) < 0.1 * hypot(x, y) + 1e-5, "\(offset)")
    }
  }

  /// A disc of 24 mrad that is displaced by 0.3 mrad, some even light around it, and what the file may state of it.
  @Test(
    "A disc that reaches beyond what its stated semi-angle allows is told, scattering is not",
    arguments: [(12.0, true), (16, true), (22, true), (23.9, false), (24, false), (24.1, false)])
  func reach(stated: Double, isTold: Bool) {
    let detector = SegmentedDetector.annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], start: 0.3, orientation: 0.2)
    let rim = Self.shares(2e-4, -2e-4, start: 0.5)
    let counts = rim.enumerated().map { $1 + ($0 < 4 ? 70 : 570) }
    var metadata = Self.metadata(detector)
    metadata.probeSemiAngle = stated * 1e-3
    let dark = [Double](repeating: 70, count: 8)
    #expect(vacuumDiscReach(of: metadata, dark: dark) == nil)
    metadata.references.vacuum = .single(counts)
    #expect(vacuumDiscReach(of: metadata, dark: dark) == (isTold ? 0.024 : nil))
    // A small disc whose scattering, a tenth of it, lies evenly around; and one that is displaced so far.
    let scattered = [25_000, 25_100, 24_900, 25_000, 2500, 2400, 2600, 2500].map { $0 + 70.0 }
    metadata.references.vacuum = .single(scattered)
    #expect(vacuumDiscReach(of: metadata, dark: dark) == nil)
    metadata.references.vacuum = .single([60_070, 60_070, 1070, 1070, 8070, 6070, 70, 70])
    #expect(vacuumDiscReach(of: metadata, dark: dark) == nil)
  }
}
