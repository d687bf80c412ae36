// The way from a field to signals: signs, frames of reference, flaws and references.
import DPCSimulation
import Glibc
import STEMCore
import Testing

private let beam = ElectronBeam(voltage: 200e3)
private let alpha = 24e-3

/// Two rings of quadrants centered on right, down, left and up: segments 0-3 inner, 4-7 outer.
private func specification(
  _ layers: [PhantomLayer], shape: GridShape = GridShape(rows: 3, columns: 4),
  electrons: Double = 1e6
) -> SimulationSpecification {
  SimulationSpecification(
    beam: beam, probeSemiAngle: alpha,
    detector: .annular(
      rings: [(0, alpha, 4), (alpha, 2 * alpha, 4)], start: -Double.pi / 4), shape: shape,
    pixelSize: PixelSize(x: 1e-9, y: 2e-9), phantom: Phantom(layers), electronsPerPixel: electrons)
}

/// Deflection in the detector frame, to first order, from the ring-summed quadrants of a pixel:
/// [π α / (4 sin 45°)] Σ q m = (π α / 2√2)(q_right - q_left, q_down - q_up).
private func linearDeflection(_ planes: [ScalarField], _ index: Int) -> (x: Double, y: Double) {
  let sums = (0..<4).map { planes[$0].values[index] + planes[$0 + 4].values[index] }
  let scale = Double.pi * alpha / (2 * 2.0.squareRoot()) / sums.reduce(0, +)
  return (scale * (sums[0] - sums[2]), scale * (sums[1] - sums[3]))
}

/// A uniform field of 5 V to the right: the beam goes 14.546 µrad to the left.
private let fiveVoltsRight = PhantomLayer.uniform(x: 5, y: 0)
/// pv/e = 343741.13 V at 200 kV, known to its last digit: 1.5e-8 relative.
private let deflection = 5 / 343_741.13

/// First order holds to (δ/α)² = 4e-7 relative.
private func expect(
  _ actual: (x: Double, y: Double), _ x: Double, _ y: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(abs(actual.x - x) < 1e-5 * deflection, sourceLocation: sourceLocation)
  #expect(abs(actual.y - y) < 1e-5 * deflection, sourceLocation: sourceLocation)
}

@Test("the beam moves against the field: 5 V to the right deflect it 14.546 µrad to the left")
func signOfDeflection() {
  let result = simulate(specification([fiveVoltsRight]))
  #expect(abs(result.truth.deflection.x[0] / -deflection - 1) < 2e-8)
  expect(linearDeflection(result.frames[0], 0), -deflection, 0)
  let down = simulate(specification([.uniform(x: 0, y: 5)]))
  expect(linearDeflection(down.frames[0], 0), 0, -deflection)
}

@Test("the detector sees the scan's vectors turned back by the scan rotation")
func scanRotation() {
  var turned = specification([fiveVoltsRight])
  turned.scanRotation = Double.pi / 2
  // R(-90°) turns left into down: R(90°) of down (0, 1) is left (-1, 0).
  expect(linearDeflection(simulate(turned).frames[0], 0), 0, deflection)
  turned.scanRotation = Double.pi / 6
  expect(
    linearDeflection(simulate(turned).frames[0], 0), -deflection * cos(Double.pi / 6),
    deflection * sin(Double.pi / 6))
  #expect(simulate(turned).metadata.scanRotation == Double.pi / 6)
  #expect(abs(simulate(turned).truth.deflection.x[0] / -deflection - 1) < 2e-8)
}

@Test("a detector turned by 90° gives the signal of each segment to the one before it")
func orientation() {
  var turned = specification([fiveVoltsRight])
  let straight = simulate(turned).frames[0]
  turned.detector.orientation = Double.pi / 2
  let frames = simulate(turned).frames[0]
  for segment in 0..<4 {
    let next = (segment + 1) % 4
    #expect(abs(frames[segment].values[0] - straight[next].values[0]) < 1e-6)
    #expect(abs(frames[segment + 4].values[0] - straight[next + 4].values[0]) < 1e-6)
  }
}

@Test("the descan is a plane in the detector frame, whatever the scan rotation")
func descan() throws {
  var drifting = specification([])
  drifting.descan = Descan(offset: (3e-6, -2e-6), alongX: (1e3, 4e3), alongY: (-5e2, 2e2))
  drifting.scanRotation = 1.1
  drifting.recording = RecordedReferences(vacuum: .scan)
  let result = simulate(drifting)
  let truth = try #require(result.truth.descanDeflection)
  // Row 2, column 3 lies at x = 1.5 nm, y = 2 nm from the center.
  let index = 2 * 4 + 3
  let expected = (x: 3e-6 + 1.5e-6 - 1e-6, y: -2e-6 + 6e-6 + 0.4e-6)
  #expect(abs(truth.x[index] - expected.x) < 1e-18 && abs(truth.y[index] - expected.y) < 1e-18)
  expect(linearDeflection(result.frames[0], index), expected.x, expected.y)
  #expect(result.truth.deflection.x.allSatisfy { $0 == 0 })
  #expect(result.metadata.references.vacuum == .scan(result.frames[0]))
}

@Test("specimen and descan add up in the detector frame")
func descanAndSpecimen() {
  var both = specification([fiveVoltsRight])
  both.scanRotation = Double.pi / 2
  both.descan = Descan(offset: (6e-6, 0), alongX: (0, 0), alongY: (0, 0))
  expect(linearDeflection(simulate(both).frames[0], 5), 6e-6, deflection)
}

@Test("signals are electrons times gain plus dark, in the unit of the output")
func signalChain() {
  var chain = specification([], electrons: 4e5)
  chain.segmentGain = [1.1, 0.9, 1, 1.2, 1, 1, 1, 1]
  chain.dark = [10, 20, 30, 40, 50, 60, 70, 80]
  func signals() -> [Double] { simulate(chain).frames[0].map { $0.values[0] } }
  // A quarter of the beam on each inner segment, nothing on the outer ones.
  func expectSignals(_ expected: [Double]) {
    for (actual, value) in zip(signals(), expected) { #expect(abs(actual - value) < 1e-6) }
  }
  expectSignals([110_010, 90_020, 100_030, 120_040, 50, 60, 70, 80])
  chain.output = SignalOutput(unit: .counts, countsPerElectron: 2.5)
  expectSignals([275_010, 225_020, 250_030, 300_040, 50, 60, 70, 80])
  chain.output = SignalOutput(unit: .counts, isDigitized: true, saturation: 95_000)
  expectSignals([95_000, 90_020, 95_000, 95_000, 50, 60, 70, 80])
  chain.dark = nil
  chain.output = SignalOutput(unit: .fraction)
  expectSignals([0.275, 0.225, 0.25, 0.3, 0, 0, 0, 0])
}

@Test("references carry gain and dark: flat by area over the whole detector, vacuum by the disc")
func references() throws {
  var recorded = specification([fiveVoltsRight], electrons: 3.2e6)
  recorded.segmentGain = [1, 1, 1, 1.5, 1, 1, 1, 0.5]
  recorded.dark = [0, 0, 0, 7, 0, 0, 0, 9]
  recorded.recording = RecordedReferences(
    dark: true, flat: true, vacuum: .single, statesGain: true, statesScanRotation: false)
  let metadata = simulate(recorded).metadata
  #expect(metadata.references.dark == recorded.dark)
  #expect(metadata.segmentGain == recorded.segmentGain)
  #expect(metadata.scanRotation == nil)
  // Inner segments have 1/16 of the detector's area, outer ones 3/16.
  let flat = try #require(metadata.references.flat)
  for (actual, value) in zip(flat, [2e5, 2e5, 2e5, 3e5 + 7, 6e5, 6e5, 6e5, 3e5 + 9]) {
    #expect(abs(actual - value) < 1e-6)
  }
  guard case .single(let vacuum)? = metadata.references.vacuum else {
    Issue.record("no single vacuum")
    return
  }
  for (actual, value) in zip(vacuum, [8e5, 8e5, 8e5, 1.2e6 + 7, 0, 0, 0, 9]) {
    #expect(abs(actual - value) < 1e-6)
  }
  recorded.recording = RecordedReferences()
  #expect(simulate(recorded).metadata.references == References())
}

@Test("counting noise has the mean and the variance of the expected numbers, independent per frame")
func countingNoise() {
  var noisy = specification([], shape: GridShape(rows: 64, columns: 64), electrons: 4000)
  noisy.noise = .poisson(seed: 5)
  noisy.frameCount = 2
  let frames = simulate(noisy).frames
  let count = 4096.0
  for frame in frames {
    for segment in 0..<4 {
      let values = frame[segment].values
      #expect(values.allSatisfy { $0 == $0.rounded() })
      let mean = values.reduce(0, +) / count
      let variance = values.reduce(0) { $0 + ($1 - 1000) * ($1 - 1000) } / count
      // Five standard errors: √(1000/4096) and 1000 √(2/4096).
      #expect(abs(mean - 1000) < 5 * 0.494)
      #expect(abs(variance - 1000) < 5 * 22.1)
    }
  }
  func correlation(_ first: [Double], _ second: [Double]) -> Double {
    zip(first, second).reduce(0) { $0 + ($1.0 - 1000) * ($1.1 - 1000) } / count / 1000
  }
  // Independent numbers: standard error 1/64.
  #expect(abs(correlation(frames[0][0].values, frames[1][0].values)) < 5.0 / 64)
  #expect(abs(correlation(frames[0][0].values, frames[0][1].values)) < 5.0 / 64)
  #expect(simulate(noisy).frames == frames)
  noisy.noise = .poisson(seed: 6)
  #expect(simulate(noisy).frames != frames)
}

@Test("a position's noise does not depend on how many rows follow it")
func noiseBelongsToItsPlace() {
  var short = specification([], shape: GridShape(rows: 4, columns: 6))
  short.noise = .poisson(seed: 5)
  var long = short
  long.shape.rows = 9
  let values = simulate(long).frames[0][2].values
  #expect(Array(values.prefix(24)) == simulate(short).frames[0][2].values)
}

@Test("beam flicker scales all segments of a position alike, by the stated deviation")
func flicker() {
  var flickering = specification(
    [fiveVoltsRight], shape: GridShape(rows: 50, columns: 50), electrons: 1e6)
  flickering.flicker = BeamFlicker(relativeDeviation: 0.02, seed: 3)
  let frame = simulate(flickering).frames[0]
  let totals = (0..<2500).map { index in frame.reduce(0) { $0 + $1.values[index] } }
  let variance = totals.reduce(0) { $0 + ($1 / 1e6 - 1) * ($1 / 1e6 - 1) } / 2500
  // Standard error of a deviation from 2500 numbers: 1/√5000 = 1.4 %.
  #expect(abs(variance.squareRoot() / 0.02 - 1) < 5 * 0.0142)
  for index in [0, 777, 2499] { expect(linearDeflection(frame, index), -deflection, 0) }
}

@Test("bad pixels are as many as asked for, and the truth says which")
func badPixels() throws {
  var spoiled = specification([fiveVoltsRight], shape: GridShape(rows: 20, columns: 30))
  let clean = simulate(spoiled).frames[0]
  spoiled.frameCount = 2
  spoiled.badPixels = BadPixels(spikeCount: 12, spikeFactor: 10, missingCount: 7, seed: 4)
  let result = simulate(spoiled)
  #expect(result.truth.badPixels[0] != result.truth.badPixels[1])
  for (frame, mask) in zip(result.frames, result.truth.badPixels) {
    #expect(mask.counts.map(\.name) == ["missing", "hot"])
    #expect(mask.counts.map(\.count) == [7, 12])
    for index in 0..<600 {
      let values = frame.map { $0.values[index] }
      let changed = values.indices.filter { values[$0] != clean[$0].values[index] }
      switch PixelFlags(rawValue: mask.bytes[index]) {
      case .missing: #expect(changed.count == 1 && values[changed[0]].isNaN)
      case .hot:
        // A spike on an empty segment changes nothing.
        #expect(changed.allSatisfy { values[$0] == 10 * clean[$0].values[index] })
      default: #expect(changed.isEmpty)
      }
    }
  }
  let map = try #require(result.truth.datasets.first { $0.name == "bad_pixels" })
  #expect(map.shape == [2, 20, 30])
  #expect(map.values.filter { $0 == 2 }.count == 24 && map.values.filter { $0 == 1 }.count == 14)
}
