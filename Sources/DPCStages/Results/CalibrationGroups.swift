// The groups of calibrations: every number with its error, and in words why one is missing.
internal import DPCReconstruction
internal import STEMCore
internal import STEMData

private func scalar(
  _ name: String, _ measurement: STEMCore.Measurement?, unit: String
) -> [ResultDataset] {
  guard let measurement else { return [] }
  var datasets = [
    ResultDataset(name, shape: [], values: .float64([measurement.value]), unit: unit)
  ]
  if let error = measurement.error {
    datasets.append(
      ResultDataset("\(name)_errors", shape: [], values: .float64([error]), unit: unit))
  }
  return datasets
}

extension DetectorCalibrationValue {
  func group(_ stage: String) -> ResultGroup {
    var datasets: [ResultDataset] = []
    let gains = calibration.gain
    if gains.contains(where: { $0 != nil }) {
      datasets = [
        ResultDataset(
          "gain", shape: [gains.count], values: .float64(gains.map { $0?.value ?? .nan }), unit: ""),
        ResultDataset(
          "gain_errors", shape: [gains.count],
          values: .float64(gains.map { $0?.error ?? .nan }), unit: ""),
      ]
    }
    datasets += scalar("disc_center_x", calibration.discCenterX, unit: "rad")
    datasets += scalar("disc_center_y", calibration.discCenterY, unit: "rad")
    datasets += scalar("probe_semi_angle", calibration.probeSemiAngle, unit: "rad")
    var attributes: [String: ResultAttribute] = [
      "assumption": .text(calibration.assumption.rawValue)
    ]
    for (name, reason) in notDetermined { attributes["not_determined_\(name)"] = .text(reason) }
    let stiffness = context.metadata.beam.momentumVelocityPerCharge
    for (cause, error) in deflectionErrors {
      attributes["deflection_error_from_\(cause)_rad"] = .number(error)
      attributes["projected_field_error_from_\(cause)_V"] = .number(error * stiffness)
      if let thickness = context.metadata.specimen.thickness {
        attributes["field_error_from_\(cause)_V_per_m"] = .number(error * stiffness / thickness)
      }
    }
    if let alpha = calibration.probeSemiAngle, let error = alpha.error {
      attributes["relative_field_error_from_probe_semi_angle"] = .number(error / alpha.value)
    }
    if let chiSquare = calibration.reducedChiSquare {
      attributes["reduced_chi_square"] = .number(chiSquare)
    }
    return ResultGroup(
      name: stage, quantity: "detector_calibration", title: "Calibration of the detector",
      signal: datasets.first?.name ?? "", axes: [], datasets: datasets,
      attributes: context.resultAttributes(attributes))
  }
}

extension DeflectionCalibrationValue {
  func group(_ stage: String) -> ResultGroup {
    let c = calibration.matrix
    let errors = (0..<4).map { calibration.covariance[$0 * 5].squareRoot() }
    var attributes: [String: ResultAttribute] = [
      "definition": .text("true deflection = matrix times measured, axes of the detector"),
      "covariance_order": .text("xx, xy, yx, yy"),
      "anisotropy": .number(calibration.anisotropy),
      "residual_rad": .number(calibration.residual),
      "largest_tilt_rad": .number(calibration.largestTilt),
      "tilts": .number(Double(calibration.tiltCount)),
      "mirrored": .text(calibration.isMirrored ? "yes" : "no"),
    ]
    if let chiSquare = calibration.reducedChiSquare {
      attributes["reduced_chi_square"] = .number(chiSquare)
    }
    return ResultGroup(
      name: stage, quantity: "deflection_calibration",
      title: "Calibration of the deflection by known beam tilts", signal: "deflection_calibration",
      axes: [],
      datasets: [
        ResultDataset(
          "deflection_calibration", shape: [2, 2], values: .float64([c.xx, c.xy, c.yx, c.yy]),
          unit: ""),
        ResultDataset(
          "deflection_calibration_errors", shape: [2, 2], values: .float64(errors), unit: ""),
        ResultDataset(
          "covariance", shape: [4, 4], values: .float64(calibration.covariance), unit: ""),
      ] + scalar("scale", calibration.scale, unit: "")
        + scalar("rotation", calibration.rotation, unit: "rad"),
      attributes: context.resultAttributes(attributes))
  }
}
