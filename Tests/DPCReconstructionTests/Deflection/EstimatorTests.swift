// Every estimator of the deflection, from weak phase to rigid shift, in absolute angles.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct EstimatorTests {
  private static let one = GridShape(rows: 1, columns: 1)

  private func vector(
    _ method: DeflectionMethod, _ regime: RegimeSignals, x: Double, y: Double, share: Double
  ) throws -> (x: Double, y: Double) {
    let signals = regime.signals(shape: Self.one, share: share, electrons: 1) { _, _ in (x, y) }
    let map = try regime.estimate(method, signals).map
    #expect(map.mask.isUsable(0))
    return (map.field.x[0], map.field.y[0])
  }

  @Test(
    "disc-shift is right in every regime; center-of-mass by its stated slope",
    arguments: [0, 0.11, 0.25, 0.48, 0.5])
  func slopes(share: Double) throws {
    let regime = RegimeSignals.reference()
    let estimator = try LinearEstimator.centerOfMass(
      detector: regime.detector, probeSemiAngle: regime.probe)
    // 0.5404 for a weak phase, 0.9006 for a rigid shift, before the division by the latter.
    let expected = (0.5404 + 0.7205 * share) / 0.9006
    #expect(abs(estimator.slope(outerShare: share) - expected) < 2e-4)
    for (x, y) in [(20e-6, 0.0), (0, -15e-6), (12e-6, 9e-6)] {
      // A grating of 40 nm in quadrants turned by 0.4: 1e-3 is lost by what the sector boundaries blur.
      let shift = try vector(.discShift, regime, x: x, y: y, share: share)
      #expect(abs(shift.x - x) < 1.2e-3 * 20e-6 && abs(shift.y - y) < 1.2e-3 * 20e-6)
      let mass = try vector(.centerOfMass, regime, x: x, y: y, share: share)
      #expect(abs(mass.x - expected * x) < 1.5e-3 * 20e-6)
      #expect(abs(mass.y - expected * y) < 1.5e-3 * 20e-6)
    }
  }

  @Test(
    "center-of-mass finds a small rigid shift for any geometry, its gain following from it",
    arguments: [
      SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 1.3),
      SegmentedDetector.annular(rings: [(0, 0.05, 4)], orientation: 0.2),
      SegmentedDetector.annular(rings: [(0, 0.02, 4), (0.02, 0.05, 8)], orientation: -1),
      SegmentedDetector.annular(rings: [(0, 0.05, 3)], orientation: 0.1),
      SegmentedDetector.annular(rings: [(0.005, 0.05, 6)], orientation: 0.3),
      SegmentedDetector.annular(
        rings: [(0, 0.012, 4), (0.012, 0.024, 4), (0.024, 0.036, 4), (0.036, 0.048, 4)]),
    ])
  func centerOfMassGain(detector: SegmentedDetector) throws {
    let regime = RegimeSignals(detector, probe: 0.024)
    let found = try vector(.centerOfMass, regime, x: 30e-6, y: -10e-6, share: 0.5)
    // First order in the shift: what is left is of relative order d/α = 1.3e-3 and less.
    #expect(abs(found.x - 30e-6) < 2e-3 * 30e-6)
    #expect(abs(found.y + 10e-6) < 2e-3 * 30e-6)
  }

  @Test(
    "maximum-likelihood finds a rigid shift to 1e-9 rad, any orientation and rings",
    arguments: [
      SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.5),
      SegmentedDetector.annular(rings: [(0, 0.024, 8), (0.024, 0.048, 8)], orientation: 2),
      SegmentedDetector.annular(rings: [(0, 0.02, 4), (0.02, 0.05, 8)], orientation: 0.1),
      SegmentedDetector.annular(rings: [(0, 0.05, 3)], orientation: 0.3),
      SegmentedDetector.annular(rings: [(0.005, 0.024, 4), (0.024, 0.048, 4)]),
      // No sum of these segments tells the direction.
      SegmentedDetector.annular(rings: [(0, 0.024, 3), (0.024, 0.048, 5)], orientation: 0.2),
      SegmentedDetector.annular(rings: [(0, 0.024, 5), (0.024, 0.048, 3)]),
      SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 3)]),
    ])
  func maximumLikelihood(detector: SegmentedDetector) throws {
    let regime = RegimeSignals(detector, probe: 0.024)
    var shifts: [(x: Double, y: Double)] = [
      (30e-6, 10e-6), (-6e-3, 2e-3), (0, -1e-3), (-2e-6, 3e-6),
    ]
    for step in 0..<12 {
      let angle = 0.5 * Double(step)
      shifts.append((3e-4 * cos(angle), 3e-4 * sin(angle)))
    }
    for (x, y) in shifts {
      let found = try vector(.maximumLikelihood, regime, x: x, y: y, share: 0.5)
      #expect(abs(found.x - x) < 1e-9 && abs(found.y - y) < 1e-9, "\(found) is not \(x), \(y)")
    }
  }

  @Test(
    "disc-shift takes odd sectors and rings divided along different lines",
    arguments: [
      (SegmentedDetector.annular(rings: [(0, 0.05, 3)], orientation: 0.3), 0.0),
      (SegmentedDetector.annular(rings: [(0, 0.024, 5), (0.024, 0.05, 5)]), 0.0),
      (SegmentedDetector.annular(rings: [(0, 0.02, 3), (0.02, 0.05, 6)], orientation: 2), 0.0),
      (SegmentedDetector.annular(rings: [(0.004, 0.05, 7)], orientation: -0.4), 0.0),
      // First order in the shift only: wrong by less than 0.2 of its square over α.
      (SegmentedDetector.twisted(inner: 4, outer: 4, by: 0.7), 0.2),
      (SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.05, 6)]), 0.2),
      (SegmentedDetector.annular(rings: [(0, 0.01, 1), (0.01, 0.05, 4)]), 0.2),
    ])
  func generalDetectors(detector: SegmentedDetector, secondOrder: Double) throws {
    let regime = RegimeSignals(detector, probe: 0.024)
    for (x, y) in [(1e-3, 0.3e-3), (-0.2e-3, 0.9e-3), (15e-6, -4e-6)] {
      let found = try vector(.discShift, regime, x: x, y: y, share: 0.5)
      let tolerance = 1e-12 + secondOrder * (x * x + y * y) / 0.024
      #expect(abs(found.x - x) < tolerance && abs(found.y - y) < tolerance)
    }
    // For a weak phase of 40 nm the boundaries blur 1e-3.
    let found = try vector(.discShift, regime, x: 12e-6, y: -9e-6, share: 0)
    #expect(abs(found.x - 12e-6) < 2e-8 && abs(found.y + 9e-6) < 2e-8)
  }

  @Test("A disc off center minus the vacuum's is the deflection, by disc-shift to 1e-12 rad")
  func discOffCenter() throws {
    for detector in [
      SegmentedDetector.annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.5),
      SegmentedDetector.annular(rings: [(0, 0.02, 5), (0.02, 0.048, 5)]),
    ] {
      let regime = RegimeSignals(detector, probe: 0.0221)
      let vacuum = try vector(.discShift, regime, x: 2e-3, y: -1.5e-3, share: 0.5)
      let both = try vector(.discShift, regime, x: 2.03e-3, y: -1.51e-3, share: 0.5)
      #expect(abs(both.x - vacuum.x - 30e-6) < 1e-12)
      #expect(abs(both.y - vacuum.y + 10e-6) < 1e-12)
    }
  }

  @Test("A band of the map gives the numbers of the whole, and calibration turns vector and error")
  func bandsAndCalibration() throws {
    let regime = RegimeSignals.reference()
    let shape = GridShape(rows: 4, columns: 6)
    let whole = regime.signals(shape: shape, share: 0.5, electrons: 1e5, seed: 4) { _, column in
      (x: Double(column) * 4e-6, y: 7e-6)
    }
    for method in [DeflectionMethod.discShift, .centerOfMass, .maximumLikelihood] {
      let estimator = try deflectionEstimator(
        method, detector: regime.detector, probeSemiAngle: regime.probe)
      let map = estimator.deflection(of: whole, calibration: .identity, pixelSize: nil).map
      let turned = estimator.deflection(
        of: whole, calibration: Matrix2(xx: 0, xy: -2, yx: 1, yy: 0), pixelSize: nil
      ).map
      #expect(turned.field.x[7] == -2 * map.field.y[7] && turned.field.y[7] == map.field.x[7])
      #expect(turned.covariance?.xx[7] == map.covariance.map { 4 * $0.yy[7] })
      #expect(turned.covariance?.xy[7] == map.covariance.map { -2 * $0.xy[7] })
      let lower = SegmentSignals(
        shape: GridShape(rows: 2, columns: 6), segmentCount: 8,
        values: (0..<8).flatMap { whole.values[($0 * 24 + 12)..<($0 * 24 + 24)] },
        mask: PixelMask(shape: GridShape(rows: 2, columns: 6)), electronsPerUnit: 1)
      let part = estimator.deflection(of: lower, calibration: .identity, pixelSize: nil).map
      #expect(part.field.x == Array(map.field.x[12...]))
      #expect(part.covariance?.yy == map.covariance.map { Array($0.yy[12...]) })
    }
  }

  @Test("What a method cannot do is refused with the reason")
  func refusals() {
    func message(_ method: DeflectionMethod, _ detector: SegmentedDetector) -> String {
      do {
        _ = try deflectionEstimator(method, detector: detector, probeSemiAngle: 0.024)
        return "accepted"
      } catch { return "\(error)" }
    }
    let odd = SegmentedDetector.annular(rings: [(0, 0.024, 3), (0.024, 0.048, 3)])
    #expect(message(.centerOfMass, odd).contains("alike on opposite sides"))
    #expect(message(.discShift, odd) == "accepted")
    #expect(
      message(.centerOfMass, .annular(rings: [(0, 0.05, 2)])).contains("at least three parts"))
    #expect(message(.discShift, .annular(rings: [(0, 0.05, 2)])).contains("share 1"))
    #expect(message(.discShift, .twisted(inner: 3, outer: 3, by: 0.5)).contains("share 0"))
    #expect(
      message(.maximumLikelihood, .annular(rings: [(0, 0.024, 4)])).contains(
        "must reach 24.48 mrad"))
  }
}

extension SegmentedDetector {
  /// Two rings that meet at 24 mrad, the outer one turned against the inner.
  static func twisted(inner: Int, outer: Int, by angle: Double) -> SegmentedDetector {
    SegmentedDetector(
      segments: annular(rings: [(0, 0.024, inner)]).segments
        + annular(rings: [(0.024, 0.048, outer)], start: angle).segments, orientation: 0)
  }
}
