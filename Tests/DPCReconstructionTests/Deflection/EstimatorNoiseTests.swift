// Error bars of the estimators against simulated counts: 68 % within one sigma, by component.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct EstimatorNoiseTests {
  /// Part of the residuals within one sigma, over both components, and their mean and RMS over sigma.
  private struct Pull {
    var coverage: Double
    var bias: Double
    var spread: Double
  }

  /// Deflections spread evenly over a square of ± `reach`, counted, estimated.
  private func pull(
    _ method: DeflectionMethod, _ regime: RegimeSignals, electrons: Double, reach: Double,
    share: Double = 0.5, seed: UInt64
  ) throws -> Pull {
    let shape = GridShape(rows: 60, columns: 60)
    func truth(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
      (
        x: reach * (2 * (Double(column) + 0.5) / 60 - 1),
        y: reach * (2 * (Double(row) + 0.5) / 60 - 1)
      )
    }
    let map = try regime.estimate(
      method,
      regime.signals(shape: shape, share: share, electrons: electrons, seed: seed, truth)
    ).map
    let covariance = try #require(map.covariance)
    var pulls: [Double] = []
    for position in 0..<shape.count where map.mask.isUsable(position) {
      let d = truth(position / 60, position % 60)
      pulls.append((map.field.x[position] - d.x) / covariance.xx[position].squareRoot())
      pulls.append((map.field.y[position] - d.y) / covariance.yy[position].squareRoot())
    }
    #expect(pulls.count > 7000)
    let count = Double(pulls.count)
    return Pull(
      coverage: Double(pulls.count { abs($0) < 1 }) / count, bias: pulls.reduce(0, +) / count,
      spread: (pulls.reduce(0) { $0 + $1 * $1 } / count).squareRoot())
  }

  @Test(
    "Errors of disc-shift and center-of-mass cover 65 to 71 % at any dose, in any regime",
    arguments: [DeflectionMethod.discShift, .centerOfMass], [(1e3, 0.5), (1e5, 0.5), (1e5, 0.25)])
  func linearMethods(method: DeflectionMethod, condition: (electrons: Double, share: Double)) throws
  {
    let regime = RegimeSignals.reference()
    // 7200 residuals: ±0.55 %. The bias of center-of-mass stays below a tenth of sigma at ±20 µrad.
    let pull = try pull(
      method, regime, electrons: condition.electrons, reach: 20e-6, share: condition.share, seed: 21
    )
    #expect(pull.coverage > 0.65 && pull.coverage < 0.71, "\(pull)")
    #expect(abs(pull.spread - 1) < 0.04, "\(pull)")
  }

  // Squares of 80,000 components scatter by 0.5 %, of so few electrons by twice that: twice that is allowed.
  // A missing (N - 1)/N is 3 to 50 %; the curvature of disc-shift's inverse leaves 0.3/N. With some electrons a position
  // they are all on one segment here and there.
  @Test(
    "Variances are the scatter for few electrons too, and nowhere zero",
    arguments: [
      (DeflectionMethod.discShift, 20.0, 0.3), (.discShift, 30, 0.3), (.centerOfMass, 2, 0),
      (.centerOfMass, 4, 0), (.centerOfMass, 10, 0),
    ])
  func fewElectrons(method: DeflectionMethod, electrons: Double, curvature: Double) throws {
    let map = try RegimeSignals.reference().estimate(
      method,
      RegimeSignals.reference().signals(
        shape: GridShape(rows: 200, columns: 200), share: 0.5, electrons: electrons, seed: 33
      ) { _, _ in (x: 0, y: 0) }
    ).map
    let covariance = try #require(map.covariance)
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    let scatter = usable.reduce(0.0) {
      $0 + map.field.x[$1] * map.field.x[$1] + map.field.y[$1] * map.field.y[$1]
    }
    let stated = usable.reduce(0.0) { $0 + covariance.xx[$1] + covariance.yy[$1] }
    #expect(abs(scatter / stated - 1) < curvature / electrons + 0.02, "\(scatter / stated)")
    #expect(usable.allSatisfy { covariance.xx[$0] > 0 && covariance.yy[$0] > 0 })
  }

  @Test(
    "Errors of the generalized disc-shift cover 65 to 71 %",
    arguments: [
      SegmentedDetector.annular(rings: [(0, 0.05, 3)], orientation: 0.3),
      SegmentedDetector.annular(rings: [(0, 0.02, 5), (0.02, 0.05, 5)]),
      SegmentedDetector.twisted(inner: 4, outer: 4, by: 0.7),
    ])
  func generalDetectors(detector: SegmentedDetector) throws {
    let regime = RegimeSignals(detector, probe: 0.024)
    let pull = try pull(.discShift, regime, electrons: 1e5, reach: 0.5e-3, seed: 22)
    #expect(pull.coverage > 0.65 && pull.coverage < 0.71, "\(pull)")
  }

  @Test(
    "Errors of maximum-likelihood cover 65 to 71 % where a shift lights the outer ring",
    arguments: [(1e5, 60e-6), (1e6, 30e-6), (1e4, 400e-6)])
  func maximumLikelihood(electrons: Double, reach: Double) throws {
    let pull = try pull(
      .maximumLikelihood, .reference(), electrons: electrons, reach: reach, seed: 23)
    #expect(pull.coverage > 0.65 && pull.coverage < 0.71, "\(pull)")
  }

  @Test("maximum-likelihood has 0.9 mrad/√N at 30 µrad, a twentieth of disc-shift's 18.85")
  func maximumLikelihoodGain() throws {
    let regime = RegimeSignals.reference(orientation: 0)
    let signals = regime.signals(
      shape: GridShape(rows: 1, columns: 1), share: 0.5, electrons: 1e6
    ) { _, _ in (x: 30e-6, y: 0) }
    let covariance = try #require(
      try regime.estimate(.maximumLikelihood, signals).map.covariance)
    let sigma = covariance.xx[0].squareRoot() * 1e3
    #expect(sigma > 0.7e-3 && sigma < 1.1e-3, "\(sigma)")
    let disc = try #require(try regime.estimate(.discShift, signals).map.covariance)
    #expect(abs(disc.xx[0].squareRoot() * 1e3 - 18.85e-3) < 0.02e-3)
  }
}
