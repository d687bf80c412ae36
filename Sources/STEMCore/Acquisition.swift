// What an acquisition says about itself, in SI units, apart from its frames.

/// The unit in which frames and references count.
public enum SignalUnit: String, Sendable, Equatable, Codable {
  /// Each number is a number of electrons.
  case electrons
  /// Detector counts, proportional to electrons by an unstated factor.
  case counts
  /// Fractions of the beam.
  case fraction
}

/// The direction of the field relative to the wall and the beam; physics: inclined walls.
public enum FieldDirection: String, Sendable, Equatable, CaseIterable, Codable {
  /// Along the wall, perpendicular to the beam.
  case perp
  /// Along the wall, in the plane of the beam and the wall normal.
  case parallel
  /// Along the wall normal.
  case normal
}

/// How the specimen was cut.
public enum SpecimenView: String, Sendable, Equatable, Codable {
  case top
  case crossSection = "cross-section"
}

/// What the file says of the specimen; nil is "not stated".
public struct Specimen: Sendable, Equatable, Codable {
  public var material: String?
  public var zoneAxis: String?
  public var view: SpecimenView?
  /// Along the beam, m.
  public var thickness: Double?
  /// One standard deviation of the thickness, m.
  public var thicknessError: Double?
  /// Angle between the beam and the plane of the wall (0 = edge-on), rad.
  public var wallInclination: Double?
  /// Azimuth of the wall normal in the image, rad.
  public var wallNormalAzimuth: Double?
  public var fieldDirection: FieldDirection?

  public init(
    material: String? = nil, zoneAxis: String? = nil, view: SpecimenView? = nil,
    thickness: Double? = nil, wallInclination: Double? = nil, wallNormalAzimuth: Double? = nil,
    fieldDirection: FieldDirection? = nil
  ) {
    self.material = material
    self.zoneAxis = zoneAxis
    self.view = view
    self.thickness = thickness
    self.wallInclination = wallInclination
    self.wallNormalAzimuth = wallNormalAzimuth
    self.fieldDirection = fieldDirection
  }
}

/// Signals recorded without the specimen, in the unit of the frames.
public enum VacuumReference: Sendable, Equatable, Codable {
  /// One number per segment.
  case single([Double])
  /// A whole scan without the specimen: per segment a plane of the scan's shape.
  case scan([ScalarField])
}

/// Recorded references; nil is "not in the file".
public struct References: Sendable, Equatable, Codable {
  /// Signal per segment without beam.
  public var dark: [Double]?
  /// Signal per segment under homogeneous illumination.
  public var flat: [Double]?
  public var vacuum: VacuumReference?
  /// Exposures averaged into the flat; nil where not stated.
  public var flatExposures: Double?
  /// Exposures averaged into the vacuum reference; nil where not stated.
  public var vacuumExposures: Double?

  public init(
    dark: [Double]? = nil, flat: [Double]? = nil, vacuum: VacuumReference? = nil,
    flatExposures: Double? = nil, vacuumExposures: Double? = nil
  ) {
    self.dark = dark
    self.flat = flat
    self.vacuum = vacuum
    self.flatExposures = flatExposures
    self.vacuumExposures = vacuumExposures
  }
}

/// A known tilt of the beam in the axes of the detector, rad.
public struct BeamTilt: Sendable, Equatable, Codable {
  public var x: Double
  public var y: Double

  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// All that an acquisition states, apart from its frames. SI units throughout.
public struct AcquisitionMetadata: Sendable, Equatable, Codable {
  public var title: String?
  /// Number of repeated frames; 1 for a file without a frame axis.
  public var frameCount: Int
  public var shape: GridShape
  /// nil where the file does not state it.
  public var pixelSize: PixelSize?
  public var beam: ElectronBeam
  /// Convergence semi-angle α of the probe, rad.
  public var probeSemiAngle: Double
  /// Positive is underfocus, m.
  public var defocus: Double?
  /// Third-order spherical aberration Cs, m.
  public var sphericalAberration: Double?
  public var detector: SegmentedDetector
  /// Relative gain of each segment, to divide by.
  public var segmentGain: [Double]?
  /// true deflection = matrix * measured, from a beam-tilt calibration, in the detector frame.
  public var deflectionCalibration: Matrix2?
  /// One relative standard deviation of the calibration's scale.
  public var deflectionCalibrationError: Double?
  /// From the detector frame to the scan frame, positive clockwise on the screen, rad; nil unknown.
  public var scanRotation: Double?
  public var electronsPerPixel: Double?
  public var signalUnit: SignalUnit
  /// The largest number the frames' integer type can hold; nil for floating-point frames.
  public var saturationLevel: Double?
  public var specimen: Specimen
  public var references: References
  /// One known tilt for each frame of a calibration series; nil for an ordinary acquisition.
  public var beamTilts: [BeamTilt]?

  public init(
    title: String? = nil, frameCount: Int, shape: GridShape, pixelSize: PixelSize?,
    beam: ElectronBeam, probeSemiAngle: Double, defocus: Double? = nil,
    detector: SegmentedDetector, segmentGain: [Double]? = nil,
    deflectionCalibration: Matrix2? = nil, scanRotation: Double?,
    electronsPerPixel: Double? = nil, signalUnit: SignalUnit, saturationLevel: Double? = nil,
    specimen: Specimen = Specimen(), references: References = References(),
    beamTilts: [BeamTilt]? = nil
  ) {
    self.title = title
    self.frameCount = frameCount
    self.shape = shape
    self.pixelSize = pixelSize
    self.beam = beam
    self.probeSemiAngle = probeSemiAngle
    self.defocus = defocus
    self.detector = detector
    self.segmentGain = segmentGain
    self.deflectionCalibration = deflectionCalibration
    self.scanRotation = scanRotation
    self.electronsPerPixel = electronsPerPixel
    self.signalUnit = signalUnit
    self.saturationLevel = saturationLevel
    self.specimen = specimen
    self.references = references
    self.beamTilts = beamTilts
  }

  public var segmentCount: Int { detector.segments.count }
}
