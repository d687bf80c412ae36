// Signals of a coherent probe that crosses a thin specimen: diffraction, from weak phase to rigid shift.
internal import FFTW
internal import Glibc
internal import STEMCore

/// The probe's aberrations, and how finely the detector is integrated.
public struct WaveOptics: Sendable, Equatable {
  /// Positive is underfocus, m.
  public var defocus: Double
  /// Cs, m.
  public var sphericalAberration: Double
  /// Directions per segment at which the intensity is computed.
  public var samplesPerSegment: Int

  public init(
    defocus: Double = 0, sphericalAberration: Double = 0, samplesPerSegment: Int = 16_384
  ) {
    precondition(samplesPerSegment > 0, "a segment has at least one sample")
    self.defocus = defocus
    self.sphericalAberration = sphericalAberration
    self.samplesPerSegment = samplesPerSegment
  }

  /// χ at an angle in rad: the aperture is A = exp(-iχ), χ = -πλ df k² + ½π Cs λ³ k⁴ with the angle λk.
  func aberration(_ x: Double, _ y: Double, wavelength: Double) -> Double {
    let square = x * x + y * y
    return Double.pi / wavelength
      * (-defocus * square + sphericalAberration * square * square / 2)
  }
}

/// Simulates an acquisition by wave optics.
///
/// The specimen is a phase exp(iσ∫V dz) that repeats itself with the frame. At the angle λk on the detector the
/// probe A at r leaves the intensity |Σ_q O_q A(k - q) exp(2πi q·r)|², O_q the specimen's plane waves: one
/// transform gives it at all scan positions. Its integral over each segment runs over points of a lattice of
/// equal areas; edges of diffracted discs cut it, so that the error falls as samples^(-3/4).
/// Electrons then become signals as in ``simulate(_:)``.
///
/// - Parameters:
///   - specification: Without descan, beam tilts or response: what moves the disc as a whole belongs to the
///     rigid-disc model.
///   - optics: Aberrations and samples.
///   - progress: Called with the share that is done, 0...1; stops the work by throwing.
/// - Throws: ``WaveModelError``; what `progress` throws.
public func simulate(
  _ specification: SimulationSpecification, by optics: WaveOptics,
  progress: (Double) throws -> Void = { _ in }
) throws -> SimulatedAcquisition {
  precondition(
    specification.descan == Descan() && specification.beamTilts.isEmpty
      && specification.response == .identity, "the disc is moved by the specimen alone")
  let model = ForwardModel(specification)
  let fractions = try WaveDetector(specification, optics).fractions(progress)
  var simulated = model.acquisition(truth: model.makeTruth()) { _ in fractions }
  simulated.metadata.defocus = optics.defocus
  simulated.metadata.sphericalAberration = optics.sphericalAberration
  return simulated
}

/// Shares of the beam on segments, from plane waves.
private struct WaveDetector {
  private let spectrum: TransmissionSpectrum
  private let optics: WaveOptics
  private let shape: GridShape
  private let wavelength: Double
  private let radius: Double
  private let segments: [DetectorSegment]
  /// From the segments' azimuths to the scan's axes, rad.
  private let turn: Double

  init(_ specification: SimulationSpecification, _ optics: WaveOptics) throws {
    self.optics = optics
    shape = specification.shape
    wavelength = specification.beam.wavelength
    radius = specification.probeSemiAngle
    segments = specification.detector.segments
    turn = specification.detector.orientation + specification.scanRotation
    spectrum = try TransmissionSpectrum(
      specification.phantom, shape: shape, pixelSize: specification.pixelSize,
      beam: specification.beam, limit: specification.detector.outerAngle + radius)
  }

  private var isAberrated: Bool { optics.defocus != 0 || optics.sphericalAberration != 0 }

  func fractions(_ progress: (Double) throws -> Void) throws -> [ScalarField] {
    let transform = ComplexFourierTransform(rows: shape.rows, columns: shape.columns)
    var buffer = TransformBuffer<Complex>(count: shape.count)
    var planes: [ScalarField] = []
    for (index, segment) in segments.enumerated() {
      var plane = ScalarField(shape: shape)
      let zones = zones(of: segment)
      for (number, zone) in zones.enumerated() {
        try add(zone, of: segment, to: &plane, transform, &buffer) { done in
          let share = (Double(number) + done) / Double(zones.count)
          try progress((Double(index) + share) / Double(segments.count))
        }
      }
      planes.append(plane)
    }
    return planes
  }

  /// A part of a segment between two angles, rad.
  private struct Zone {
    let inner: Double
    let outer: Double
    /// All waves pass and none lags behind another: the intensity is that of the empty beam.
    let isUniform: Bool

    init?(_ inner: Double, _ outer: Double, isUniform: Bool = false) {
      guard outer > inner else { return nil }
      (self.inner, self.outer, self.isUniform) = (inner, outer, isUniform)
    }
  }

  /// Cut at the rim of the disc, where the strongest wave ends, and where no other wave's rim reaches.
  private func zones(of segment: DetectorSegment) -> [Zone] {
    let lower = max(0, radius - spectrum.reach)
    let upper = radius + spectrum.reach
    return [
      Zone(segment.inner, min(segment.outer, lower), isUniform: !isAberrated),
      Zone(max(segment.inner, lower), min(segment.outer, radius)),
      Zone(max(segment.inner, radius), min(segment.outer, upper)),
    ].compactMap { $0 }
  }

  /// Adds the intensity in a zone over that of the whole beam.
  private func add(
    _ zone: Zone, of segment: DetectorSegment, to plane: inout ScalarField,
    _ transform: borrowing ComplexFourierTransform, _ buffer: inout TransformBuffer<Complex>,
    _ progress: (Double) throws -> Void
  ) throws {
    let squares = (inner: zone.inner * zone.inner, outer: zone.outer * zone.outer)
    let width = segment.stop - segment.start
    let share = (squares.outer - squares.inner) * width / (2 * Double.pi * radius * radius)
    if zone.isUniform {
      for index in plane.values.indices { plane.values[index] += share }
      return
    }
    let count = optics.samplesPerSegment
    // The fractional parts of multiples of the golden ratio lie as evenly as numbers in a row can.
    let golden = 0.618_033_988_749_894_9
    for sample in 0..<count {
      let u = (Double(sample) + 0.5) / Double(count)
      let v = (Double(sample) * golden + 0.5).truncatingRemainder(dividingBy: 1)
      let angle = (squares.inner + (squares.outer - squares.inner) * u).squareRoot()
      let azimuth = segment.start + turn + v * width
      fill(&buffer, x: angle * cos(azimuth), y: angle * sin(azimuth))
      transform.inverse(&buffer)
      let weight = share / Double(count)
      buffer.withSpan { wave in
        for index in plane.values.indices {
          let value = wave[index]
          plane.values[index] +=
            weight * (value.real * value.real + value.imaginary * value.imaginary)
        }
      }
      if sample % 256 == 255 { try progress(Double(sample) / Double(count)) }
    }
  }

  /// O_q A(k - q) at the waves that the scan tells apart.
  private func fill(_ buffer: inout TransformBuffer<Complex>, x: Double, y: Double) {
    buffer.withMutableSpan { plane in
      for index in 0..<plane.count { plane[index] = Complex(0, 0) }
      for wave in spectrum.waves {
        let (dx, dy) = (x - wave.x, y - wave.y)
        if dx * dx + dy * dy >= radius * radius { continue }
        var part = wave.amplitude
        if isAberrated {
          let chi = optics.aberration(dx, dy, wavelength: wavelength)
          let (c, s) = (cos(chi), sin(chi))
          part = Complex(
            part.real * c + part.imaginary * s, part.imaginary * c - part.real * s)
        }
        let sum = plane[wave.index]
        plane[wave.index] = Complex(sum.real + part.real, sum.imaginary + part.imaginary)
      }
    }
  }
}
