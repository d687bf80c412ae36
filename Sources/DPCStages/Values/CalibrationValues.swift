// Calibrations as values, and what of them has been applied to frames.
internal import DPCReconstruction
internal import DPCSimulation
internal import Pipeline
internal import STEMCore

/// What an empty beam told of the detector.
struct DetectorCalibrationValue: HeaderOnlyValue {
  var calibration: DetectorCalibration
  /// Why a quantity is not determined, by its name: `gain`, `disc_center`, `probe_semi_angle`,
  /// `orientation`.
  var notDetermined: [String: String]
  /// One standard deviation of the constant deflection that the errors of the gains and of the center
  /// cause in each component, rad, by cause.
  var deflectionErrors: [String: Double]
  var context: MapContext
}

/// The calibration of the deflection by known beam tilts.
struct DeflectionCalibrationValue: HeaderOnlyValue {
  var calibration: TiltCalibration
  var context: MapContext
}

/// Errors of calibrations that frames carry with them to the deflection.
struct AppliedCalibration: Codable, Sendable, Equatable {
  /// Relative, of the probe's semi-angle α.
  var semiAngle: Double?
  /// Of the directions of the deflection, rad.
  var rotation: Double?
  /// Attributes of the deflection that say where the calibrations come from.
  var attributes: [String: String] = [:]
}

extension FramesValue {
  /// What all pixels of a deflection map share, with the part that the gains cause.
  ///
  /// - Parameters:
  ///   - statistics: Of the corrected signals.
  ///   - estimate: The deflection of one set of signals, rad.
  func commonErrors(
    _ statistics: SignalStatistics, estimate: (SegmentSignals) -> VectorMap
  ) -> CommonErrors {
    var errors = CommonErrors()
    if let semiAngle = calibration.semiAngle { errors.scale["probe_semi_angle"] = semiAngle }
    if let scale = acquisition.metadata.deflectionCalibrationError {
      errors.scale["deflection_calibration"] = scale
    }
    errors.rotation = calibration.rotation
    if let gain = gainDeflectionError(correction.gainErrors, statistics.segmentSums, estimate) {
      errors.offset["gain"] = gain
    } else if let most = gainDeflectionError(
      gainErrorsOfOneExposure, statistics.segmentSums, estimate)
    {
      errors.unstatedOffset = ["gain": most]
    }
    if let gain = gainScaleError(statistics.segmentSums, estimate) { errors.scale["gain"] = gain }
    return errors
  }

  /// What the errors of the gains are at most, by counting, where the file does not state how many exposures their
  /// reference averages; nil where it does, and where nothing is known of them.
  var gainErrorsOfOneExposure: [Double?]? {
    guard correction.gainErrors == nil else { return nil }
    return relativeGainErrors(
      of: correction, metadata: acquisition.metadata, electronsPerUnit: electronsPerUnit,
      exposures: 1)
  }

  /// The shift of the disc by which the scale is told, in its radius: small beside where the response bends.
  private static let smallShift = 0.01

  /// One relative standard deviation of the scale that errors of the gains cause, the mean over shifts of a uniform
  /// disc to all four sides; nil where nothing is known of them, or the deflection does not follow.
  private func gainScaleError(
    _ signals: [Double], _ estimate: (SegmentSignals) -> VectorMap
  ) -> Double? {
    guard let errors = correction.gainErrors, errors.contains(where: { $0 != nil }) else {
      return nil
    }
    let metadata = acquisition.metadata
    let detector = metadata.detector
    let disc = BrightFieldDisc(radius: metadata.probeSemiAngle)
    let shift = Self.smallShift * metadata.probeSemiAngle
    func shares(_ x: Double, _ y: Double) -> [Double] {
      detector.segments.map {
        disc.fraction(on: $0, orientation: detector.orientation, displacedBy: x, y)
      }
    }
    let (total, centered) = (signals.reduce(0, +), shares(0, 0))
    let sides = [(1.0, 0.0), (-1, 0), (0, 1), (0, -1)]
    var squares = 0.0
    for (x, y) in sides {
      let error = relativeScaleError(
        ofGainErrors: errors, signals: signals,
        changes: zip(shares(x * shift, y * shift), centered).map { total * ($0 - $1) }
      ) { deflection(of: $0, estimate).map { x * $0.x + y * $0.y } }
      guard let error else { return nil }
      squares += error * error
    }
    return (squares / Double(sides.count)).squareRoot()
  }
}

/// The deflection of one set of signals, rad; nil where they are outside the model.
private func deflection(
  of values: [Double], _ estimate: (SegmentSignals) -> VectorMap
) -> (x: Double, y: Double)? {
  let shape = GridShape(rows: 1, columns: 1)
  let map = estimate(
    SegmentSignals(
      shape: shape, segmentCount: values.count, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: nil))
  return map.mask.isUsable(0) ? (map.field.x[0], map.field.y[0]) : nil
}

/// One standard deviation of the constant deflection per component that errors of the gains cause, rad;
/// nil where nothing is known of them.
func gainDeflectionError(
  _ gainErrors: [Double?]?, _ signals: [Double], _ estimate: (SegmentSignals) -> VectorMap
) -> Double? {
  guard let gainErrors, gainErrors.contains(where: { $0 != nil }) else { return nil }
  let covariance = deflectionCovariance(ofGainErrors: gainErrors, signals: signals) {
    deflection(of: $0, estimate)
  }
  return covariance.map { (($0.xx + $0.yy) / 2).squareRoot() }
}
