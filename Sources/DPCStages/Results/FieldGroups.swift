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
      datasets: ShownVectorMap(map, errors: context.commonErrors)
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
        "descan_x", shape: side, values: .float32(FormedNumbers(field.x)), unit: "rad"),
      ResultDataset(
        "descan_y", shape: side, values: .float32(FormedNumbers(field.y)), unit: "rad"),
    ]
    if let errors = removed.errors() {
      for name in ["descan_x_errors", "descan_y_errors"] {
        datasets.append(
          ResultDataset(
            name, shape: side, values: .float32(FormedNumbers(errors.values)), unit: "rad"))
      }
    }
    return datasets
  }
}

extension ProjectedFieldValue {
  func group(_ stage: String) -> ResultGroup {
    var datasets = ShownVectorMap(map, errors: context.commonErrors)
      .componentDatasets("projected_field", unit: "V")
    var group = ResultGroup(
      name: stage, quantity: "projected_field", title: "Projected electric field",
      signal: "projected_field_x", auxiliarySignals: ["projected_field_y"],
      axes: mapAxes(map.shape, map.pixelSize), datasets: [],
      attributes: context.resultAttributes(
        ["frame": .text(ReferenceFrame.scan.rawValue)], errorsIn: "V",
        hasCounting: map.covariance != nil))
    if let thickness, let errors = meanFieldErrors {
      datasets += ShownVectorMap(map, scale: 1 / thickness, errors: errors)
        .fieldDatasets("electric_field")
      for (name, text) in context.errorAttributes(
        errors, unit: "V/m", hasCounting: map.covariance != nil)
      {
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
      datasets: ShownVectorMap(map, errors: context.commonErrors).fieldDatasets("intrinsic_field")
        + [map.mask.dataset],
      attributes: context.resultAttributes(
        ["frame": .text(ReferenceFrame.scan.rawValue)], errorsIn: "V/m",
        hasCounting: map.covariance != nil))
  }
}

extension PotentialValue {
  func group(_ stage: String) -> ResultGroup {
    // What a program has made of a potential says nothing of a rotation.
    var errors = context.commonErrors
    if turned == nil { errors.rotation = nil }
    return ResultGroup(
      name: stage, quantity: "projected_potential", title: "Projected potential",
      signal: "projected_potential", axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.datasets(
        "projected_potential", unit: "V m", errors: errors, about: center,
        turned: turned) + [
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
        ], errorsIn: "V", of: "the field, a ramp of the potential about the scan's center",
        hasCounting: map.variance != nil, errors: errors))
  }
}

extension ChargeDensityValue {
  func group(_ stage: String) -> ResultGroup {
    let errors = turned == nil ? context.commonErrors.scaleOnly : context.commonErrors.withoutOffset
    return ResultGroup(
      name: stage, quantity: "projected_charge_density", title: "Projected charge density",
      signal: "projected_charge_density", axes: mapAxes(map.shape, map.pixelSize),
      datasets: map.datasets(
        "projected_charge_density", unit: "C/m^2", errors: errors, turned: turned),
      attributes: context.resultAttributes(
        [
          "errors_correlated": .text(
            "neighbors are differences of the same fields, in the opposite sense: the charge of an area is far better"
              + " known than the sum of its pixels' variances says")
        ], errorsIn: "C/m^2", hasCounting: map.variance != nil, errors: errors))
  }
}

extension HelmholtzValue {
  func group(_ stage: String) -> ResultGroup {
    let signal = divergenceFreeFraction > 0.5 ? "divergence_free_x" : "curl_free_x"
    let common = context.commonErrors.withoutOffset
    let others = ["curl_free_x", "curl_free_y", "divergence_free_x", "divergence_free_y"]
    return ResultGroup(
      name: stage, quantity: "helmholtz_parts",
      title: "Curl-free and divergence-free parts of the projected field", signal: signal,
      auxiliarySignals: others.filter { $0 != signal },
      axes: mapAxes(mask.shape, context.metadata.pixelSize),
      datasets: datasets("curl_free", curlFree, common, beside: divergenceFree)
        + datasets("divergence_free", divergenceFree, common, beside: curlFree)
        + [
          ResultDataset("mean_x", shape: [], values: .float64([mean.x]), unit: "V"),
          ResultDataset("mean_y", shape: [], values: .float64([mean.y]), unit: "V"),
          mask.dataset,
        ],
      attributes: context.resultAttributes(
        [
          "divergence_free_fraction": .number(divergenceFreeFraction),
          "frame": .text(ReferenceFrame.scan.rawValue),
        ], errorsIn: "V",
        hasCounting: curlFree.variance != nil, errors: common))
  }

  /// - Parameter other: A small rotation turns gradients into whirls, and whirls into gradients.
  private func datasets(
    _ name: String, _ part: Part, _ errors: CommonErrors, beside other: Part
  ) -> [ResultDataset] {
    ShownVectorMap(
      map(part), errors: errors, variance: part.variance.map { (x: $0.x, y: $0.y) },
      turningFrom: other.field
    ).componentDatasets(name, unit: "V")
  }
}
