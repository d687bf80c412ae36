// The kinds of values that flow through a pipeline. A deflection cannot be taken for a field, nor one
// in the axes of the detector for one in those of the scan: the graph refuses it before anything runs.
public import Pipeline

extension PortKind {
  /// An acquisition file: what it states, its frames unread.
  public static let acquisition: PortKind = "acquisition"
  /// Frames with the corrections to apply as they are read.
  public static let frames: PortKind = "frames"
  /// Corrected segment signals of one frame.
  public static let segments: PortKind = "segments"
  /// Deflection in the axes of the detector, rad.
  public static let detectorDeflection: PortKind = "detector-deflection"
  /// Deflection in the axes of the scan, rad.
  public static let deflection: PortKind = "deflection"
  /// An estimate of the scan rotation, or why there is none.
  public static let scanRotation: PortKind = "scan-rotation"
  /// ∫E dz in the axes of the scan, V, with the thickness where it is known.
  public static let projectedField: PortKind = "projected-field"
  /// ∫V dz, V m.
  public static let projectedPotential: PortKind = "projected-potential"
  /// Curl-free, divergence-free and mean parts of a projected field, V.
  public static let helmholtzParts: PortKind = "helmholtz-parts"
  /// Projected charge density, C/m².
  public static let chargeDensity: PortKind = "charge-density"
  /// Field corrected for the wall's inclination by vector projection, V/m.
  public static let intrinsicField: PortKind = "intrinsic-field"
  /// Gains, disc center and semi-angle from the empty beam.
  public static let detectorCalibration: PortKind = "detector-calibration"
  /// From measured to true deflections, by known beam tilts.
  public static let deflectionCalibration: PortKind = "deflection-calibration"
  /// A table of fitted walls.
  public static let walls: PortKind = "walls"
  /// A field of three components from two views of walls.
  public static let combinedField: PortKind = "combined-field"
  /// The mean profile across walls.
  public static let wallProfile: PortKind = "wall-profile"
  /// Finished figures.
  public static let figure: PortKind = "figure"
  /// What a program of the user's own wrote on its standard streams.
  public static let log: PortKind = "log"
}

/// How every kind is stored.
public let stageCodecs: [any ValueCodec] = [
  ArchiveCodec<AcquisitionValue>(kind: .acquisition),
  ArchiveCodec<FramesValue>(kind: .frames),
  ArchiveCodec<SegmentsValue>(kind: .segments),
  ArchiveCodec<DeflectionValue>(kind: .detectorDeflection),
  ArchiveCodec<DeflectionValue>(kind: .deflection),
  ArchiveCodec<ScanRotationValue>(kind: .scanRotation),
  ArchiveCodec<ProjectedFieldValue>(kind: .projectedField),
  ArchiveCodec<PotentialValue>(kind: .projectedPotential),
  ArchiveCodec<HelmholtzValue>(kind: .helmholtzParts),
  ArchiveCodec<ChargeDensityValue>(kind: .chargeDensity),
  ArchiveCodec<IntrinsicFieldValue>(kind: .intrinsicField),
  ArchiveCodec<DetectorCalibrationValue>(kind: .detectorCalibration),
  ArchiveCodec<DeflectionCalibrationValue>(kind: .deflectionCalibration),
  ArchiveCodec<WallsValue>(kind: .walls),
  ArchiveCodec<CombinedFieldValue>(kind: .combinedField),
  ArchiveCodec<WallProfileValue>(kind: .wallProfile),
  ArchiveCodec<FlexoelectricValue>(kind: .flexoelectricEstimate),
  ArchiveCodec<FigureValue>(kind: .figure),
  ArchiveCodec<LogValue>(kind: .log),
  ArchiveCodec<PhantomValue>(kind: .phantom),
  ArchiveCodec<SimulatedAcquisitionValue>(kind: .simulatedAcquisition),
]
