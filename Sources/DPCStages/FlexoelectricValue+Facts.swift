// What a flexoelectric estimate says in words.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension FlexoelectricValue {
  /// A polarization in the unit in which it is published.
  private func polarizationText(_ polarization: Double) -> String {
    "\(Format.significant(polarization * 100, digits: 3)) µC/cm²"
  }

  private func gradientText(_ gradient: Double) -> String {
    gradient < 0 ? "-\(Format.count(-gradient)) /m" : "\(Format.count(gradient)) /m"
  }

  var facts: [Fact] {
    var facts = [
      Fact(
        "polarization",
        text: "P = \(Format.quantity(material.coefficient, unit: "C/m")) times"
          + " \(gradientText(estimate.strainGradient)) = \(polarizationText(estimate.polarization))",
        value: estimate.polarization, unit: "C/m^2"),
      Fact(
        "flexocoupling_voltage",
        text: "flexocoupling voltage \(Format.quantity(material.flexocouplingVoltage, unit: "V"))",
        value: material.flexocouplingVoltage, unit: "V"),
    ]
    facts += fieldFacts(estimate, key: "expected", what: "that polarization")
    if let stated { facts += statedFacts(stated) }
    return facts + measuredFacts
  }

  private func fieldFacts(
    _ estimate: FlexoelectricEstimate, key: String, what: String
  ) -> [Fact] {
    func text(_ field: Double) -> String {
      "\(Format.quantity(field, unit: "V/m")), a deflection of"
        + " \(Format.quantity(deflection(field), unit: "rad"))"
        + " in \(Format.quantity(experiment.thickness, unit: "m"))"
        + (electrons(field).isFinite
          ? ", \(Format.count(electrons(field))) electrons for \(Format.significant(significance, digits: 2)) sigma"
          : "")
    }
    return [
      Fact(
        "\(key)_field",
        text: "depolarization field of \(what), nothing screened: \(text(estimate.field))",
        value: estimate.field, unit: "V/m"),
      Fact(
        "\(key)_rigid_field",
        text:
          "limit for a polarization that its own field cannot reduce: \(text(estimate.rigidField))",
        value: estimate.rigidField, unit: "V/m"),
    ]
  }

  private func statedFacts(_ stated: FlexoelectricEstimate) -> [Fact] {
    let ratio = abs(stated.polarization / estimate.polarization)
    // Figures given to two digits agree within five percent.
    let agrees = abs(ratio - 1) <= 0.05
    let text =
      "the stated \(polarizationText(stated.polarization)) needs a gradient of"
      + " \(gradientText(abs(stated.strainGradient))), "
      + (agrees
        ? "as given"
        : "\(Format.significant(ratio, digits: 3)) times the one given: the stated figures disagree")
    return [
      Fact("stated_over_calculated", text: text, value: ratio)
    ] + fieldFacts(stated, key: "stated", what: "the stated polarization")
  }

  private var measuredFacts: [Fact] {
    guard let measured else { return [] }
    var facts = [
      Fact(
        "measured_field",
        text: "measured in \(wallCount) wall\(wallCount == 1 ? "" : "s"):"
          + " \(Format.quantity(measured.value, error: measured.error, unit: "V/m"))",
        value: measured.value, error: measured.error, unit: "V/m")
    ]
    if let ratio = ratio(to: estimate.field) {
      facts.append(
        Fact(
          "measured_over_expected",
          text: "the measured field \(verdict)", value: ratio.value, error: ratio.error))
    }
    return facts
  }

  var notes: [Note] {
    [
      Note(
        .assumption,
        "linear dielectric, no free charge, depolarization factor"
          + " \(Format.significant(material.depolarizationFactor, digits: 3)); a polarization along a wall"
          + " much longer than wide has a factor near 0 and makes no field"),
      Note(
        .information, "magnitudes are compared: the sign of the gradient in a wall is not measured"),
    ]
  }
}
