// Calibrations as values, and what of them has been applied to frames.
internal import DPCReconstruction
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
    }
    return errors
  }
}

/// One standard deviation of the constant deflection per component that errors of the gains cause, rad;
/// nil where nothing is known of them.
func gainDeflectionError(
  _ gainErrors: [Double?]?, _ signals: [Double], _ estimate: (SegmentSignals) -> VectorMap
) -> Double? {
  guard let gainErrors, gainErrors.contains(where: { $0 != nil }) else { return nil }
  let shape = GridShape(rows: 1, columns: 1)
  let covariance = deflectionCovariance(ofGainErrors: gainErrors, signals: signals) { values in
    let map = estimate(
      SegmentSignals(
        shape: shape, segmentCount: values.count, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: nil))
    return map.mask.isUsable(0) ? (map.field.x[0], map.field.y[0]) : nil
  }
  return covariance.map { (($0.xx + $0.yy) / 2).squareRoot() }
}
