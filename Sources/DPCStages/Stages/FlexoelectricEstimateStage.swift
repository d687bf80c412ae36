// flexoelectric-estimate: what a gradient of strain can do in a foil, beside the walls measured there.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct FlexoelectricEstimateStage: StageType {
  let name = "flexoelectric-estimate"
  let summary =
    "polarization, field and deflection that a strain gradient can make, beside the measured"
  let algorithmVersion = 4
  let inputs = [
    InputPort(
      "walls", kinds: [.walls], isRequired: false, exampleSource: "correct-inclination",
      summary: "measured walls to compare with; thickness, beam and probe are theirs")
  ]
  let outputs = [
    OutputPort(
      "estimate", kind: .fixed(.flexoelectricEstimate),
      summary: "what is expected, and how the measured field compares")
  ]
  let parameters = FlexoelectricParameters.all

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ParameterProblem.found(
      in: parameters,
      { _ = try FlexoelectricRequest.coefficient($0) },
      { context in
        try GradientRequest.check(context)
        if context.number("wall_strain") == nil { _ = try GradientRequest(context) }
      })
  }

  func run(_ context: StageContext) throws -> StageProduct {
    let request = FlexoelectricRequest(
      context: context, walls: context.input("walls") as? WallsValue)
    let value = try request.value()
    return StageProduct(
      outputs: ["estimate": value], facts: value.facts,
      notes: value.notes + request.contradictions)
  }
}

enum FlexoelectricParameters {
  private static let fromWalls = "from-walls"

  static let all = [
    ParameterSpecification(
      "flexoelectric_coefficient_nC_per_m",
      .number(unit: "nC_per_m", range: NumberRange(-1e7...1e7)),
      isRequired: true, example: "-66",
      summary: "component of µ between gradient and polarization, with its sign"),
    ParameterSpecification(
      "relative_permittivity", .number(unit: nil, range: NumberRange(1...1e6)), isRequired: true,
      example: "5000",
      summary: "of the lattice along the polarization, at the frequency of the measurement"),
    ParameterSpecification(
      "strain_gradient_per_m", .numbers(unit: "per_m", range: .any), example: "1.0e+6",
      summary: "one gradient of strain, or a profile of them over distance_nm"),
    ParameterSpecification(
      "distance_nm", .numbers(unit: "nm", range: .any),
      summary: "where strain_gradient_per_m lists a profile: the distances, ascending"),
    ParameterSpecification(
      "wall_strain", .number(unit: nil, range: NumberRange(-1...1)),
      summary: "instead of a gradient: half the difference of strain between two domains, which a"
        + " tanh joins"),
    ParameterSpecification(
      "wall_width_nm", .number(unit: "nm", range: NumberRange(0.01...1e5)),
      keywords: [fromWalls], default: .text(fromWalls),
      summary: "for wall_strain: full width at half maximum of the gradient"),
    ParameterSpecification(
      "stated_polarization_uC_per_cm2", .number(unit: "uC_per_cm2", range: .positive),
      summary:
        "magnitude of a polarization that is claimed: what it needs and implies is told beside"),
    ParameterSpecification(
      "depolarization_factor", .number(unit: nil, range: NumberRange(0...1)), default: .number(1),
      summary: "1 for a sheet with the polarization across it, 0 along a long wall"),
    ParameterSpecification(
      "thickness_nm", .number(unit: "nm", range: NumberRange(0.1...10_000)), keywords: [fromWalls],
      default: .text(fromWalls), summary: "of the foil along the beam"),
    ParameterSpecification(
      "projection_factor", .number(unit: nil, range: NumberRange(0...1)), keywords: [fromWalls],
      default: .text(fromWalls),
      summary:
        "mean of the shown component over the thickness, in units of the field; 1 without walls"),
    ParameterSpecification(
      "voltage_kV", .number(unit: "kV", range: NumberRange(1...3000)), keywords: [fromWalls],
      default: .text(fromWalls), summary: "of the microscope"),
    ParameterSpecification(
      "semi_angle_mrad", .number(unit: "mrad", range: NumberRange(0.1...200)),
      keywords: [fromWalls], default: .text(fromWalls), summary: "convergence of the probe"),
    ParameterSpecification(
      "sectors", .integer(3...64), default: .integer(4),
      summary: "of the detector, rings of equal azimuth summed"),
    ParameterSpecification(
      "detection_sigmas", .number(unit: nil, range: NumberRange(1...10)), default: .number(5),
      summary: "standard deviations that count as detected"),
  ]
}
