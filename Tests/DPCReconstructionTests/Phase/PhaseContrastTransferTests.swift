// The transfer function against areas by counting, and phases that come back in radians and of the right sign.
import DPCSimulation
import FFTW
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct PhaseContrastTransferTests {
  private static let degree = Double.pi / 180
  private static let alpha = 0.024
  static let wavelength = ElectronBeam(voltage: 200_000).wavelength

  /// Two rings of four, shuffled, the first sector from `start`.
  private static func detector(start: Double = -45, outer: Bool = true) -> SegmentedDetector {
    var segments: [DetectorSegment] = []
    for (inner, edge) in outer ? [(0.024, 0.048), (0, 0.024)] : [(0, 0.048)] {
      for k in [2, 0, 3, 1] {
        let first = (start + 90 * Double(k)) * degree
        segments.append(
          DetectorSegment(inner: inner, outer: edge, start: first, stop: first + 90 * degree))
      }
    }
    return SegmentedDetector(segments: segments, orientation: 0)
  }

  static func geometry(
    rotation: Double = 0, defocus: Double = 0, start: Double = -45
  ) throws -> TransferGeometry {
    try TransferGeometry(
      detector: detector(start: start), probeSemiAngle: alpha, wavelength: wavelength,
      rotation: rotation, defocus: defocus)
  }

  @Test(
    "In focus T is i times the difference of two overlaps, counted on a fine grid",
    arguments: [0.3, 0.9, 1.05, 1.3, 1.7, 1.95])
  func areas(distance: Double) throws {
    let geometry = try Self.geometry(start: -30)
    let direction = 20 * Self.degree
    let q = distance * Self.alpha / Self.wavelength
    let found = geometry.transfer(qx: q * cos(direction), qy: q * sin(direction))
    let steps = 1200
    var counted = [Double](repeating: 0, count: 4)
    let (x, y) = (distance * cos(direction), distance * sin(direction))
    for i in 0..<steps {
      for j in 0..<steps {
        let kx = (Double(i) + 0.5) / Double(steps) * 2 - 1
        let ky = (Double(j) + 0.5) / Double(steps) * 2 - 1
        guard kx * kx + ky * ky < 1 else { continue }
        let turned = atan2(ky, kx) - geometry.sectors[0].start
        let angle = turned - 2 * Double.pi * (turned / (2 * Double.pi)).rounded(.down)
        let sector = geometry.sectors.indices.first { index in
          let offset = geometry.sectors[index].start - geometry.sectors[0].start
          let first = offset - 2 * Double.pi * (offset / (2 * Double.pi)).rounded(.down)
          return angle >= first && angle < first + Double.pi / 2
        }
        guard let sector else { continue }
        if (kx - x) * (kx - x) + (ky - y) * (ky - y) < 1 { counted[sector] += 1 }
        if (kx + x) * (kx + x) + (ky + y) * (ky + y) < 1 { counted[sector] -= 1 }
      }
    }
    let cell = 4 / Double(steps * steps) / Double.pi
    for sector in 0..<4 {
      // The rims cut some 10 · 1200 cells, half of which are counted wrong at random.
      #expect(abs(found[sector].imaginary - counted[sector] * cell) < 3e-4)
      #expect(found[sector].real == 0)
    }
  }

  @Test("Aberrations by quadrature pass over into the closed form without them")
  func quadrature() throws {
    let exact = try Self.geometry()
    let tiny = try Self.geometry(defocus: 1e-15)
    for distance in [0.2, 0.8, 1.02, 1.4, 1.8] {
      let q = distance * Self.alpha / Self.wavelength
      for (a, b) in zip(exact.transfer(qx: q, qy: 0.3 * q), tiny.transfer(qx: q, qy: 0.3 * q)) {
        // Square roots at the ends of the lens, midpoints of 64 rays.
        #expect(abs(a.imaginary - b.imaginary) < 2e-4 && abs(b.real) < 1e-6)
      }
    }
  }

  /// Signals of a weak phase by first-order wave optics, on a periodic frame.
  static func signals(
    phase waves: [(m: Int, n: Int, amplitude: Double)], shape: GridShape, pixel: PixelSize,
    geometry: TransferGeometry, segmentCount: Int, electrons: Double?, seed: UInt64? = nil
  ) -> SegmentSignals {
    var values = [Double](repeating: 0, count: segmentCount * shape.count)
    var generator = SeededGenerator(seed: seed ?? 0, path: [21])
    for (sector, members) in geometry.members.enumerated() {
      let fraction = geometry.fractions[sector]
      for position in 0..<shape.count {
        let (row, column) = (position / shape.columns, position % shape.columns)
        var part = fraction
        for wave in waves {
          let qx = Double(wave.m) / (Double(shape.columns) * pixel.x)
          let qy = Double(wave.n) / (Double(shape.rows) * pixel.y)
          let t = geometry.transfer(qx: qx, qy: qy)[sector]
          let angle =
            2 * Double.pi
            * (Double(wave.m * column) / Double(shape.columns)
              + Double(wave.n * row) / Double(shape.rows))
          // φ = a cos: i_j = Re(T e^{i angle}) a.
          part += wave.amplitude * (t.real * cos(angle) - t.imaginary * sin(angle))
        }
        // The inner ring counts; the outer one stays dark.
        let mean = part * (electrons ?? 1)
        let noise = seed == nil ? 0 : (mean.squareRoot() * generator.normal())
        for member in members where member >= 4 {
          values[member * shape.count + position] = mean + noise
        }
      }
    }
    return SegmentSignals(
      shape: shape, segmentCount: segmentCount, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: electrons == nil ? nil : 1, varianceFactor: 1)
  }

  private static let shape = GridShape(rows: 48, columns: 60)
  private static let pixel = PixelSize(x: 0.05e-9, y: 0.06e-9)
  private static let waves = [(m: 3, n: 2, amplitude: 0.02), (m: 11, n: -5, amplitude: -0.03)]

  private static func truth() -> (phase: [Double], slope: VectorField) {
    var phase = [Double](repeating: 0, count: shape.count)
    var slope = VectorField(shape: shape)
    for position in 0..<shape.count {
      let (row, column) = (position / shape.columns, position % shape.columns)
      for wave in waves {
        let kx = 2 * Double.pi * Double(wave.m) / (Double(shape.columns) * pixel.x)
        let ky = 2 * Double.pi * Double(wave.n) / (Double(shape.rows) * pixel.y)
        let angle = kx * Double(column) * pixel.x + ky * Double(row) * pixel.y
        phase[position] += wave.amplitude * cos(angle)
        slope.x[position] -= wave.amplitude * kx * sin(angle)
        slope.y[position] -= wave.amplitude * ky * sin(angle)
      }
    }
    return (phase, slope)
  }

  /// A disc-shift deflection to begin with: that of the sectors' first moments.
  static func reconstruct(
    _ signals: SegmentSignals, _ geometry: TransferGeometry,
    _ regularization: TransferRegularization = .measured,
    boundary: IntegrationBoundary = .periodic
  ) throws -> PhaseReconstruction {
    let estimator = try DiscShiftEstimator(detector: detector(), probeSemiAngle: alpha)
    let first = estimator.deflection(of: signals, calibration: .identity, pixelSize: pixel).map
    return reconstructedPhase(
      from: signals, first: first, geometry: geometry, pixelSize: pixel, boundary: boundary,
      regularization: regularization)
  }

  @Test(
    "A weak phase comes back in radians, and its slope as a deflection, in focus and 4 nm off",
    arguments: [0, 4e-9])
  func weakPhase(defocus: Double) throws {
    let geometry = try Self.geometry(defocus: defocus)
    let signals = Self.signals(
      phase: Self.waves, shape: Self.shape, pixel: Self.pixel, geometry: geometry,
      segmentCount: 8, electrons: nil)
    let (phase, slope) = Self.truth()
    let scale = Self.wavelength / (2 * Double.pi)
    func errors(_ boundary: IntegrationBoundary) throws -> (phase: Double, slope: Double) {
      let result = try Self.reconstruct(signals, geometry, boundary: boundary)
      #expect(result.deflection.covariance == nil)
      var (phaseError, slopeError) = (0.0, 0.0)
      for position in phase.indices {
        phaseError = max(phaseError, abs(result.phase.values[position] - phase[position]))
        slopeError = max(
          slopeError, abs(result.deflection.field.x[position] - scale * slope.x[position]),
          abs(result.deflection.field.y[position] - scale * slope.y[position]))
      }
      return (phaseError, slopeError)
    }
    let steepest = 0.03 * scale * 2 * Double.pi * 11 / 3e-9
    let exact = try errors(.periodic)
    // ε is 10⁻¹² of the largest transfer. The mean slope is that of disc-shift, whose third order in a
    // deflection of some 10⁻² of the disc leaves 10⁻⁶ rad across the frame.
    #expect(exact.phase < 5e-6 && exact.slope < 1e-4 * steepest, "\(exact)")
    // A frame that is not taken for periodic loses some percent of so fine a phase at its rim.
    let open = try errors(.neumann)
    #expect(open.phase < 0.05 * 0.05 && open.slope < 0.1 * steepest, "\(open)")
  }

  @Test("With noise the errors of the deflection hold, and the phase beats the plain deflection")
  func noise() throws {
    let geometry = try Self.geometry()
    let (_, slope) = Self.truth()
    let scale = Self.wavelength / (2 * Double.pi)
    var (within, count) = (0, 0)
    for seed in 1...6 {
      let signals = Self.signals(
        phase: Self.waves, shape: Self.shape, pixel: Self.pixel, geometry: geometry,
        segmentCount: 8, electrons: 4e4, seed: UInt64(seed))
      let result = try Self.reconstruct(signals, geometry, .relative(1e-3))
      let covariance = try #require(result.deflection.covariance)
      for position in slope.x.indices {
        for (found, wanted, variance) in [
          (result.deflection.field.x[position], slope.x[position], covariance.xx[0]),
          (result.deflection.field.y[position], slope.y[position], covariance.yy[0]),
        ] {
          let difference = found - scale * wanted
          if difference * difference < variance { within += 1 }
          count += 1
        }
      }
    }
    let share = Double(within) / Double(count)
    // Six draws of 5760 numbers that share their noise by fives: 0.6 %; and the bias of ε.
    #expect(share > 0.63 && share < 0.73, "\(share)")
  }

  @Test("An image is split into a smooth and a periodic part that add up; ramps are smooth")
  func smooth() {
    var image = ScalarField(shape: GridShape(rows: 20, columns: 30))
    for row in 0..<20 {
      for column in 0..<30 {
        image[row, column] = 0.5 * Double(column) - 0.2 * Double(row) + cos(0.7 * Double(column))
      }
    }
    let part = smoothComponent(of: image)
    // The rest is as smooth across the rim as inside: its jump is no larger than its steps.
    var (largestStep, largestJump) = (0.0, 0.0)
    for row in 0..<20 {
      func rest(_ column: Int) -> Double { image[row, column] - part[row, column] }
      for column in 0..<29 { largestStep = max(largestStep, abs(rest(column + 1) - rest(column))) }
      largestJump = max(largestJump, abs(rest(29) - rest(0)))
    }
    #expect(largestJump < largestStep)
  }

  @Test("Rings divided along other lines are refused")
  func refused() {
    var odd = Self.detector()
    for index in odd.segments.indices where odd.segments[index].inner == 0 {
      odd.segments[index].start += 30 * Self.degree
      odd.segments[index].stop += 30 * Self.degree
    }
    #expect(throws: EstimatorError.self) {
      try TransferGeometry(
        detector: odd, probeSemiAngle: Self.alpha, wavelength: Self.wavelength, rotation: 0)
    }
  }
}
