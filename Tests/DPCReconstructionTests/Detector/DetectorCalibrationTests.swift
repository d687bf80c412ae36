// The calibration of the detector against simulated empty beams of known gains, center and size.
@testable import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct DetectorCalibrationTests {
  /// An empty beam of 24-48 mrad rings, descan as given, and what is true of it.
  struct EmptyBeam {
    var alpha = 27e-3
    var center = (x: 1.3e-3, y: -0.7e-3)
    var alongX = (x: 0.0, y: 0.0)
    var alongY = (x: 0.0, y: 0.0)
    var sectors = 4
    var gains: [Double]?
    var orientation = 0.2
    var shape = GridShape(rows: 1, columns: 1)
    var electrons = 1e6
    var seed: UInt64?

    var detector: SegmentedDetector {
      .annular(
        rings: [(0, 24e-3, sectors), (24e-3, 48e-3, sectors)], start: 0, orientation: orientation)
    }

    /// Signals as a vacuum scan would have them, in electrons.
    func signals() -> SegmentSignals {
      let disc = BrightFieldDisc(radius: alpha)
      let count = detector.segments.count
      var values = [Double](repeating: 0, count: count * shape.count)
      for position in 0..<shape.count {
        let s = DescanSurface.coordinate(position % shape.columns, of: shape.columns)
        let t = DescanSurface.coordinate(position / shape.columns, of: shape.rows)
        for segment in 0..<count {
          var generator = seed.map { SeededGenerator(seed: $0, path: [position, segment]) }
          let expected =
            electrons
            * disc.fraction(
              on: detector.segments[segment], orientation: orientation,
              displacedBy: center.x + alongX.x * s + alongY.x * t,
              center.y + alongX.y * s + alongY.y * t)
          let counted = generator?.poisson(mean: expected) ?? expected
          values[segment * shape.count + position] = counted * (gains?[segment] ?? 1)
        }
      }
      return SegmentSignals(
        shape: shape, segmentCount: count, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: 1)
    }
  }

  static let unequal = [1.1, 0.93, 1.05, 0.9, 1.02, 0.97, 0.89, 1.12]

  @Test func discSharesAgreeWithTheForwardModel() {
    for (alpha, x, y) in [
      (24e-3, 0.0, 0.0), (24e-3, 3e-3, -2e-3), (30e-3, -9e-3, 4e-3), (10e-3, 1e-3, 0),
    ] {
      for orientation in [0.0, 0.7, -2.9] {
        let detector = SegmentedDetector.annular(
          rings: [(0, 12e-3, 3), (12e-3, 24e-3, 4), (24e-3, 48e-3, 8)], start: 0.3,
          orientation: orientation)
        for segment in detector.segments {
          let share = CalibrationDisc(x: x, y: y, radius: alpha)
            .share(on: segment, orientation: orientation)
          let expected = BrightFieldDisc(radius: alpha).fraction(
            on: segment, orientation: orientation, displacedBy: x, y)
          #expect(abs(share - expected) < 1e-13)
        }
      }
    }
  }

  /// Known gains off the true ones by a normal error.
  private func known(_ gains: [Double], error: Double, seed: UInt64) -> KnownGains {
    var generator = SeededGenerator(seed: seed, path: [99])
    return KnownGains(
      gain: gains.map { $0 * (1 + error * generator.normal()) },
      relativeErrors: gains.map { _ in error })
  }

  /// Residuals in units of their errors: gains, center x and y, semi-angle.
  private func pulls(_ result: DetectorCalibration, _ beam: EmptyBeam) -> [Double] {
    let gains = beam.gains ?? [Double](repeating: 1, count: beam.detector.segments.count)
    let determined = gains.indices.filter { result.gain[$0] != nil }
    let mean = determined.reduce(0) { $0 + gains[$1] } / Double(max(determined.count, 1))
    var pulls: [Double] = []
    func add(_ found: STEMCore.Measurement?, _ truth: Double) {
      guard let found, let error = found.error else { return }
      pulls.append((found.value - truth) / error)
    }
    for index in determined { add(result.gain[index], gains[index] / mean) }
    add(result.discCenterX, beam.center.x)
    add(result.discCenterY, beam.center.y)
    add(result.probeSemiAngle, beam.alpha)
    return pulls
  }

  /// Expected counts and known gains: only rounding, and the pull of the weak expectations, which is
  /// their error squared over theirs times the distance: below 1e-8 rad here.
  @Test(arguments: [4, 8, 16])
  func findsCenterAndSemiAngleOfExpectedCounts(sectors: Int) throws {
    var beam = EmptyBeam(sectors: sectors)
    beam.gains = (0..<2 * sectors).map { 1 + 0.12 * sin(Double(3 * $0 + 1)) }
    let gains = try #require(beam.gains)
    let result = try calibrateDetector(
      vacuum: beam.signals(), detector: beam.detector, probeSemiAngle: 25.5e-3,
      gains: KnownGains(gain: gains, relativeErrors: gains.map { _ in 0 }), exposures: 1e4)
    #expect(abs((try #require(result.discCenterX)).value - 1.3e-3) < 1e-8)
    #expect(abs((try #require(result.discCenterY)).value + 0.7e-3) < 1e-8)
    #expect(abs((try #require(result.probeSemiAngle)).value - 27e-3) < 1e-8)
    #expect(result.unlitSegments.isEmpty)
  }

  /// 68.3 % of 150 × 11 residuals, some of them correlated: three standard errors of 150 × 5.
  @Test func errorsOfASingleFrameCoverTheTruth() throws {
    var all: [Double] = []
    for trial in 0..<150 {
      var beam = EmptyBeam(seed: UInt64(trial))
      let turn = Double(trial)
      beam.center = (2e-3 * cos(turn), 2e-3 * sin(turn))
      beam.alpha = 25.5e-3 + 6e-3 * abs(sin(3 * turn))
      beam.orientation = turn
      beam.gains = Self.unequal
      let result = try calibrateDetector(
        vacuum: beam.signals(), detector: beam.detector, probeSemiAngle: beam.alpha * 0.98,
        gains: known(Self.unequal, error: 3e-3, seed: UInt64(trial)))
      let found = pulls(result, beam)
      #expect(found.count == 11)
      all += found
    }
    let covered = Double(all.count { abs($0) < 1 }) / Double(all.count)
    #expect(abs(covered - 0.683) < 0.05, "\(covered)")
  }

  /// Descan of a milliradian across rings separates gains from an off-center disc.
  @Test func aScanWithDescanTellsGainsAndCenterApart() throws {
    var all: [Double] = []
    for trial in 0..<40 {
      var beam = EmptyBeam(seed: UInt64(1000 + trial))
      beam.alpha = 25e-3
      beam.center = (0.9e-3 * cos(Double(trial)), 0.9e-3 * sin(Double(trial)))
      beam.alongX = (1.2e-3, 0.2e-3)
      beam.alongY = (-0.1e-3, 1e-3)
      beam.gains = Self.unequal
      beam.shape = GridShape(rows: 12, columns: 14)
      let result = try calibrateDetector(
        vacuum: beam.signals(), detector: beam.detector, probeSemiAngle: 25e-3, gains: nil)
      let found = pulls(result, beam)
      #expect(found.count == 11)
      all += found
    }
    let covered = Double(all.count { abs($0) < 1 }) / Double(all.count)
    #expect(abs(covered - 0.683) < 0.08, "\(covered)")
  }

  @Test func aFrameThatLightsTheInnerRingOnlySaysSo() throws {
    for alpha in [24e-3, 22e-3] {
      var beam = EmptyBeam(alpha: alpha, center: (0, 0), seed: 7)
      beam.gains = Self.unequal
      let signals = beam.signals()
      let free = try calibrateDetector(
        vacuum: signals, detector: beam.detector, probeSemiAngle: 24e-3, gains: nil)
      #expect(free.gain.allSatisfy { $0 == nil })
      #expect(free.discCenterX == nil && free.discCenterY == nil && free.probeSemiAngle == nil)
      #expect(free.unlitSegments == [4, 5, 6, 7])
      let centered = try calibrateDetector(
        vacuum: signals, detector: beam.detector, probeSemiAngle: 24e-3, gains: nil,
        assumption: .centeredDisc)
      #expect(
        centered.gain.map { $0 == nil } == [false, false, false, false, true, true, true, true])
      #expect(centered.probeSemiAngle == nil)
      // Four inner gains by counting 2.5e5 electrons each: three standard errors are 0.6 %.
      let mean = Self.unequal[0..<4].reduce(0, +) / 4
      for index in 0..<4 {
        let gain = try #require(centered.gain[index])
        #expect(abs(gain.value - Self.unequal[index] / mean) < 0.006)
      }
    }
  }

  /// With equal gains the imbalance of the inner ring is an off-center disc: 4 G c of each sector's
  /// quarter, G = sin 45°/(π α/4).
  @Test func equalGainsLeaveTheCenter() throws {
    let beam = EmptyBeam(alpha: 22e-3, center: (0.8e-3, -0.3e-3))
    let result = try calibrateDetector(
      vacuum: beam.signals(), detector: beam.detector, probeSemiAngle: 22e-3, gains: nil,
      assumption: .equalGains, exposures: 1e4)
    #expect(abs((try #require(result.discCenterX)).value - 0.8e-3) < 1e-7)
    #expect(abs((try #require(result.discCenterY)).value + 0.3e-3) < 1e-7)
    #expect(result.probeSemiAngle == nil && result.gain.allSatisfy { $0 == nil })
  }

  @Test func refusesWhatHasNoCountsOrNoElectrons() {
    let beam = EmptyBeam()
    var signals = beam.signals()
    signals.electronsPerUnit = nil
    #expect(throws: CalibrationError.self) {
      try calibrateDetector(
        vacuum: signals, detector: beam.detector, probeSemiAngle: 27e-3, gains: nil)
    }
    signals.electronsPerUnit = 1
    signals.values = signals.values.map { _ in 0 }
    #expect(throws: CalibrationError.self) {
      try calibrateDetector(
        vacuum: signals, detector: beam.detector, probeSemiAngle: 27e-3, gains: nil)
    }
  }
}
