// Dark, gain and masks in absolute numbers; the quick spike search against the plain rule.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct SegmentCorrectionTests {
  private static let detector = SegmentedDetector.annular(
    rings: [(0, 0.024, 4), (0.024, 0.048, 4)])

  private func metadata(
    gain: [Double]? = nil, references: References = References()
  ) -> AcquisitionMetadata {
    AcquisitionMetadata(
      frameCount: 1, shape: GridShape(rows: 1, columns: 1), pixelSize: nil,
      beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 0.024, detector: Self.detector,
      segmentGain: gain, scanRotation: 0, signalUnit: .counts, references: references)
  }

  @Test("A flat reference gives gains per area of mean one, its dark subtracted")
  func flatField() throws {
    // Inner segments have a third of the outer ones' area; gains 0.9 and 1.1 by turns.
    let dark = [Double](repeating: 100, count: 8)
    let gains = (0..<8).map { $0 % 2 == 0 ? 0.9 : 1.1 }
    let flat = zip(gains, Self.detector.segments).map { $0 * $1.area * 1e9 + 100 }
    let correction = try segmentCorrection(
      for: metadata(references: References(dark: dark, flat: flat)), gainSource: nil, usesDark: true
    )
    #expect(correction.gainSource == .flat)
    for (found, true_) in zip(correction.gain, gains) { #expect(abs(found - true_) < 1e-12) }
    let raw = gains.map { 1000 * $0 + 100 }
    let signals = correction.corrected(
      raw, shape: GridShape(rows: 1, columns: 1), saturationLevel: nil, electronsPerUnit: nil)
    for value in signals.values { #expect(abs(value - 1000) < 1e-9) }
  }

  @Test("Flat comes before gain, gain before vacuum; vacuum calibrates the lit segments only")
  func sources() throws {
    let vacuum = [2.0, 2, 1, 1, 0, 0, 0, 0]
    let correction = try segmentCorrection(
      for: metadata(references: References(vacuum: .single(vacuum))), gainSource: nil,
      usesDark: true)
    #expect(correction.gainSource == .vacuum)
    #expect(correction.uncalibratedSegments == [4, 5, 6, 7])
    #expect(abs(correction.gain[0] - 4.0 / 3) < 1e-12 && correction.gain[5] == 1)
    let gain = [Double](repeating: 2, count: 8)
    let stated = try segmentCorrection(
      for: metadata(gain: gain, references: References(vacuum: .single(vacuum))), gainSource: nil,
      usesDark: true)
    #expect(stated.gainSource == .gain && stated.gain == [Double](repeating: 1, count: 8))
    #expect(throws: ReferenceError.self) {
      try segmentCorrection(for: metadata(), gainSource: .flat, usesDark: true)
    }
  }

  @Test("Gains from a vacuum scan are known by the positions that hold a number")
  func gainErrors() throws {
    let shape = GridShape(rows: 2, columns: 8)
    let planes = (0..<8).map { segment in
      ScalarField(
        shape: shape,
        values: (0..<16).map { segment == 1 && $0 < 12 ? .nan : segment < 4 ? 100 : 0 })
    }
    let metadata = metadata(references: References(vacuum: .scan(planes), vacuumExposures: 1))
    let correction = try segmentCorrection(for: metadata, gainSource: nil, usesDark: true)
    let errors = try #require(
      relativeGainErrors(of: correction, metadata: metadata, electronsPerUnit: 4))
    // 16 positions of 400 electrons, and four of them.
    #expect(abs(try #require(errors[0]) - 1 / 80) < 1e-12)
    #expect(abs(try #require(errors[1]) - 1 / 40) < 1e-12)
    #expect(errors[5] == nil)
  }

  @Test("NaN is missing, the type's largest number saturated; both hold zero in every segment")
  func masks() {
    let correction = SegmentCorrection(dark: [0, 0], gain: [1, 1], gainSource: .none)
    let signals = correction.corrected(
      [1, .nan, 255, 4, 5, 6], shape: GridShape(rows: 1, columns: 3), saturationLevel: 255,
      electronsPerUnit: 1)
    #expect(
      signals.mask.bytes == [0, PixelFlags.missing.rawValue, PixelFlags.saturated.rawValue])
    #expect(signals.values == [1, 0, 0, 4, 0, 0])
  }

  /// The plain rule where every signal is usable and a unit is an electron.
  private func plainSpikes(
    _ plane: [Double], _ shape: GridShape, threshold: Double
  ) -> Set<Int> {
    let usable = [Bool](repeating: true, count: shape.count)
    return DPCReconstructionTests.plainSpikes(plane, usable, shape, threshold: threshold, 1)
  }

  @Test(
    "The quick spike search finds what the plain rule finds, at many counts and at few",
    arguments: [0.5, 5.0, 40, 900, 2.5e5])
  func spikesAgainstOracle(mean: Double) {
    let shape = GridShape(rows: 23, columns: 31)
    var generator = SeededGenerator(seed: 5, path: [Int(mean)])
    var plane = (0..<shape.count).map { _ in generator.poisson(mean: mean) }
    for position in stride(from: 7, to: shape.count, by: 97) {
      plane[position] = plane[position] * 10 + 30 * (mean + 9).squareRoot()
    }
    for position in stride(from: 50, to: shape.count, by: 131) { plane[position] = 0 }
    plane[200] = -20
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
    signals.maskSpikes(threshold: 9)
    let found = Set(
      (0..<shape.count).filter { signals.mask.bytes[$0] & PixelFlags.hot.rawValue != 0 })
    #expect(found == plainSpikes(plane, shape, threshold: 9))
    #expect(found.count >= 7)
  }

  @Test(
    "The quick spike search decides as the plain rule just above and just below its bound",
    arguments: [4.0, 5, 9, 20], [1.0, 0.25, 8])
  func spikesAtTheBound(threshold: Double, electronsPerUnit: Double) {
    let shape = GridShape(rows: 60, columns: 45)
    var generator = SeededGenerator(seed: 11, path: [Int(threshold)])
    // A ramp from where the dark reference is too large to some hundred electrons.
    var plane = (0..<shape.count).map { position -> Double in
      let (row, column) = (position / shape.columns, position % shape.columns)
      let mean = 2 * Double(row) - 40 + 0.3 * Double(column)
      return mean + generator.poisson(mean: 4) - 4
    }
    for position in stride(from: 3, to: shape.count, by: 29) {
      let mean = plane[position]
      let bound = threshold * (max(mean, 0) + 9).squareRoot()
      let sign = position % 2 == 0 ? 1.0 : -1
      plane[position] += sign * bound * (0.5 + generator.poisson(mean: 30) / 50)
    }
    // Quarters and eighths of electrons are exact: scaling changes no decision.
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane.map { $0 / electronsPerUnit },
      mask: PixelMask(shape: shape), electronsPerUnit: electronsPerUnit)
    signals.maskSpikes(threshold: threshold)
    let found = Set(
      (0..<shape.count).filter { signals.mask.bytes[$0] & PixelFlags.hot.rawValue != 0 })
    #expect(found == plainSpikes(plane, shape, threshold: threshold))
    #expect(found.count > 5 && found.count < shape.count / 29)
  }

  // A window of 24 zeros has no median deviation: without the noise every one of some 0.05 · 1600 electrons is hot.
  @Test(
    "Single electrons in a dark segment are no spikes where their signal is unknown, many are",
    arguments: [1, 100, 0.03])
  func singleElectrons(signal: Double) {
    let shape = GridShape(rows: 40, columns: 40)
    var generator = SeededGenerator(seed: 5, path: [1])
    var plane = (0..<shape.count).map { _ in signal * generator.poisson(mean: 0.05) }
    let counts = plane.count { $0 > 0 }
    plane[850] = 40 * signal
    let signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: nil)
    func hot(_ signalPerElectron: [Double]?) -> [Int] {
      var signals = signals
      signals.maskSpikes(threshold: 9, signalPerElectron: signalPerElectron)
      return (0..<shape.count).filter { signals.mask.bytes[$0] & PixelFlags.hot.rawValue != 0 }
    }
    let ratios = signals.noiseRatios()[0].sorted()
    #expect(hot([ratios[ratios.count / 2]]) == [850])
    #expect(hot(nil).count > counts / 2, "what the noise is for")
  }

  @Test(
    "The signal of an electron is found from noise, with spikes and a slope, and is zero without noise",
    arguments: [3.0, 400, 1e5], [0.25, 1, 60])
  func noise(mean: Double, signal: Double) {
    let shape = GridShape(rows: 64, columns: 96)
    var generator = SeededGenerator(seed: 9, path: [Int(mean)])
    func signals(_ values: [Double]) -> SegmentSignals {
      SegmentSignals(
        shape: shape, segmentCount: 1, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: nil)
    }
    let expected = (0..<shape.count).map { mean * (1 + Double($0 % shape.columns) / 96) }
    var plane = expected.map { signal * generator.poisson(mean: $0) }
    for position in stride(from: 40, to: shape.count, by: 331) { plane[position] *= 10 }
    let ratios = signals(plane).noiseRatios()[0].sorted()
    #expect(ratios.count == 96)
    // The median of 96 ratios, each known to a fifth, scatters by 3 %; spikes raise it in a fifth of the tiles.
    #expect(abs(ratios[48] / signal - 1) < 0.15, "\(ratios[48] / signal)")
    let smooth = signals(expected.map { $0 * signal }).noiseRatios()[0]
    #expect(smooth.allSatisfy { abs($0) < 1e-12 * mean * signal })
  }

  @Test(
    "Where an empty segment begins to count, and more than half of a window is empty, nothing is hot"
  )
  func onsetIsKept() {
    let shape = GridShape(rows: 12, columns: 12)
    let plane = (0..<shape.count).map { position -> Double in
      let ramp = 40 * Double(position % 12) + 10 * Double(position / 12)
      return max(0, ramp - 200)
    }
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
    signals.maskSpikes(threshold: 9)
    #expect(signals.mask.unusableCount == 0)
  }

  @Test("A steep slope and a sharp peak are structure, not spikes")
  func structureIsKept() {
    let shape = GridShape(rows: 20, columns: 20)
    let plane = (0..<shape.count).map { position -> Double in
      let x = Double(position % 20) - 9.5
      let y = Double(position / 20) - 9.5
      let r2 = x * x + y * y
      return 1e6 + 4e4 * x + (r2 < 9 ? 2e5 * (1 - r2 / 9) : 0)
    }
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
    signals.maskSpikes(threshold: 9)
    #expect(signals.mask.unusableCount == 0)
  }

  // The numbers of a smooth map's outer segments, which the disc just reaches.
  @Test("The flank of what lies beyond the rim is structure, a lone signal there is a spike")
  func rimIsKept() {
    let shape = GridShape(rows: 16, columns: 16)
    var plane = [Double](repeating: 0, count: shape.count)
    for (column, signal) in [213.0, 126, 45, 1].enumerated() { plane[5 + column] = signal }
    for (row, signal) in [185.0, 60, 5].enumerated() { plane[(8 + row) * 16] = signal }
    for (column, signal) in [849.0, 231].enumerated() { plane[255 - 1 + column] = signal }
    plane[15] = 60
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
    signals.maskSpikes(threshold: 9)
    let hot = (0..<shape.count).filter { signals.mask.bytes[$0] != 0 }
    #expect(hot == [15])
  }

  @Test(
    "A lone signal is a spike in scans of any shape",
    arguments: [(1, 40), (40, 1), (2, 40), (40, 2), (3, 3), (1, 5)])
  func narrowScans(rows: Int, columns: Int) {
    let shape = GridShape(rows: rows, columns: columns)
    let place = shape.count / 2
    var plane = [Double](repeating: 900, count: shape.count)
    plane[place] = 9000
    var signals = SegmentSignals(
      shape: shape, segmentCount: 1, values: plane, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
    signals.maskSpikes(threshold: 9)
    #expect((0..<shape.count).filter { signals.mask.bytes[$0] != 0 } == [place])
  }
}
