// The kernel of the disc-shift inverse: the same bits at every width of vectors, and no position passed over.
import DPCSimulation
import STEMCore
import Testing

@testable import DPCReconstruction

struct DiscShiftKernelTests {
  private static let detectors = [
    SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.4),
    SegmentedDetector.annular(rings: [(0, 0.05, 4)]),
    SegmentedDetector.annular(rings: [(0, 0.05, 6)], orientation: -0.3),
    SegmentedDetector.annular(
      rings: [(0.004, 0.012, 8), (0.012, 0.024, 8), (0.024, 0.05, 8)], orientation: 1),
  ]
  private static let calibration = Matrix2(xx: 1.1, xy: 0.2, yx: -0.3, yy: 0.9)

  /// Counts of a shifted disc; some positions without counts, far from the center, or with a number missing.
  private func signals(_ detector: SegmentedDetector, _ shape: GridShape) -> SegmentSignals {
    let count = detector.segments.count
    var generator = SeededGenerator(seed: 5)
    var values = [Double](repeating: 0, count: count * shape.count)
    for position in 0..<shape.count {
      // Every 37th lies beyond the series, and every 41st beyond the detector.
      let shift = position % 37 == 0 ? 0.013 : 0.002
      let disc = BrightFieldDisc(radius: 0.024)
      for segment in 0..<count {
        let part = disc.fraction(
          on: detector.segments[segment], orientation: detector.orientation,
          displacedBy: shift, -shift / 2)
        values[segment * shape.count + position] = generator.poisson(mean: 3000 * part)
      }
      if position % 41 == 0 { values[position] = 1e5 }
      if position % 43 == 0 {
        for segment in 0..<count { values[segment * shape.count + position] = 0 }
      }
      if position % 53 == 0 { values[position] = -1e6 }
    }
    return SegmentSignals(
      shape: shape, segmentCount: count, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
  }

  /// What the kernel writes at some positions, and where it is right.
  private func formed(
    _ signals: SegmentSignals, _ estimator: DiscShiftEstimator, _ positions: Range<Int>,
    electrons: Double?, _ width: KernelWidth
  ) -> (numbers: [[UInt64]], isRight: [Bool]) {
    var kernel = DiscShiftKernel(
      estimator, electronsPerUnit: electrons, calibration: Self.calibration, width: width)
    var map = VectorMap(
      uninitialized: GridShape(rows: 1, columns: positions.count),
      withCovariance: electrons != nil, pixelSize: nil)
    let areRight = map.share { kernel.form(signals, at: positions, to: $0, at: 0) }
    let isRight = (0..<positions.count).map { kernel.isRight(at: $0) }
    #expect(areRight == isRight.allSatisfy { $0 })
    let planes =
      [map.field.x, map.field.y]
      + (map.covariance.map { [$0.xx, $0.xy, $0.yy] } ?? [])
    return (planes.map { $0.map(\.bitPattern) }, isRight)
  }

  @Test(
    "Vectors of two, four and eight numbers give the same bits, for any number of positions",
    arguments: detectors)
  func widths(detector: SegmentedDetector) throws {
    let signals = signals(detector, GridShape(rows: 1, columns: 300))
    let estimator = try DiscShiftEstimator(detector: detector, probeSemiAngle: 0.024)
    let widths = KernelWidth.allCases.filter { $0 <= .widest }
    for positions in [3..<131, 0..<1, 17..<34, 150..<277, 270..<300] {
      for electrons in [nil, 0.7] {
        let all = widths.map { formed(signals, estimator, positions, electrons: electrons, $0) }
        for other in all.dropFirst() {
          #expect(other.isRight == all[0].isRight)
          #expect(isEqual(other.numbers, all[0].numbers, where: all[0].isRight))
        }
      }
    }
  }

  /// Numbers that mean nothing need not agree: which NaN it is, no processor promises.
  private func isEqual(
    _ first: [[UInt64]], _ second: [[UInt64]], where isRight: [Bool]
  ) -> Bool {
    zip(first, second).allSatisfy { a, b in
      isRight.indices.allSatisfy { !isRight[$0] || a[$0] == b[$0] }
    }
  }

  @Test("Where it says so its numbers are those of one position by itself", arguments: detectors)
  func onePosition(detector: SegmentedDetector) throws {
    let shape = GridShape(rows: 1, columns: 128)
    let signals = signals(detector, shape)
    let estimator = try DiscShiftEstimator(detector: detector, probeSemiAngle: 0.024)
    let (numbers, isRight) = formed(
      signals, estimator, 0..<128, electrons: 0.7, .widest)
    // 0 is without counts; 37 beyond the series, 41 beyond the detector, 53 of a negative sum.
    #expect(
      isRight.indices.filter { !isRight[$0] } == [0, 37, 41, 43, 53, 74, 82, 86, 106, 111, 123])
    for position in 0..<shape.count where isRight[position] {
      let own = (0..<signals.segmentCount).map { signals.values[$0 * shape.count + position] }
      let expected = try #require(
        estimator.estimate(own, electrons: own.reduce(0, +) * 0.7))
      let vector = Self.calibration(expected.x, expected.y)
      let covariance = transformed(expected.covariance, by: Self.calibration)
      func number(_ plane: Int) -> Double { Double(bitPattern: numbers[plane][position]) }
      // Sums of counts are exact; the rest are some twenty roundings of numbers up to 1 and their weights.
      #expect(abs(number(0) - vector.x) < 2e-17 && abs(number(1) - vector.y) < 2e-17)
      let scale = 2e-14 * (covariance.xx + covariance.yy)
      #expect(abs(number(2) - covariance.xx) < scale)
      #expect(abs(number(3) - covariance.xy) < scale)
      #expect(abs(number(4) - covariance.yy) < scale)
    }
  }
}
