// Calibrations given to normalize-segments take the place of what the file states.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct Calibrations {
  let detector: DetectorCalibration?
  private let deflection: TiltCalibration?

  init(_ context: StageContext) throws {
    detector =
      context.input("calibration") == nil
      ? nil : try context.input("calibration", as: DetectorCalibrationValue.self).calibration
    deflection =
      context.input("tilt-calibration") == nil
      ? nil : try context.input("tilt-calibration", as: DeflectionCalibrationValue.self).calibration
    let stage = context.stageName
    let count = try context.input("acquisition", as: AcquisitionValue.self).metadata.segmentCount
    if let detector, detector.gain.count != count {
      throw StageFailure(
        .inputRefused,
        "stage \(stage): the calibration is of \(detector.gain.count) segments, the acquisition has"
          + " \(count)", remedy: "calibrate with the same detector")
    }
  }

  /// Puts semi-angle and matrix in the frames' metadata and their errors beside them.
  func apply(to frames: inout FramesValue) -> [Note] {
    var notes: [Note] = []
    if let alpha = detector?.probeSemiAngle, let error = alpha.error {
      let stated = frames.acquisition.metadata.probeSemiAngle
      frames.acquisition.metadata.probeSemiAngle = alpha.value
      frames.calibration.semiAngle = error / alpha.value
      frames.calibration.attributes["probe_semi_angle_source"] = "calibration of the detector"
      let text = Format.quantity(alpha.value, error: error, unit: "rad")
      notes.append(Note(.information, "probe semi-angle \(text) from the calibration"))
      if abs(alpha.value - stated) > max(3 * error, 0.002 * stated) {
        notes.append(
          Note(
            .warning,
            "the file states a probe semi-angle of \(Format.quantity(stated, unit: "rad")), the"
              + " calibration found \(text)"))
      }
    }
    if let deflection {
      frames.acquisition.metadata.deflectionCalibration = deflection.matrix
      // The shears of the matrix are as uncertain as its scale and its turn: a deflection feels both.
      let largest = (0..<4).map { deflection.covariance[5 * $0] }.max() ?? 0
      let part = largest.squareRoot() / deflection.scale.value
      frames.acquisition.metadata.deflectionCalibrationError = deflection.scale.error.map {
        max(part, $0 / deflection.scale.value)
      }
      frames.calibration.rotation = deflection.rotation.error.map { max(part, $0) }
      let c = deflection.matrix
      frames.calibration.attributes["calibration"] =
        "from known beam tilts: [[\(c.xx), \(c.xy)], [\(c.yx), \(c.yy)]]"
      notes.append(
        Note(
          .information,
          "deflections are calibrated by \(deflection.tiltCount) known beam tilts: scale "
            + Format.number(deflection.scale.value, error: deflection.scale.error)))
    }
    return notes
  }
}
