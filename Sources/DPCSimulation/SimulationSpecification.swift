// What is to be simulated: microscope, scan, specimen, noise and every flaw of a real recording.
public import STEMCore

/// All parameters of a simulated acquisition, SI units throughout.
///
/// Everything beyond the first group has a default that means "ideal": no noise, equal gains, no
/// dark signal, no descan, no bad pixels, nothing recorded but the frames.
public struct SimulationSpecification: Sendable, Equatable {
  public var title: String?
  public var beam: ElectronBeam
  /// Convergence semi-angle of the probe, rad.
  public var probeSemiAngle: Double
  public var detector: SegmentedDetector
  public var shape: GridShape
  public var pixelSize: PixelSize
  public var phantom: Phantom
  /// Mean number of electrons per scan position of each frame, vacuum value.
  public var electronsPerPixel: Double

  /// From the detector frame to the scan frame, positive clockwise on the screen, rad.
  public var scanRotation = 0.0
  /// What the file says of the specimen; its thickness also turns E_proj into a mean field.
  public var specimen = Specimen()
  /// Number of repeated frames, each with its own noise.
  public var frameCount = 1
  public var noise = CountingNoise.none
  public var flicker: BeamFlicker?
  /// Signal per electron of each segment relative to the others; nil is 1 for all.
  public var segmentGain: [Double]?
  /// Signal of each segment without beam, in the unit of the frames; nil is 0 for all.
  public var dark: [Double]?
  public var descan = Descan()
  public var badPixels = BadPixels()
  public var output = SignalOutput()
  public var recording = RecordedReferences()
  /// A known tilt of the beam for each frame, detector axes; empty is none.
  public var beamTilts: [BeamTilt] = []
  /// Displacement of the disc = response · deflection, detector axes: a camera length, an orientation
  /// or a shear other than the file states. The descan is a displacement already.
  public var response = Matrix2.identity

  public init(
    title: String? = nil, beam: ElectronBeam, probeSemiAngle: Double,
    detector: SegmentedDetector, shape: GridShape, pixelSize: PixelSize, phantom: Phantom,
    electronsPerPixel: Double
  ) {
    self.title = title
    self.beam = beam
    self.probeSemiAngle = probeSemiAngle
    self.detector = detector
    self.shape = shape
    self.pixelSize = pixelSize
    self.phantom = phantom
    self.electronsPerPixel = electronsPerPixel
  }
}

/// Statistics of the electrons' arrival.
public enum CountingNoise: Sendable, Equatable {
  /// Expected numbers, not rounded.
  case none
  /// Numbers drawn from the Poisson distribution.
  case poisson(seed: UInt64)
}

/// Fluctuation of the beam current from one scan position to the next, common to all segments.
public struct BeamFlicker: Sendable, Equatable {
  /// Standard deviation relative to the mean current (normal, cut off at zero current).
  public var relativeDeviation: Double
  public var seed: UInt64

  public init(relativeDeviation: Double, seed: UInt64) {
    precondition(relativeDeviation >= 0, "a deviation is not negative")
    self.relativeDeviation = relativeDeviation
    self.seed = seed
  }
}

/// Drift of the disc on the detector while the beam is scanned: a plane, in the DETECTOR frame.
///
/// deflection(x, y) = offset + alongX·x + alongY·y with x and y in m from the center of the scan.
public struct Descan: Sendable, Equatable {
  /// Deflection at the center of the scan, rad.
  public var offsetX = 0.0
  public var offsetY = 0.0
  /// Change of the deflection's components per m of scan along x, rad/m.
  public var xAlongX = 0.0
  public var yAlongX = 0.0
  /// Change of the deflection's components per m of scan along y, rad/m.
  public var xAlongY = 0.0
  public var yAlongY = 0.0

  public init() {}

  /// - Parameters:
  ///   - offset: Deflection at the center of the scan, rad.
  ///   - alongX: Its change per m of scan to the right, rad/m.
  ///   - alongY: Its change per m of scan downwards, rad/m.
  public init(
    offset: (x: Double, y: Double), alongX: (x: Double, y: Double), alongY: (x: Double, y: Double)
  ) {
    (offsetX, offsetY) = offset
    (xAlongX, yAlongX) = alongX
    (xAlongY, yAlongY) = alongY
  }

  /// Deflection at a point of the scan, rad, in the detector frame.
  func deflection(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    (offsetX + xAlongX * x + xAlongY * y, offsetY + yAlongX * x + yAlongY * y)
  }
}

/// Scan positions that went wrong, drawn at random in each frame; none of them coincide.
public struct BadPixels: Sendable, Equatable {
  /// Number of positions at which one segment, drawn at random, is multiplied by `spikeFactor`.
  public var spikeCount = 0
  public var spikeFactor = 10.0
  /// Number of positions at which one segment, drawn at random, is NaN.
  public var missingCount = 0
  public var seed: UInt64 = 0

  public init() {}

  public init(spikeCount: Int, spikeFactor: Double, missingCount: Int, seed: UInt64) {
    precondition(spikeCount >= 0 && missingCount >= 0, "a count is not negative")
    self.spikeCount = spikeCount
    self.spikeFactor = spikeFactor
    self.missingCount = missingCount
    self.seed = seed
  }
}

/// In which numbers the detector speaks.
public struct SignalOutput: Sendable, Equatable {
  public var unit = SignalUnit.electrons
  /// Signal per electron at unit gain where the unit is counts.
  public var countsPerElectron = 1.0
  /// Whether signals are rounded to whole numbers, as by a converter.
  public var isDigitized = false
  /// Largest signal that can be expressed; larger ones become this one. nil is no limit.
  public var saturation: Double?

  public init(
    unit: SignalUnit = .electrons, countsPerElectron: Double = 1, isDigitized: Bool = false,
    saturation: Double? = nil
  ) {
    self.unit = unit
    self.countsPerElectron = countsPerElectron
    self.isDigitized = isDigitized
    self.saturation = saturation
  }
}

/// Which references the file holds beside the frames, and what it states of itself.
public struct RecordedReferences: Sendable, Equatable {
  /// How the detector was seen without the specimen.
  public enum Vacuum: Sendable, Equatable {
    case none
    /// The disc at the center of the scan, one number per segment.
    case single
    /// A whole scan, with descan and noise.
    case scan
  }

  public var dark = false
  public var flat = false
  public var vacuum = Vacuum.none
  /// Number of exposures averaged into each reference, which lowers its noise.
  public var exposures = 100
  /// Whether the file states that number.
  public var statesExposures = false
  /// Whether the file states the relative gains themselves.
  public var statesGain = false
  /// Whether the file states the scan rotation.
  public var statesScanRotation = true

  public init(
    dark: Bool = false, flat: Bool = false, vacuum: Vacuum = .none, exposures: Int = 100,
    statesGain: Bool = false, statesScanRotation: Bool = true
  ) {
    precondition(exposures > 0, "a reference has at least one exposure")
    self.dark = dark
    self.flat = flat
    self.vacuum = vacuum
    self.exposures = exposures
    self.statesGain = statesGain
    self.statesScanRotation = statesScanRotation
  }
}
