// The quick deflection against the plain one: the stated formulas, one position after the other.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing
import WorkSharing

struct PlainDeflectionTests {
  private static let probe = 0.024

  /// H = (2/π)(asin t + t √(1 - t²)), solved for t by bisection.
  private func plainShift(_ difference: Double) -> Double {
    var (low, high) = (-1.0, 1.0)
    for _ in 0..<200 {
      let t = (low + high) / 2
      if DiscShiftEstimator.halfDifference(t) < difference { low = t } else { high = t }
    }
    return (low + high) / 2
  }

  @Test("The inverse is that of bisection to 1e-15 of the shift, on both sides of its joint")
  func inverse() {
    for step in 1...2000 {
      let difference = Double(step) / 2000 * 0.95
      let expected = plainShift(difference)
      let found = DiscShiftEstimator.shift(forHalfDifference: difference)
      // Bisection decides by H, whose rounding of 2e-16 the slope 1/√(1 - t²) magnifies.
      let rounding = 3e-16 / (1 - expected * expected).squareRoot()
      #expect(abs(found - expected) <= 1e-15 * expected + rounding, "H = \(difference)")
      #expect(DiscShiftEstimator.shift(forHalfDifference: -difference) == -found)
    }
    let below = DiscShiftEstimator.shift(forHalfDifference: 0.5)
    let above = DiscShiftEstimator.shift(forHalfDifference: 0.5.nextUp)
    #expect(abs(above - below) < 1e-15)
    #expect(DiscShiftEstimator.shift(forHalfDifference: 0) == 0)
  }

  @Test(
    "Errors by the series are those by the root to 5e-15, where the series holds and at its end")
  func slopes() throws {
    let detector = SegmentedDetector.annular(rings: [(0, 0.048, 4)], orientation: 0)
    let estimator = try DiscShiftEstimator(detector: detector, probeSemiAngle: Self.probe)
    for step in 0...500 {
      // Halves of H = ±step/1000 along x; none along y.
      let difference = Double(step) / 1000
      let shape = GridShape(rows: 1, columns: 1)
      let (right, left) = (1 + difference, 1 - difference)
      let signals = SegmentSignals(
        shape: shape, segmentCount: 4, values: [right, left, left, right],
        mask: PixelMask(shape: shape), electronsPerUnit: 1)
      let map = estimator.deflection(of: signals, calibration: .identity, pixelSize: nil).map
      let t = plainShift(difference)
      // Of N = 4 electrons and a centered one, times 25/84: (1 - (4H/5)²) (dx/dH)², dx/dH = α(π/4)/√(1 - t²).
      let slope = Self.probe * Double.pi / 4 / (1 - t * t).squareRoot()
      let expected = 25.0 / 84 * (1 - 0.64 * difference * difference) * slope * slope
      let found = try #require(map.covariance?.xx.first)
      #expect(abs(map.field.x[0] - Self.probe * t) < 1e-16)
      #expect(abs(found / expected - 1) < 1.2e-14, "H = \(difference)")
    }
  }

  @Test("Small shifts follow t = πH/4 (1 + (πH/4)²/6) to rounding")
  func smallShifts() {
    for exponent in 3...12 {
      let difference = pow(10, -Double(exponent))
      let y = Double.pi / 4 * difference
      let expected = y * (1 + y * y / 6 + 13 * y * y * y * y / 120)
      let found = DiscShiftEstimator.shift(forHalfDifference: difference)
      #expect(abs(found / expected - 1) < 4e-16)
    }
  }

  @Test(
    "Deflection and covariance are those of the plain formulas, for 2, 3 and 4 diameters",
    arguments: [
      SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.4),
      SegmentedDetector.annular(rings: [(0, 0.05, 6)], orientation: -0.3),
      SegmentedDetector.annular(rings: [(0.004, 0.05, 8)], orientation: 1),
    ])
  func map(detector: SegmentedDetector) throws {
    // More positions than are summed at a time, and not a multiple of that.
    let shape = GridShape(rows: 7, columns: 201)
    let segments = detector.segments.count
    var generator = SeededGenerator(seed: 3)
    let mean = detector.segments.map { 4e4 * $0.area / (Double.pi * 0.05 * 0.05) + 50 }
    var values = [Double](repeating: 0, count: segments * shape.count)
    for segment in 0..<segments {
      for position in 0..<shape.count {
        values[segment * shape.count + position] = generator.poisson(mean: mean[segment])
      }
    }
    var mask = PixelMask(shape: shape)
    mask.bytes[5] = PixelFlags.hot.rawValue
    for segment in 0..<segments { values[segment * shape.count + 600] = 0 }
    let signals = SegmentSignals(
      shape: shape, segmentCount: segments, values: values, mask: mask, electronsPerUnit: 2,
      varianceFactor: 1.5)
    let estimator = try DiscShiftEstimator(detector: detector, probeSemiAngle: Self.probe)
    let map = estimator.deflection(of: signals, calibration: .identity, pixelSize: nil).map
    let covariance = try #require(map.covariance)
    let plain = try PlainEstimator(detector: detector, probe: Self.probe, invert: plainShift)
    #expect(map.mask.bytes[600] == PixelFlags.noCounts.rawValue)
    for position in 0..<shape.count where position != 5 && position != 600 {
      let own = (0..<segments).map { values[$0 * shape.count + position] }
      let expected = plain.estimate(own, electrons: own.reduce(0, +) * 2 / 1.5)
      // Sums of some 1e4 counts are exact; what is left is rounding of fractions near 1/2.
      #expect(abs(map.field.x[position] - expected.x) < 1e-16)
      #expect(abs(map.field.y[position] - expected.y) < 1e-16)
      #expect(abs(covariance.xx[position] / expected.xx - 1) < 1e-13)
      #expect(abs(covariance.yy[position] / expected.yy - 1) < 1e-13)
      #expect(abs(covariance.xy[position] - expected.xy) < 1e-13 * expected.xx)
    }
    #expect(map.field.x[5] == 0 && covariance.xx[5] == 0)
  }

  @Test("Pieces of work come back in order, and the first error is told")
  func concurrentMapping() throws {
    struct Refused: Error, Equatable { var index: Int }
    #expect(concurrentMap(1000) { $0 * $0 } == (0..<1000).map { $0 * $0 })
    #expect(concurrentMap(0) { $0 }.isEmpty)
    #expect(throws: Refused(index: 0)) {
      _ = try concurrentMap(50) { (index: Int) throws -> Int in throw Refused(index: index) }
    }
  }
}

/// The disc-shift inverse as it is stated, with its covariance, for one position.
private struct PlainEstimator {
  let diameters: [DetectorDiameter]
  let probe: Double
  let holeScale: Double
  let invert: (Double) -> Double

  init(detector: SegmentedDetector, probe: Double, invert: @escaping (Double) -> Double) throws {
    diameters = try detector.commonDiameters()
    let hole = detector.segments.map(\.inner).min() ?? 0
    self.probe = probe
    self.invert = invert
    holeScale = 1 - hole * hole / (probe * probe)
  }

  func estimate(
    _ signals: [Double], electrons: Double
  ) -> (x: Double, y: Double, xx: Double, yy: Double, xy: Double) {
    let sum = signals.reduce(0, +)
    let fractions = signals.map { $0 / sum }
    let means = diameters.map { zip($0.sides, fractions).reduce(0) { $0 + $1.0 * $1.1 } }
    let shifts = means.map { invert($0 * holeScale) }
    // Normals of n ≥ 2 evenly spread diameters: Σ n nᵀ = n/2.
    let weight = 2 / Double(diameters.count)
    var result = (x: 0.0, y: 0.0, xx: 0.0, yy: 0.0, xy: 0.0)
    for j in diameters.indices {
      result.x += weight * diameters[j].normal.x * probe * shifts[j]
      result.y += weight * diameters[j].normal.y * probe * shifts[j]
      for k in diameters.indices {
        var product = 0.0
        for segment in signals.indices {
          product += diameters[j].sides[segment] * diameters[k].sides[segment] * fractions[segment]
        }
        let slopes = [j, k].map { index in
          holeScale * probe * Double.pi / 4 / (1 - shifts[index] * shifts[index]).squareRoot()
        }
        let (a, b) = (diameters[j].normal, diameters[k].normal)
        // One electron of a centered disc is added to the n.
        let n = electrons
        let centered = 1 - 2 * acos(max(-1, min(1, a.x * b.x + a.y * b.y))) / Double.pi
        let together = (n * product + centered) / (n + 1)
        let both = n * n * means[j] * means[k] / ((n + 1) * (n + 1))
        let pair =
          (n + 1) * (n + 1) / (n * n * n + n * n + n) * (together - both) * slopes[0] * slopes[1]
        result.xx += weight * weight * a.x * b.x * pair
        result.yy += weight * weight * a.y * b.y * pair
        result.xy += weight * weight * a.x * b.y * pair
      }
    }
    return result
  }
}
