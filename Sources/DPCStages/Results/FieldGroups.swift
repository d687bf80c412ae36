// The groups of deflections, fields, potentials, charge densities and Helmholtz parts.
internal import Foundation
internal import DPCReconstruction
internal import STEMCore
internal import STEMData

extension DeflectionValue {
  func group(_ stage: String) -> ResultGroup {
    ResultGroup(
      name: stage, quantity: "deflection", title: "Deflection of the beam (\(frame.rawValue) axes)",
      signal: "deflection_x", auxiliarySignals: ["deflection_y"],
      axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.withCommonErrors(context.commonErrors)
        .componentDatasets("deflection", unit: "rad") + removedDatasets + [map.mask.dataset],
      attributes: context.resultAttributes(
        numbers.mapValues { .number($0) }.merging(["frame": .text(frame.rawValue)]) { _, new in new
        },
        errorsIn: "rad", hasCounting: map.covariance != nil))
  }
}

extension DeflectionValue {
  /// The descan that was subtracted, `descan_x` and `descan_y`, where it varies over this map.
  private var removedDatasets: [ResultDataset] {
    guard frame == .detector, let removed, removed.shape == map.shape,
      removed.degree != .constant
    else { return [] }
    let side = [map.shape.rows, map.shape.columns]
    let field = removed.field()
    var datasets = [
      ResultDataset(
        "descan_x", shape: side, values: .float32(field.x.map(Float.init)), unit: "rad"),
      ResultDataset(
        "descan_y", shape: side, values: .float32(field.y.map(Float.init)), unit: "rad"),
    ]
    if let errors = removed.errors() {
      for name in ["descan_x_errors", "descan_y_errors"] {
        datasets.append(
          ResultDataset(
            name, shape: side, values: .float32(errors.values.map(Float.init)), unit: "rad"))
      }
    }
    return datasets
  }
}

extension ProjectedFieldValue {
  func group(_ stage: String) -> ResultGroup {
    var datasets = map.withCommonErrors(context.commonErrors)
      .componentDatasets("projected_field", unit: "V")
    var group = ResultGroup(
      name: stage, quantity: "projected_field", title: "Projected electric field",
      signal: "projected_field_x", auxiliarySignals: ["projected_field_y"],
      axes: mapAxes(map.shape, map.pixelSize), datasets: [],
      attributes: context.resultAttributes(
        ["frame": .text(ReferenceFrame.scan.rawValue)], errorsIn: "V",
        hasCounting: map.covariance != nil))
    if let meanField, let thickness, let errors = meanFieldErrors {
      datasets += meanField.withCommonErrors(errors).fieldDatasets("electric_field")
      for (name, text) in errors.attributes(unit: "V/m", hasCounting: map.covariance != nil) {
        group.attributes[name] = .text(text)
      }
      group.quantity = "electric_field"
      group.title = "Electric field, mean over the thickness"
      group.signal = "electric_field_magnitude"
      group.auxiliarySignals = ["electric_field_x", "electric_field_y"]
      group.attributes["thickness_m"] = .number(thickness)
    }
    group.datasets = datasets + [map.mask.dataset]
    return group
  }
}

extension IntrinsicFieldValue {
  func group(_ stage: String) -> ResultGroup {
    ResultGroup(
      name: stage, quantity: "intrinsic_field",
      title: "Electric field corrected for the inclination of the walls",
      signal: "intrinsic_field_magnitude",
      auxiliarySignals: ["intrinsic_field_x", "intrinsic_field_y"],
      axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.withCommonErrors(context.commonErrors).fieldDatasets("intrinsic_field")
        + [map.mask.dataset],
      attributes: context.resultAttributes(
        ["frame": .text(ReferenceFrame.scan.rawValue)], errorsIn: "V/m",
        hasCounting: map.covariance != nil))
  }
}

extension VectorMap {
  /// Components with errors, magnitude and direction (rad, from +x towards +y) of a field in V/m.
  fileprivate func fieldDatasets(_ name: String) -> [ResultDataset] {
    let side = [shape.rows, shape.columns]
    let magnitude = zip(field.x, field.y).map { ($0 * $0 + $1 * $1).squareRoot() }
    let direction = zip(field.x, field.y).map { atan2($1, $0) }
    return componentDatasets(name, unit: "V/m") + [
      ResultDataset(
        "\(name)_magnitude", shape: side, values: .float32(unmasked(magnitude, mask)), unit: "V/m"),
      ResultDataset(
        "\(name)_direction", shape: side, values: .float32(unmasked(direction, mask)), unit: "rad"),
    ]
  }
}

extension ScalarMap {
  fileprivate func datasets(_ name: String, unit: String) -> [ResultDataset] {
    let side = [shape.rows, shape.columns]
    var datasets = [
      ResultDataset(
        name, shape: side, values: .float32(unmasked(field.values, mask)), unit: unit)
    ]
    if let variance {
      datasets.append(
        ResultDataset(
          "\(name)_errors", shape: side, values: .float32(errors(variance, mask)), unit: unit))
    }
    return datasets + [mask.dataset]
  }
}

extension PotentialValue {
  func group(_ stage: String) -> ResultGroup {
    ResultGroup(
      name: stage, quantity: "projected_potential", title: "Projected potential",
      signal: "projected_potential", axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.withCommonErrors(context.commonErrors)
        .datasets("projected_potential", unit: "V m") + [
          ResultDataset(
            "uniform_field_x", shape: [], values: .float64([uniformField.x]), unit: "V"),
          ResultDataset(
            "uniform_field_y", shape: [], values: .float64([uniformField.y]), unit: "V"),
        ],
      attributes: context.resultAttributes(
        [
          "errors_correlated": .text(
            "neighbors share most of their error: a difference of two nearby pixels is far better"
              + " known than either")
        ], errorsIn: "V", hasCounting: map.variance != nil))
  }
}

extension ChargeDensityValue {
  func group(_ stage: String) -> ResultGroup {
    ResultGroup(
      name: stage, quantity: "projected_charge_density", title: "Projected charge density",
      signal: "projected_charge_density", axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.withCommonErrors(context.commonErrors.scaleOnly)
        .datasets("projected_charge_density", unit: "C/m^2"),
      attributes: context.resultAttributes(
        errorsIn: "C/m^2", hasCounting: map.variance != nil, errors: context.commonErrors.scaleOnly)
    )
  }
}

extension HelmholtzValue {
  func group(_ stage: String) -> ResultGroup {
    let signal = divergenceFreeFraction > 0.5 ? "divergence_free_x" : "curl_free_x"
    let common = context.commonErrors.scaleOnly
    let others = ["curl_free_x", "curl_free_y", "divergence_free_x", "divergence_free_y"]
    return ResultGroup(
      name: stage, quantity: "helmholtz_parts",
      title: "Curl-free and divergence-free parts of the projected field", signal: signal,
      auxiliarySignals: others.filter { $0 != signal },
      axes: mapAxes(curlFree.shape, curlFree.pixelSize),
      datasets: curlFree.withCommonErrors(common).componentDatasets("curl_free", unit: "V")
        + divergenceFree.withCommonErrors(common).componentDatasets("divergence_free", unit: "V")
        + [
          ResultDataset("mean_x", shape: [], values: .float64([mean.x]), unit: "V"),
          ResultDataset("mean_y", shape: [], values: .float64([mean.y]), unit: "V"),
          curlFree.mask.dataset,
        ],
      attributes: context.resultAttributes(
        ["divergence_free_fraction": .number(divergenceFreeFraction)], errorsIn: "V",
        hasCounting: curlFree.covariance != nil, errors: common))
  }
}
