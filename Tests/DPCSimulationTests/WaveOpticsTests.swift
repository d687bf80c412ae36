// Diffraction against closed forms: Bessel orders, overlaps of discs, and the rigid disc as its limit.
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct WaveOpticsTests {
  private static let alpha = 0.024
  private static let beam = ElectronBeam(voltage: 200_000)

  /// A grating of one period across 24 columns, turned neither to x nor to the sectors.
  private static func grating(
    amplitude: Double, period: Double, detector: SegmentedDetector, phase: Double = 0.3
  ) -> SimulationSpecification {
    SimulationSpecification(
      beam: beam, probeSemiAngle: alpha, detector: detector,
      shape: GridShape(rows: 1, columns: 24), pixelSize: PixelSize(x: period / 24, y: period / 24),
      phantom: Phantom([
        .sinusoidalPotential(
          amplitude: amplitude / beam.interactionParameter, period: period, azimuth: 0,
          phase: phase)
      ]), electronsPerPixel: 1)
  }

  private static func signals(
    _ specification: SimulationSpecification, _ optics: WaveOptics = WaveOptics()
  ) throws -> [ScalarField] {
    try #require(simulate(specification, by: optics).frames.first)
  }

  private static let quadrants = SegmentedDetector.annular(
    rings: [(0, 0.024, 4), (0.024, 0.048, 4)], start: -Double.pi / 4, orientation: 0.2)

  /// x of a column from the middle of the frame in units of the period, times 2π, plus the phase.
  private static func argument(_ column: Int) -> Double {
    2 * Double.pi * (Double(column) - 11.5) / 24 + 0.3
  }

  @Test(
    "The rim of the disc moves by what the phase's slope says: signs and scale of a weak grating")
  func weakPhase() throws {
    let (amplitude, period) = (1e-3, 0.4e-9)
    let scan = Self.grating(amplitude: amplitude, period: period, detector: Self.quadrants)
    let found = try Self.signals(scan)
    let disc = BrightFieldDisc(radius: Self.alpha)
    let angle = Self.beam.wavelength / period
    for (index, segment) in Self.quadrants.segments.enumerated() {
      // φ = a sin u makes i = a [S(+λq) - S(-λq)] cos u, S the parts of the segment within the disc that a
      // disc displaced by ±λq covers; nothing falls outside the disc in first order.
      func covered(_ x: Double) -> Double {
        segment.inner >= Self.alpha
          ? 0
          : disc.fraction(
            on: segment, orientation: Self.quadrants.orientation, displacedBy: x, 0)
      }
      let slope = covered(angle) - covered(-angle)
      let rest = disc.fraction(
        on: segment, orientation: Self.quadrants.orientation, displacedBy: 0, 0)
      for column in 0..<24 {
        let expected = rest + amplitude * slope * cos(Self.argument(column))
        // 16384 samples of areas: some 1e-4 of the amplitude; second order of 1e-6.
        #expect(
          abs(found[index].values[column] - expected) < 3e-4 * amplitude + amplitude * amplitude,
          "segment \(index), column \(column)")
      }
    }
    // The electron goes where the phase rises: to +x at u = 0.
    let right = found[0].values[11] + found[4].values[11]
    let left = found[2].values[11] + found[6].values[11]
    #expect(right - left > 0.1 * amplitude)
  }

  @Test("A strong and slow grating moves the disc as a whole, each ring by itself")
  func rigidShift() throws {
    // 60 rad over 400 nm: ±2.4 mrad·10⁻¹, many times the width λ/P of what the rim is blurred by.
    let scan = Self.grating(amplitude: 60, period: 400e-9, detector: Self.quadrants)
    let rigid = try #require(simulate(scan).frames.first)
    let waves = try Self.signals(scan)
    let steepest = 60 * Self.beam.wavelength / 400e-9
    // A sector's share moves by θ/(πα) √2 at most. Where the shift passes zero its gradient blurs the rim by
    // √(λ dθ/dx), a third of the largest shift, and some tenth of that ends in a ring alone.
    let scale = steepest / (Double.pi * Self.alpha) * 2.0.squareRoot()
    var largest = 0.0
    for segment in 0..<8 {
      for column in 0..<24 {
        largest = max(
          largest, abs(rigid[segment].values[column] - waves[segment].values[column]))
      }
    }
    #expect(largest < 0.06 * scale, "\(largest / scale)")
    for sector in 0..<4 {
      for column in 0..<24 {
        let sum = waves[sector].values[column] + waves[sector + 4].values[column]
        let expected = rigid[sector].values[column] + rigid[sector + 4].values[column]
        #expect(abs(sum - expected) < 2e-3 * scale)
      }
    }
  }

  /// The share of the beam on a segment by Bessel orders and a polar grid of directions.
  private static func bessel(
    _ segment: DetectorSegment, _ amplitude: Double, _ period: Double, _ optics: WaveOptics,
    turn: Double, argument u: Double
  ) -> Double {
    let wavelength = beam.wavelength
    func chi(_ x: Double, _ y: Double) -> Double {
      let k2 = (x * x + y * y) / (wavelength * wavelength)
      return -Double.pi * wavelength * optics.defocus * k2
        + Double.pi / 2 * optics.sphericalAberration * wavelength * wavelength * wavelength
        * k2 * k2
    }
    let (radial, angular) = (200, 100)
    let orders = (-8...8).map { (order: Double($0), part: jn(Int32($0), amplitude)) }
    let width = segment.stop - segment.start
    var sum = 0.0
    for i in 0..<radial {
      let inner = segment.inner * segment.inner
      let square =
        inner + (segment.outer * segment.outer - inner) * (Double(i) + 0.5) / Double(radial)
      for j in 0..<angular {
        let azimuth = segment.start + turn + width * (Double(j) + 0.5) / Double(angular)
        let (x, y) = (square.squareRoot() * cos(azimuth), square.squareRoot() * sin(azimuth))
        var (real, imaginary) = (0.0, 0.0)
        for (order, part) in orders {
          let dx = x - order * wavelength / period
          if dx * dx + y * y >= alpha * alpha { continue }
          // exp(ia sin u) = Σ J_n(a) exp(inu).
          let angle = order * u - chi(dx, y)
          real += part * cos(angle)
          imaginary += part * sin(angle)
        }
        sum += real * real + imaginary * imaginary
      }
    }
    let area = (segment.outer * segment.outer - segment.inner * segment.inner) * width / 2
    return sum * area / Double(radial * angular) / (Double.pi * alpha * alpha)
  }

  @Test(
    "A grating of 0.8 rad diffracts into Bessel orders, with defocus and spherical aberration",
    arguments: [
      WaveOptics(), WaveOptics(defocus: 6e-9), WaveOptics(defocus: -6e-9),
      WaveOptics(defocus: 3e-9, sphericalAberration: 40e-6),
    ])
  func orders(optics: WaveOptics) throws {
    let (amplitude, period) = (0.8, 0.35e-9)
    var scan = Self.grating(amplitude: amplitude, period: period, detector: Self.quadrants)
    scan.scanRotation = 0.5
    let found = try Self.signals(scan, optics)
    for index in [0, 1, 4, 7] {
      let segment = Self.quadrants.segments[index]
      for column in [0, 5, 13] {
        let expected = Self.bessel(
          segment, amplitude, period, optics, turn: 0.7, argument: Self.argument(column))
        // Rims cut 2 · 500 cells of either lattice of 20,000 and 16,384: 3e-4 of the share each.
        #expect(
          abs(found[index].values[column] - expected) < 4e-4,
          "segment \(index), column \(column): \(found[index].values[column]) \(expected)")
      }
    }
  }

  @Test("A detector that catches all loses nothing, and the file states the probe's aberrations")
  func conservation() throws {
    var scan = Self.grating(
      amplitude: 1, period: 0.6e-9,
      detector: .annular(rings: [(0, 0.02, 3), (0.02, 0.06, 6)]))
    scan.frameCount = 2
    let simulated = try simulate(scan, by: WaveOptics(defocus: 2e-9, sphericalAberration: 1e-5))
    for column in 0..<24 {
      let sum = simulated.frames[1].reduce(0) { $0 + $1.values[column] }
      #expect(abs(sum - 1) < 1e-3)
    }
    #expect(simulated.metadata.defocus == 2e-9)
    #expect(simulated.metadata.sphericalAberration == 1e-5)
    #expect(simulated.frames.count == 2 && simulated.truth.badPixels.count == 2)
  }

  @Test("What is no phase of one period is refused, and the work can be stopped")
  func refusals() throws {
    func refusal(_ layer: PhantomLayer, columns: Int = 40) -> WaveModelError? {
      let scan = SimulationSpecification(
        beam: Self.beam, probeSemiAngle: Self.alpha, detector: Self.quadrants,
        shape: GridShape(rows: 8, columns: columns), pixelSize: PixelSize(x: 1e-9, y: 1e-9),
        phantom: Phantom([layer]), electronsPerPixel: 1)
      let outcome = Result { try simulate(scan, by: WaveOptics(samplesPerSegment: 1)) }
      guard case .failure(let error) = outcome else { return nil }
      return error as? WaveModelError
    }
    let volt = 1e-9
    #expect(
      refusal(.sinusoidalPotential(amplitude: volt, period: 20e-9, azimuth: 0, phase: 1)) == nil)
    guard
      case .notPeriodic(let jump)? = refusal(
        .sinusoidalPotential(amplitude: volt, period: 27e-9, azimuth: 0, phase: 0))
    else {
      Issue.record("a grating that is cut was taken")
      return
    }
    // V = A sin at ±20 nm: the phase differs by 2σA sin(2π 20/27).
    #expect(
      abs(jump - 2 * 7.288401e6 * volt * abs(sin(2 * Double.pi * 20 / 27))) < 1e-6)
    guard case .notPeriodic? = refusal(.planePotential(gradientX: 1, gradientY: 0)) else {
      Issue.record("a ramp was taken")
      return
    }
    struct Stop: Error {}
    let scan = Self.grating(amplitude: 1, period: 1e-9, detector: Self.quadrants)
    #expect(throws: Stop.self) {
      try simulate(scan, by: WaveOptics()) { done in if done > 0.1 { throw Stop() } }
    }
  }
}
