// The group of a flexoelectric estimate.
internal import DPCReconstruction
internal import STEMCore
internal import STEMData

extension FlexoelectricValue {
  func group(_ stage: String) -> ResultGroup {
    var datasets = scalars(estimate, prefix: "")
    if let stated { datasets += scalars(stated, prefix: "stated_") }
    if let measured {
      datasets += scalar("measured_field", measured, "V/m")
      if let ratio = ratio(to: estimate.field) {
        datasets += scalar("measured_over_expected", ratio, "")
      }
      if let ratio = ratio(to: estimate.rigidField) {
        datasets += scalar("measured_over_rigid", ratio, "")
      }
    }
    return ResultGroup(
      name: stage, quantity: "flexoelectric_estimate",
      title: "Field of flexoelectric bound charge",
      signal: profile == nil ? "depolarization_field" : "depolarization_field_profile",
      axes: profile.map {
        [ResultAxis("distance", values: $0.distance.map { $0 * 1e9 }, unit: "nm")]
      } ?? [],
      datasets: datasets + profileDatasets, attributes: attributes)
  }

  private func scalar(
    _ name: String, _ measurement: STEMCore.Measurement, _ unit: String
  ) -> [ResultDataset] {
    [(name, measurement.value), ("\(name)_errors", measurement.error)].compactMap { name, value in
      value.flatMap { value in
        value.isFinite
          ? ResultDataset(name, shape: [], values: .float64([value]), unit: unit) : nil
      }
    }
  }

  private func scalars(_ estimate: FlexoelectricEstimate, prefix: String) -> [ResultDataset] {
    let items: [(String, Double, String)] = [
      ("strain_gradient", estimate.strainGradient, "1/m"),
      ("polarization", estimate.polarization, "C/m^2"),
      ("depolarization_field", estimate.field, "V/m"),
      ("depolarization_field_rigid", estimate.rigidField, "V/m"),
      ("projected_field", experiment.projectedField(of: estimate.field), "V"),
      ("deflection", deflection(estimate.field), "rad"),
      ("deflection_rigid", deflection(estimate.rigidField), "rad"),
      ("electrons_for_detection", electrons(estimate.field), ""),
      ("electrons_for_detection_rigid", electrons(estimate.rigidField), ""),
    ]
    return items.flatMap { scalar(prefix + $0.0, STEMCore.Measurement($0.1), $0.2) }
  }

  private var profileDatasets: [ResultDataset] {
    guard let profile else { return [] }
    let estimates = profile.gradient.map { material.estimate(strainGradient: $0) }
    let columns: [(String, [Double], String)] = [
      ("strain_gradient_profile", profile.gradient, "1/m"),
      ("polarization_profile", estimates.map(\.polarization), "C/m^2"),
      ("depolarization_field_profile", estimates.map(\.field), "V/m"),
    ]
    return columns.map {
      ResultDataset($0.0, shape: [$0.1.count], values: .float64($0.1), unit: $0.2)
    }
  }

  private var attributes: [String: ResultAttribute] {
    [
      "flexoelectric_coefficient_C_per_m": .number(material.coefficient),
      "relative_permittivity": .number(material.relativePermittivity),
      "depolarization_factor": .number(material.depolarizationFactor),
      "flexocoupling_voltage_V": .number(material.flexocouplingVoltage),
      "thickness_m": .number(experiment.thickness),
      "voltage_V": .number(experiment.beam.voltage),
      "projection_factor": .number(experiment.projectionFactor),
      "detection_sigmas": .number(significance),
      "semi_angle_rad": .number(experiment.semiAngle),
      "sectors": .number(Double(experiment.sectors)),
      "formula": .text(
        "P = mu dstrain/dx; field -N P/(eps0 eps_r), rigid -N P/eps0; deflection -E_proj/(pv/e)"),
      "bound_charge": .text(
        "-div P inside, P.n on a face of outward normal n; fields and polarizations positive along +x"
      ),
      "verdict": .text(verdict),
    ]
  }
}
