// From a specification to an acquisition with its truth: the way the signal takes in the column.
public import STEMCore
internal import Glibc

/// A simulated acquisition: what a file would hold, and what it is made of.
public struct SimulatedAcquisition: Sendable, Equatable {
  public var metadata: AcquisitionMetadata
  /// Signals: per frame, per segment a plane of the scan's shape, in `metadata.signalUnit`.
  public var frames: [[ScalarField]]
  public var truth: SimulationTruth

  public init(
    metadata: AcquisitionMetadata, frames: [[ScalarField]], truth: SimulationTruth
  ) {
    self.metadata = metadata
    self.frames = frames
    self.truth = truth
  }
}

/// Simulates an acquisition in the rigid-disc model.
///
/// The specimen's projected field deflects the beam by θ = -E_proj / (pv/e) (the electron is
/// negative), in the scan frame. R(-scan rotation) turns θ into the detector frame, where the
/// descan adds to it; the disc moves by the sum as a rigid whole, and each segment receives the
/// share of the disc that lies on it. Then come the number of electrons with the beam's flicker,
/// counting noise, the unit, the gains, the dark signal, bad pixels, saturation and rounding.
///
/// The result depends on the specification alone: every random number is named by its seed, frame,
/// segment and row.
///
/// - Precondition: `segmentGain` and `dark`, where given, have one value per segment, and there
///   are no more bad pixels than scan positions.
public func simulate(_ specification: SimulationSpecification) -> SimulatedAcquisition {
  let model = ForwardModel(specification)
  let truth = model.makeTruth()
  let steady = model.fractions(of: model.detectorDeflection(truth.deflection))
  return model.acquisition(truth: truth) { frame in
    if specification.beamTilts.isEmpty { return steady }
    let tilt = specification.beamTilts[frame]
    return model.fractions(of: model.detectorDeflection(truth.deflection, tilt: tilt))
  }
}

/// What a stream of random numbers is for, the first step of its path.
enum RandomPurpose: Int {
  case frame, vacuum, flat, flicker, vacuumFlicker, badPixels
}

/// The steps of the simulation, each a function of the specification.
struct ForwardModel {
  let specification: SimulationSpecification
  let disc: BrightFieldDisc
  let gains: [Double]
  let darks: [Double]

  init(_ specification: SimulationSpecification) {
    let count = specification.detector.segments.count
    self.specification = specification
    disc = BrightFieldDisc(radius: specification.probeSemiAngle)
    gains = specification.segmentGain ?? [Double](repeating: 1, count: count)
    darks = specification.dark ?? [Double](repeating: 0, count: count)
    precondition(gains.count == count && darks.count == count, "one value per segment")
    precondition(specification.frameCount > 0, "an acquisition has at least one frame")
    precondition(
      specification.beamTilts.isEmpty || specification.beamTilts.count == specification.frameCount,
      "one tilt per frame")
    precondition(specification.electronsPerPixel >= 0, "a dose is not negative")
  }

  var shape: GridShape { specification.shape }

  /// Records every frame.
  ///
  /// - Parameters:
  ///   - truth: Without its bad pixels, which are drawn here.
  ///   - fractions: Of a frame, the share of the beam on every segment at every scan position.
  func acquisition(
    truth: SimulationTruth, fractions: (_ frame: Int) -> [ScalarField]
  ) -> SimulatedAcquisition {
    var truth = truth
    var frames: [[ScalarField]] = []
    for frame in 0..<specification.frameCount {
      let shares = fractions(frame)
      let current = beamCurrent(frame: frame, stream: .flicker)
      var planes = shares.indices.map { segment in
        signal(
          of: shares[segment], segment: segment, frame: frame, current: current, purpose: .frame)
      }
      truth.badPixels.append(spoil(&planes, frame: frame))
      for index in planes.indices { digitize(&planes[index]) }
      frames.append(planes)
    }
    return SimulatedAcquisition(metadata: metadata(), frames: frames, truth: truth)
  }

  func makeTruth() -> SimulationTruth {
    let pixelSize = specification.pixelSize
    let projected = specification.phantom.projectedField(shape: shape, pixelSize: pixelSize)
    let potential = specification.phantom.projectedPotential(shape: shape, pixelSize: pixelSize)
    let stiffness = specification.beam.momentumVelocityPerCharge
    let sigma = specification.beam.interactionParameter
    let thickness = specification.specimen.thickness
    func scaled(_ factor: Double) -> VectorField {
      VectorField(
        shape: shape, x: projected.x.map { $0 * factor }, y: projected.y.map { $0 * factor })
    }
    return SimulationTruth(
      deflection: scaled(-1 / stiffness), projectedField: projected,
      field: thickness.map { scaled(1 / $0) }, projectedPotential: potential,
      phase: potential.map { ScalarField(shape: shape, values: $0.values.map { $0 * sigma }) },
      thickness: thickness, scanRotation: specification.scanRotation,
      segmentGain: specification.segmentGain, dark: specification.dark,
      signalUnit: specification.output.unit,
      descanDeflection: specification.descan == Descan() ? nil : descanDeflection(),
      badPixels: [],
      walls: specification.phantom.layers.compactMap { layer in
        if case .walls(let walls) = layer { walls } else { nil }
      })
  }

  /// Descan at every scan position, detector frame, rad.
  func descanDeflection() -> VectorField {
    var field = VectorField(shape: shape)
    forEachPosition(shape, specification.pixelSize) { index, x, y in
      (field.x[index], field.y[index]) = specification.descan.deflection(x, y)
    }
    return field
  }

  /// Total displacement of the disc in the detector frame, rad, of a deflection in the scan frame and
  /// a tilt of the beam.
  func detectorDeflection(
    _ deflection: VectorField, tilt: BeamTilt = BeamTilt(x: 0, y: 0)
  ) -> VectorField {
    let rotation = Matrix2.rotation(
      cosine: cos(specification.scanRotation), sine: -sin(specification.scanRotation))
    var total = descanDeflection()
    for index in total.x.indices {
      let inDetector = rotation(deflection.x[index], deflection.y[index])
      let turned = specification.response(inDetector.x + tilt.x, inDetector.y + tilt.y)
      total.x[index] += turned.x
      total.y[index] += turned.y
    }
    return total
  }

  /// Share of the beam on every segment at every scan position.
  func fractions(of deflection: VectorField) -> [ScalarField] {
    specification.detector.segments.map { segment in
      var plane = ScalarField(shape: shape)
      for index in plane.values.indices {
        plane.values[index] = disc.fraction(
          on: segment, orientation: specification.detector.orientation,
          displacedBy: deflection.x[index], deflection.y[index])
      }
      return plane
    }
  }
}
