// The regime from the data: weak phase, rigid shift, and what lies between, with and without noise.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct OuterShareTests {
  /// Stripes 20 pixels wide of ±`size`, and a disc that is off by a constant and drifts.
  private func stripes(
    _ size: Double, offset: Double = 0
  ) -> (_ row: Int, _ column: Int) -> (x: Double, y: Double) {
    { row, column in
      let wave = sin(2 * Double.pi * Double(column) / 20)
      return (x: size * wave + offset + 1e-8 * Double(row), y: -0.5 * size * wave)
    }
  }

  @Test("Without noise the share is that of the signals", arguments: [0, 0.113, 0.25, 0.48, 0.5])
  func noiseFree(share: Double) throws {
    let regime = RegimeSignals.reference()
    let signals = regime.signals(
      shape: GridShape(rows: 12, columns: 100), share: share, electrons: 1, stripes(20e-6))
    let found = try regime.share(signals)
    let value = try #require(found.value)
    // Second order in d/α = 1e-3.
    #expect(abs(value - share) < 1e-3)
    let regimes: [Double: OuterShare.Regime] = [0: .weakPhase, 0.48: .rigidShift, 0.5: .rigidShift]
    #expect(found.regime == regimes[share] ?? .intermediate)
    // The RMS of (1, -1/2) times a sine of 20 µrad; neighbors along x are alike to cos(2π/20) = 0.95.
    let size = try #require(found.signal)
    #expect(abs(size - 15.8e-6) < 0.06 * 15.8e-6)
  }

  @Test("At a third of the noise per pixel the share is unbiased and its error holds")
  func noisy() throws {
    let regime = RegimeSignals.reference()
    for share in [0.02, 0.25, 0.5] {
      var pulls: [Double] = []
      for seed in 0..<24 {
        // N = 1e5: noise 60 µrad per component, signal 18 and 9 µrad RMS.
        let signals = regime.signals(
          shape: GridShape(rows: 90, columns: 100), share: share, electrons: 1e5,
          seed: UInt64(100 + seed), stripes(25e-6))
        let found = try regime.share(signals)
        if let value = found.value, let error = found.error {
          pulls.append((value - share) / error)
        }
      }
      // Some of the runs find the signal too weak, never most of them.
      #expect(pulls.count >= 12, "share \(share): \(pulls.count)")
      let mean = pulls.reduce(0, +) / Double(pulls.count)
      let spread = (pulls.reduce(0) { $0 + $1 * $1 } / Double(pulls.count)).squareRoot()
      // A mean of n pulls has an error of 1/√n: three of them for n >= 12.
      #expect(abs(mean) < 0.9, "share \(share): \(mean)")
      #expect(spread > 0.5 && spread < 1.6, "share \(share): \(spread)")
    }
  }

  @Test("Noise alone has no share")
  func noiseAlone() throws {
    let regime = RegimeSignals.reference()
    for seed in 0..<20 {
      let signals = regime.signals(
        shape: GridShape(rows: 40, columns: 80), share: 0.5, electrons: 1e5,
        seed: UInt64(300 + seed)
      ) { _, _ in (x: 0, y: 0) }
      let found = try regime.share(signals)
      #expect(found.value == nil && found.obstacle == .weakSignal)
      #expect(found.regime == .notDetermined)
    }
  }

  @Test("A uniform field has no structure to compare, and no share")
  func uniform() throws {
    let regime = RegimeSignals.reference()
    let signals = regime.signals(
      shape: GridShape(rows: 12, columns: 40), share: 0.5, electrons: 1
    ) { _, _ in (x: 0.3e-3, y: 0.1e-3) }
    #expect(try regime.share(signals).obstacle == .weakSignal)
  }

  @Test("A disc further off center than the signal leaves the regime open")
  func offCenter() throws {
    let regime = RegimeSignals.reference()
    let signals = regime.signals(
      shape: GridShape(rows: 12, columns: 100), share: 0.5, electrons: 1,
      stripes(20e-6, offset: 0.2e-3))
    let found = try regime.share(signals)
    #expect(found.obstacle == .discOffCenter && found.regime == .notDetermined)
    #expect(abs(try #require(found.offset) - 0.2e-3) < 1e-6)
  }

  @Test("One ring, or none that ends at the rim, does not tell the regime")
  func geometry() throws {
    func obstacle(_ detector: SegmentedDetector) throws -> OuterShare.Obstacle? {
      try RegimeSampler(
        detector: detector, probeSemiAngle: 0.024, calibration: .identity,
        shape: GridShape(rows: 1, columns: 1)
      ).obstacle
    }
    #expect(try obstacle(.annular(rings: [(0, 0.05, 4)])) == .oneRing)
    #expect(try obstacle(.annular(rings: [(0, 0.02, 4), (0.02, 0.05, 4)])) == .noRingAtRim)
    #expect(try obstacle(.twisted(inner: 3, outer: 3, by: 0.5)) == .noDeflection)
    #expect(try obstacle(.annular(rings: [(0, 0.024, 4), (0.024, 0.05, 8)])) == nil)
  }

  @Test("Bands of rows, whatever their heights, leave the rows of the whole that are sampled")
  func bands() throws {
    // So many columns that every second row is left out.
    let shape = GridShape(rows: 7, columns: RegimeSampler.pixelLimit / 6)
    let regime = RegimeSignals.reference()
    let segments = regime.detector.segments.count
    let sampler = try RegimeSampler(
      detector: regime.detector, probeSemiAngle: regime.probe, calibration: .identity, shape: shape)
    // Each row has a deflection of its own, along x, by the same signals at all its positions.
    func signals(_ rows: Range<Int>) -> SegmentSignals {
      let parts = rows.map { regime.fractions(x: Double($0 + 1) * 1e-6, y: 0, share: 0.5) }
      var values: [Double] = []
      for segment in 0..<segments {
        for part in parts { values += [Double](repeating: part[segment], count: shape.columns) }
      }
      let band = GridShape(rows: rows.count, columns: shape.columns)
      return SegmentSignals(
        shape: band, segmentCount: segments, values: values, mask: PixelMask(shape: band),
        electronsPerUnit: 1)
    }
    var sample = sampler.emptySample()
    sample.share { shared in
      for rows in [5..<7, 0..<1, 1..<2, 2..<5] {
        sampler.write(signals(rows), firstRow: rows.lowerBound, to: shared)
      }
    }
    #expect(sample.rows == [0, 2, 4, 6])
    for (index, row) in sample.rows.enumerated() {
      for column in [0, shape.columns - 1] {
        let place = index * shape.columns + column
        let shift = Double(row + 1) * 1e-6
        // Formed to first order: what is left out is of third order in the shift over the semi-angle.
        let bound = shift * (shift / regime.probe) * (shift / regime.probe)
        #expect(abs(sample.total.field.x[place] - shift) < bound)
        #expect(abs(sample.outer.field.x[place] - shift / 2) < shift * shift / regime.probe)
        #expect(abs(sample.total.field.y[place]) < bound)
        #expect(sample.total.mask.bytes[place] == 0 && sample.outer.mask.bytes[place] == 0)
      }
    }
  }

  @Test("maximum-likelihood follows disc-shift for a rigid shift and falls short of it otherwise")
  func rigidModel() throws {
    let regime = RegimeSignals.reference()
    func slope(_ share: Double, seed: UInt64?) throws -> NeighborRatio? {
      let signals = regime.signals(
        shape: GridShape(rows: 40, columns: 100), share: share, electrons: 1e6, seed: seed,
        stripes(20e-6))
      let estimate = try regime.estimate(.maximumLikelihood, signals).map
      return rigidModelCheck(of: try regime.sample(signals).0, estimate: estimate, lag: 1)
    }
    let rigid = try #require(try slope(0.5, seed: 5))
    #expect(abs(rigid.value - 1) < 4 * rigid.error && rigid.error < 0.05)
    let weak = try #require(try slope(0, seed: 6))
    #expect(weak.value < 0.3)
    let between = try #require(try slope(0.25, seed: 7))
    #expect(between.value < 0.85)
  }
}
