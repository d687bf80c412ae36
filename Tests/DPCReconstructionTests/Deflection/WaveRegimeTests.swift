// Estimators on signals of diffracted waves, from weak phase to rigid shift, in absolute angles and radians.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct WaveRegimeTests {
  private static let alpha = 0.024
  private static let beam = ElectronBeam(voltage: 200_000)

  private static func detector(orientation: Double) -> SegmentedDetector {
    .annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], start: -Double.pi / 4, orientation: orientation)
  }

  /// Wave-optical signals of waves φ = Σ a sin(2π(m x/width + n y/height) + phase).
  private static func simulated(
    _ waves: [(amplitude: Double, m: Int, n: Int)], shape: GridShape, pixel: PixelSize,
    detector: SegmentedDetector, optics: WaveOptics = WaveOptics(), rotation: Double = 0
  ) throws -> (signals: SegmentSignals, truth: SimulationTruth) {
    let (width, height) = (Double(shape.columns) * pixel.x, Double(shape.rows) * pixel.y)
    var scan = SimulationSpecification(
      beam: beam, probeSemiAngle: alpha, detector: detector, shape: shape, pixelSize: pixel,
      phantom: Phantom(
        waves.enumerated().map { index, wave in
          let (qx, qy) = (Double(wave.m) / width, Double(wave.n) / height)
          return .sinusoidalPotential(
            amplitude: wave.amplitude / beam.interactionParameter, period: 1 / hypot(qx, qy),
            azimuth: atan2(qy, qx), phase: 0.4 + Double(index))
        }), electronsPerPixel: 1)
    scan.scanRotation = rotation
    let result = try simulate(scan, by: optics)
    let frame = try #require(result.frames.first)
    return (
      SegmentSignals(
        shape: shape, segmentCount: frame.count, values: frame.flatMap(\.values),
        mask: PixelMask(shape: shape), electronsPerUnit: nil),
      result.truth
    )
  }

  /// Measured over true deflection by least squares.
  private static func slope(_ field: VectorField, _ truth: VectorField) -> Double {
    var (product, square) = (0.0, 0.0)
    for index in field.x.indices {
      product += field.x[index] * truth.x[index] + field.y[index] * truth.y[index]
      square += truth.x[index] * truth.x[index] + truth.y[index] * truth.y[index]
    }
    return product / square
  }

  private static func estimate(
    _ method: DeflectionMethod, _ signals: SegmentSignals, _ detector: SegmentedDetector
  ) throws -> DeflectionEstimate {
    try deflectionEstimator(method, detector: detector, probeSemiAngle: alpha)
      .deflection(of: signals, calibration: .identity, pixelSize: nil)
  }

  /// The segments' first moment over the true deflection where that is largest, by an independent wave-optical
  /// simulation to the digits given.
  @Test(
    "Over a grating of 40 nm disc-shift is right, center-of-mass goes from 0.60 to 1, and the share tells",
    arguments: [(0.01, 0.540), (0.3, 0.548), (1, 0.62), (3, 0.885), (10, 0.90)])
  func gratings(amplitude: Double, moment: Double) throws {
    let shape = GridShape(rows: 12, columns: 100)
    let pixel = PixelSize(x: 2e-9, y: 2e-9)
    for orientation in [0, 0.5] {
      let detector = Self.detector(orientation: orientation)
      let (signals, truth) = try Self.simulated(
        [(amplitude, 5, 0)], shape: shape, pixel: pixel, detector: detector,
        optics: WaveOptics(samplesPerSegment: 6000))
      let shift = try Self.estimate(.discShift, signals, detector).map.field
      let slope = Self.slope(shift, truth.deflection)
      // The sectors' boundaries blur 9e-4 at most; areas by 6000 samples leave some 2e-3.
      #expect(abs(slope - 1) < 3e-3, "\(amplitude), \(orientation): \(slope)")
      let mass = try Self.estimate(.centerOfMass, signals, detector).map.field
      let largest = try #require(
        truth.deflection.x.indices.max { truth.deflection.x[$0] < truth.deflection.x[$1] })
      let atLargest = mass.x[largest] / truth.deflection.x[largest]
      #expect(
        abs(atLargest * 0.9006 - moment) < 0.006, "\(amplitude), \(orientation): \(atLargest)")
      // Over the whole map the share is smaller, where the deflection passes zero: 0.5404 + 0.7205 ρ.
      let share = try #require(
        try RegimeSignals(detector, probe: Self.alpha).share(signals).value)
      #expect(
        abs(Self.slope(mass, truth.deflection) - (0.5404 + 0.7205 * share) / 0.9006) < 0.005)
    }
  }

  @Test("maximum-likelihood is right for a rigid shift and far off for a weak phase")
  func likelihood() throws {
    let shape = GridShape(rows: 4, columns: 64)
    let detector = Self.detector(orientation: 0.3)
    for (amplitude, period, range) in [(60, 400e-9, 0.97...1.03), (0.3, 40e-9, 0.0...0.6)] {
      let (signals, truth) = try Self.simulated(
        [(amplitude, 1, 0)], shape: shape, pixel: PixelSize(x: period / 64, y: period / 64),
        detector: detector)
      let slope = Self.slope(
        try Self.estimate(.maximumLikelihood, signals, detector).map.field, truth.deflection)
      #expect(range.contains(slope), "\(amplitude) rad: \(slope)")
    }
  }

  /// A lattice of 0.31 × 0.39 nm and a wave of the whole frame.
  private static let lattice = GridShape(rows: 24, columns: 24)
  private static let cell = PixelSize(x: 0.62e-9 / 24, y: 0.78e-9 / 24)

  private static func phase(
    _ scale: Double, optics: WaveOptics, rotation: Double = 0
  ) throws -> (error: Double, slope: Double, discShift: Double) {
    let detector = detector(orientation: 0.25)
    let (signals, truth) = try simulated(
      [(0.5 * scale, 2, 0), (-0.4 * scale, 0, 2), (0.3 * scale, 2, 2), (0.3 * scale, 1, -1)],
      shape: lattice, pixel: cell, detector: detector, optics: optics, rotation: rotation)
    let geometry = try TransferGeometry(
      detector: detector, probeSemiAngle: alpha, wavelength: beam.wavelength, rotation: rotation,
      defocus: optics.defocus, sphericalAberration: optics.sphericalAberration)
    let first = transformed(
      try estimate(.discShift, signals, detector).map,
      by: scanFrameMatrix(rotation: rotation, handedness: .asRecorded))
    let result = reconstructedPhase(
      from: signals, first: first, geometry: geometry, pixelSize: cell, boundary: .periodic)
    let wanted = try #require(truth.phase)
    var (difference, square) = (0.0, 0.0)
    for index in wanted.values.indices {
      difference += pow(result.phase.values[index] - wanted.values[index], 2)
      square += pow(wanted.values[index], 2)
    }
    return (
      (difference / square).squareRoot(), slope(result.deflection.field, truth.deflection),
      slope(first.field, truth.deflection)
    )
  }

  @Test(
    "A weak lattice comes back in radians by its transfer, in focus and out of it, where disc-shift fails",
    arguments: [
      WaveOptics(), WaveOptics(defocus: 4e-9), WaveOptics(defocus: -4e-9),
      WaveOptics(defocus: 3e-9, sphericalAberration: 30e-6),
    ])
  func transfer(optics: WaveOptics) throws {
    for rotation in [0, 2.2] {
      let found = try Self.phase(0.02, optics: optics, rotation: rotation)
      // Areas by sampling: 1e-4 of a transfer of some 0.2; second order: the phase of 0.02 rad itself where
      // aberrations leave it.
      #expect(found.error < 3e-3 && abs(found.slope - 1) < 2e-3, "\(found)")
      #expect(abs(found.discShift - 1) > 0.05, "\(found)")
    }
  }

  @Test("The other sign of the defocus does not fit")
  func wrongDefocus() throws {
    let detector = Self.detector(orientation: 0.25)
    let (signals, truth) = try Self.simulated(
      [(0.01, 2, 0), (0.01, 0, 2)], shape: Self.lattice, pixel: Self.cell, detector: detector,
      optics: WaveOptics(defocus: 4e-9))
    let geometry = try TransferGeometry(
      detector: detector, probeSemiAngle: Self.alpha, wavelength: Self.beam.wavelength,
      rotation: 0, defocus: -4e-9)
    let result = reconstructedPhase(
      from: signals, first: try Self.estimate(.discShift, signals, detector).map,
      geometry: geometry, pixelSize: Self.cell, boundary: .periodic)
    #expect(abs(Self.slope(result.deflection.field, truth.deflection) - 1) > 0.2)
  }

  @Test("The error of the weak-phase approximation grows with the square of the phase")
  func strength() throws {
    let weak = try Self.phase(0.1, optics: WaveOptics()).error
    let strong = try Self.phase(0.4, optics: WaveOptics()).error
    // Second order: odd in the phase, it cancels in opposite sectors but for the third order.
    #expect(weak < 0.01 && strong < 0.1 && strong > 2 * weak, "\(weak) \(strong)")
  }
}
