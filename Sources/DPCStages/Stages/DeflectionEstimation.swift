// The estimator that a deflection stage was asked for, made for one acquisition.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// An estimator with what it needs from the acquisition, and how to speak of it.
struct DeflectionEstimation: Sendable {
  let method: DeflectionMethod
  let estimator: any DeflectionEstimator
  let sampler: RegimeSampler
  private let calibration: Matrix2
  private let pixelSize: PixelSize?

  /// - Parameter isInterrupted: Once it says so, a deflection ends early and means nothing.
  init(
    _ method: DeflectionMethod, _ frames: FramesValue,
    isInterrupted: @escaping @Sendable () -> Bool
  ) throws {
    let metadata = frames.acquisition.metadata
    self.method = method
    calibration = metadata.deflectionCalibration ?? .identity
    pixelSize = metadata.pixelSize
    estimator = try deflectionEstimator(
      method, detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle,
      isInterrupted: isInterrupted)
    sampler = try RegimeSampler(
      detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle,
      calibration: calibration, shape: frames.window.shape)
  }

  func deflection(of signals: SegmentSignals) -> DeflectionEstimate {
    estimator.deflection(of: signals, calibration: calibration, pixelSize: pixelSize)
  }

  /// Writes the deflections of a band whose first position is `first` of the map.
  func estimate(
    _ signals: SegmentSignals, into map: SharedVectorMap, at first: Int
  ) -> FitQuality? {
    estimator.estimate(signals, calibration: calibration, into: map, at: first)
  }

  /// For the attribute `method_formula`.
  var formula: String {
    switch method {
    case .discShift:
      switch estimator {
      case is SectorShiftEstimator:
        "rings summed between common lines; least squares of the disc's part on each sector"
      case is LinearEstimator:
        "sectors of each ring summed with the gain of the ring, sum of the rings; first order in the"
          + " shift"
      default:
        "rings summed by azimuth; half-detector difference H = (2/pi)(asin t + t sqrt(1 - t^2)),"
          + " t = shift/alpha, inverted for each diameter"
      }
    case .centerOfMass:
      "sum of signal times segment centroid over the sum, divided by its gain for a rigid shift"
    case .phaseContrastTransfer:
      "phase = sum w T* i/(sum w |T|^2 + eps), sectors summed over the rings, w = 1/f; deflection ="
        + " (lambda/2 pi) grad phase"
    case .maximumLikelihood:
      "multinomial likelihood of a rigidly shifted uniform disc on all segments; errors from the Fisher"
        + " information"
    }
  }

  var notes: [Note] { gainNotes + calibrationNotes }

  /// A detector whose geometry is known is off by less.
  private static let plausibleCalibration = 0.5...2.0

  /// What a calibration does to every deflection, and a warning where that is much.
  private var calibrationNotes: [Note] {
    if calibration == .identity { return [] }
    let determinant = calibration.xx * calibration.yy - calibration.xy * calibration.yx
    let (least, most) = calibration.singularValues
    let factors = [least, most].map { Format.significant($0, digits: 4) }
    let isReversed = calibration.xx < 0 && calibration.yy < 0
    let text =
      "deflections are multiplied by "
      + (factors[0] == factors[1] ? factors[0] : "\(factors[0]) to \(factors[1])")
      + (isReversed ? ", reversed" : "") + (determinant < 0 ? ", mirrored" : "")
      + " (deflection_calibration)"
    let range = Self.plausibleCalibration
    if determinant > 0 && !isReversed && range.contains(least) && range.contains(most) {
      return [Note(.assumption, text)]
    }
    return [
      Note(.warning, "\(text), more than a detector's geometry is off: check the calibration")
    ]
  }

  private var gainNotes: [Note] {
    if method == .discShift && estimator is LinearEstimator {
      return [
        Note(
          .assumption,
          "the rings are divided along different lines: each is summed with its own gain, to first"
            + " order in the shift (off by up to 0.02 % at 30 µrad, 0.7 % at 1 mrad, of 24 mrad)")
      ]
    }
    return []
  }
}
