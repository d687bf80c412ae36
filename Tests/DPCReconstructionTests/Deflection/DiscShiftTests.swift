// The disc-shift inverse against the independent forward model, in absolute angles.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct DiscShiftTests {
  private static let probe = 0.024
  private static let mrad = 1e-3

  /// Signals of a disc at (x, y) rad, one per segment, of one electron in all.
  private func signals(
    _ detector: SegmentedDetector, x: Double, y: Double, probe: Double = Self.probe
  ) -> [Double] {
    let disc = BrightFieldDisc(radius: probe)
    return detector.segments.map {
      disc.fraction(on: $0, orientation: detector.orientation, displacedBy: x, y)
    }
  }

  private func map(
    _ detector: SegmentedDetector, _ values: [Double], electrons: Double? = nil,
    probe: Double = Self.probe
  ) throws -> VectorMap {
    let shape = GridShape(rows: 1, columns: 1)
    let signals = SegmentSignals(
      shape: shape, segmentCount: values.count, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: electrons)
    return try DiscShiftEstimator(detector: detector, probeSemiAngle: probe)
      .deflection(of: signals, calibration: .identity, pixelSize: nil).map
  }

  @Test("The half-disc difference and its inverse agree to 1e-15")
  func inverse() {
    for step in -999...999 {
      let t = Double(step) / 1000
      let back = DiscShiftEstimator.shift(
        forHalfDifference: DiscShiftEstimator.halfDifference(t))
      // Near the rim the inverse's slope 1/√(1 - t²) magnifies the rounding of H.
      #expect(abs(back - t) < 2e-15 / (1 - t * t).squareRoot(), "t = \(t)")
    }
  }

  @Test("For small shifts the disc moves by 26.657 mrad times the summed sector vectors")
  func linearSlope() throws {
    // d = πα/(4 sin 45°) Σ q m with quadrants about the diagonals: q = (1 ± ε)/4.
    let detector = SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)])
    let epsilon = 1e-7
    let inner = [(1 + epsilon) / 4, (1 - epsilon) / 4, (1 - epsilon) / 4, (1 + epsilon) / 4]
    let result = try map(detector, inner + [0, 0, 0, 0])
    let expected = Double.pi * 0.024 / (4 * 0.5.squareRoot()) * epsilon * 0.5.squareRoot()
    #expect(abs(result.field.x[0] / expected - 1) < 1e-9)
    // Rounding of fractions near 1/4 leaves some 1e-17 of 24 mrad.
    #expect(abs(result.field.y[0]) < 1e-17)
    #expect(abs(Double.pi * 24 / (4 * 0.5.squareRoot()) - 26.657) < 1e-3)
  }

  @Test(
    "A shift is found to 1e-12 rad for 4, 8 and 16 segments, any orientation, rings unlike each other",
    arguments: [
      SegmentedDetector.annular(
        rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.5),
      SegmentedDetector.annular(
        rings: [(0, 0.012, 4), (0.012, 0.048, 4)], start: 0.2, orientation: -2),
      SegmentedDetector.annular(rings: [(0, 0.05, 4)]),
      SegmentedDetector.annular(rings: [(0, 0.05, 8)], orientation: 1),
      SegmentedDetector.annular(rings: [(0, 0.02, 4), (0.02, 0.05, 8)], orientation: 0.1),
      SegmentedDetector.annular(
        rings: [(0, 0.01, 4), (0.01, 0.02, 4), (0.02, 0.03, 4), (0.03, 0.05, 4)]),
      SegmentedDetector.annular(rings: [(0.005, 0.05, 4)], orientation: 0.3),
      SegmentedDetector.annular(rings: [(0, 0.05, 6)], orientation: 0.3),
    ])
  func recoversShift(detector: SegmentedDetector) throws {
    for (x, y) in [(0.3, 0.1), (-6, 2), (0, -10), (1e-4, 0), (9, 9)] {
      let result = try map(
        detector, signals(detector, x: x * Self.mrad, y: y * Self.mrad))
      #expect(abs(result.field.x[0] - x * Self.mrad) < 1e-12)
      #expect(abs(result.field.y[0] - y * Self.mrad) < 1e-12)
    }
  }

  @Test("Two exchanged segments give another answer: order is geometry's, not the index's")
  func orderMatters() throws {
    var detector = SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)])
    let values = signals(detector, x: 0.3e-3, y: 0.1e-3)
    let shuffled = [5, 0, 7, 2, 1, 4, 3, 6]
    let same = SegmentedDetector(
      segments: shuffled.map { detector.segments[$0] }, orientation: detector.orientation)
    let result = try map(same, shuffled.map { values[$0] })
    #expect(abs(result.field.x[0] - 0.3e-3) < 1e-12 && abs(result.field.y[0] - 0.1e-3) < 1e-12)
    detector.segments.swapAt(0, 1)
    let swapped = try map(detector, values)
    #expect(abs(swapped.field.x[0] - 0.3e-3) > 0.1e-3)
  }

  @Test("Counting noise of N electrons is πα/(4√N) per component, uncorrelated")
  func countingNoise() throws {
    let detector = SegmentedDetector.annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.7)
    let result = try map(detector, signals(detector, x: 0, y: 0), electrons: 1e6)
    let covariance = try #require(result.covariance)
    // Of N electrons and a centered one: (N + 1)²/(N³ + N² + N), 1/N to a part 1/N.
    let variance = (1e6 + 1) * (1e6 + 1) / (1e18 + 1e12 + 1e6)
    let expected = Double.pi * 0.024 / 4 * variance.squareRoot()
    #expect(abs(expected - 18.85e-6) < 1e-8)
    #expect(abs(covariance.xx[0].squareRoot() / expected - 1) < 1e-12)
    #expect(abs(covariance.yy[0].squareRoot() / expected - 1) < 1e-12)
    #expect(abs(covariance.xy[0]) < 1e-12 * covariance.xx[0])
  }

  @Test("The covariance is that of simulated counts, also far from the center and for 8 sectors")
  func covarianceByMonteCarlo() throws {
    let detector = SegmentedDetector.annular(rings: [(0, 0.05, 8)], orientation: 0.2)
    let mean = signals(detector, x: 8e-3, y: -3e-3).map { $0 * 2e4 }
    let columns = 4000
    let shape = GridShape(rows: 1, columns: columns)
    var values = [Double](repeating: 0, count: 8 * columns)
    var generator = SeededGenerator(seed: 11)
    for column in 0..<columns {
      for segment in 0..<8 {
        values[segment * columns + column] = generator.poisson(mean: mean[segment])
      }
    }
    let result = try DiscShiftEstimator(detector: detector, probeSemiAngle: 0.024)
      .deflection(
        of: SegmentSignals(
          shape: shape, segmentCount: 8, values: values, mask: PixelMask(shape: shape),
          electronsPerUnit: 1),
        calibration: .identity, pixelSize: nil
      ).map
    let covariance = try #require(result.covariance)
    func moment(_ a: [Double], _ b: [Double]) -> Double {
      let meanA = a.reduce(0, +) / Double(columns)
      let meanB = b.reduce(0, +) / Double(columns)
      return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(columns - 1)
    }
    // A variance of 4000 samples has a relative standard error of √(2/4000) = 2.2 %: four of them.
    let xx = moment(result.field.x, result.field.x)
    let yy = moment(result.field.y, result.field.y)
    let xy = moment(result.field.x, result.field.y)
    #expect(abs(xx / covariance.xx[0] - 1) < 0.09)
    #expect(abs(yy / covariance.yy[0] - 1) < 0.09)
    #expect(abs(xy - covariance.xy[0]) < 0.065 * (xx * yy).squareRoot())
  }

  @Test("Signals that no shifted disc gives are masked, not returned")
  func outsideModel() throws {
    let detector = SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)])
    for values in [[1.0, 0, 0, 1, 0, 0, 0, 0], [3, -1, -1, 3, 0, 0, 0, 0]] {
      let result = try map(detector, values)
      #expect(result.mask.bytes[0] == PixelFlags.outsideModel.rawValue)
      #expect(result.field.x[0] == 0)
    }
    let empty = try map(detector, [Double](repeating: 0, count: 8))
    #expect(empty.mask.bytes[0] == PixelFlags.noCounts.rawValue)
  }

  @Test("Geometries for which the method is wrong are refused with the reason")
  func refusals() {
    func message(_ detector: SegmentedDetector, probe: Double = 0.024) -> String {
      do {
        _ = try DiscShiftEstimator(detector: detector, probeSemiAngle: probe)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      message(.annular(rings: [(0, 0.024, 4)])).contains("it ends at 24.0 mrad"))
    let twisted =
      SegmentedDetector.annular(rings: [(0, 0.024, 4)]).segments
      + SegmentedDetector.annular(rings: [(0.024, 0.048, 4)], start: Double.pi / 4).segments
    #expect(
      message(SegmentedDetector(segments: twisted, orientation: 0)).contains(
        "the rings of 4 and 4 segments share 0"))
    #expect(message(.annular(rings: [(0, 0.05, 3)])).contains("share 0"))
    #expect(message(.annular(rings: [(0, 0.05, 2)])).contains("share 1"))
    #expect(message(.annular(rings: [(0.03, 0.05, 4)])).contains("hole"))
  }
}
