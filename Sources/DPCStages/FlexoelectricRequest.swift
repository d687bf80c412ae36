// The parameters of a flexoelectric estimate, and what measured walls say in their place.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct FlexoelectricRequest {
  let context: StageContext
  let walls: WallsValue?

  private var metadata: AcquisitionMetadata? { walls?.context.metadata }

  func value() throws -> FlexoelectricValue {
    let material = FlexoelectricMaterial(
      coefficient: try context.reading { try Self.coefficient(context) },
      relativePermittivity: try context.value("relative_permittivity"),
      depolarizationFactor: try context.value("depolarization_factor"))
    let gradient = try gradient()
    let estimate = material.estimate(strainGradient: gradient.largest)
    return FlexoelectricValue(
      material: material, experiment: try experiment(),
      significance: try context.value("detection_sigmas"),
      estimate: estimate,
      stated: context.number("stated_polarization_uC_per_cm2").map {
        material.estimate(
          polarization: $0 / 100 * (estimate.polarization < 0 ? -1 : 1))
      }, profile: gradient.profile, measured: measured, wallCount: walls?.table.rows.count ?? 0)
  }

  private var measured: STEMCore.Measurement? {
    walls.flatMap { walls in
      meanMagnitude(
        of: walls.table.rows.map(\.wall.field),
        sharedRelativeError: walls.table.scaleError(walls.context.commonErrors))
    }
  }

  private func failure(_ message: String, remedy: String) -> StageFailure {
    StageFailure(.missingPrerequisite, "stage \(context.stageName): \(message)", remedy: remedy)
  }

  /// µ, C/m.
  ///
  /// - Throws: `ParameterProblem` for zero.
  static func coefficient(_ context: StageContext) throws -> Double {
    let coefficient: Double = try context.value("flexoelectric_coefficient_nC_per_m")
    if coefficient == 0 {
      throw ParameterProblem(
        "flexoelectric_coefficient_nC_per_m",
        "with a flexoelectric coefficient of zero there is nothing to estimate",
        suggestion: "give the one that is claimed")
    }
    return coefficient / 1e9
  }

  /// A number given, or what the walls say; neither is an error.
  private func given(_ key: String, per unit: Double, or stated: Double?) throws -> Double {
    if let number = context.number(key) { return number / unit }
    if let stated { return stated }
    throw failure(
      "\(key) is from-walls, and port walls is not connected or cannot tell it",
      remedy: "give it: --set \(context.stageName).\(key)=VALUE")
  }

  private func experiment() throws -> FoilExperiment {
    FoilExperiment(
      beam: try beam(), thickness: try given("thickness_nm", per: 1e9, or: walls?.thickness),
      projectionFactor: try projectionFactor(),
      semiAngle: try given("semi_angle_mrad", per: 1e3, or: metadata?.probeSemiAngle),
      sectors: try context.value("sectors"))
  }

  /// Numbers given beside walls that were measured with others.
  var contradictions: [Note] {
    contradictionNotes(
      "voltage_kV", given: context.number("voltage_kV").map { $0 * 1e3 },
      stated: metadata?.beam.voltage, tolerance: 100
    ) { Format.quantity($0, unit: "V") }
      + contradictionNotes(
        "semi_angle_mrad", given: context.number("semi_angle_mrad").map { $0 / 1e3 },
        stated: metadata?.probeSemiAngle, tolerance: 1e-5
      ) { Format.quantity($0, unit: "rad") }
      + contradictionNotes(
        "thickness_nm", given: context.metersIfGiven("thickness_nm"),
        stated: walls?.thickness, tolerance: 1e-12, source: "the walls were measured with"
      ) { Format.quantity($0, unit: "m") }
  }

  private func beam() throws -> ElectronBeam {
    let voltage = try given("voltage_kV", per: 1e-3, or: metadata?.beam.voltage)
    return ElectronBeam(voltage: voltage)
  }

  /// The height of the image of a wall as wide as the measured ones.
  private func projectionFactor() throws -> Double {
    if let number = context.number("projection_factor") { return number }
    guard let walls, let width = meanWidth else { return 1 }
    do {
      let geometry = try InclinationGeometry(
        thickness: walls.thickness, inclination: walls.inclination,
        direction: walls.orientation.direction)
      return geometry.projectedHeight(sechWidth: width / InclinationGeometry.widthFactor)
    } catch {
      throw wallFailure(error, stage: context.stageName)
    }
  }

  /// Mean FWHM of the measured walls, m.
  private var meanWidth: Double? {
    let widths = walls?.table.rows.map(\.wall.width.value) ?? []
    return widths.isEmpty ? nil : widths.reduce(0, +) / Double(widths.count)
  }

  // MARK: Gradient

  private func gradient() throws -> (
    largest: Double, profile: FlexoelectricValue.GradientProfile?
  ) {
    if let strain = context.number("wall_strain") {
      try context.reading { try GradientRequest.check(context) }
      return try twinWall(strain)
    }
    let request = try context.reading { try GradientRequest(context) }
    return (request.largest, request.profile)
  }

  /// The profile of a twin wall, sampled over four widths.
  private func twinWall(_ strain: Double) throws -> (
    largest: Double, profile: FlexoelectricValue.GradientProfile?
  ) {
    let width = try given("wall_width_nm", per: 1e9, or: meanWidth)
    let distance = (-80...80).map { Double($0) / 40 * width }
    let largest = twinWallStrainGradient(strain: strain, width: width, at: 0)
    if largest == 0 { throw failure("wall_strain is zero", remedy: "give the one that is claimed") }
    return (
      largest,
      .init(
        distance: distance,
        gradient: distance.map { twinWallStrainGradient(strain: strain, width: width, at: $0) })
    )
  }
}

/// Gradients of strain as a manifest lists them.
struct GradientRequest {
  let largest: Double
  let profile: FlexoelectricValue.GradientProfile?

  /// - Throws: `ParameterProblem` unless either gradients or the strain of a wall are given.
  static func check(_ context: StageContext) throws {
    let isListed = context.numbers("strain_gradient_per_m") != nil
    if isListed != (context.number("wall_strain") != nil) { return }
    throw ParameterProblem(
      "strain_gradient_per_m",
      isListed
        ? "both strain_gradient_per_m and wall_strain are given, and each says it all"
        : "neither strain_gradient_per_m nor wall_strain is given",
      suggestion: "give one of them")
  }

  /// - Throws: `ParameterProblem` for lists that are no gradients.
  init(_ context: StageContext) throws {
    try Self.check(context)
    let gradient = context.numbers("strain_gradient_per_m") ?? []
    largest = gradient.max { abs($0) < abs($1) } ?? 0
    if largest == 0 {
      throw ParameterProblem(
        "strain_gradient_per_m", "the gradient of strain is zero",
        suggestion: "give the one that is claimed")
    }
    guard let distance = context.numbers("distance_nm") else {
      profile = nil
      if gradient.count == 1 { return }
      throw ParameterProblem(
        "strain_gradient_per_m",
        "strain_gradient_per_m lists \(gradient.count) gradients without distances",
        suggestion: "list as many in distance_nm, or give one gradient")
    }
    if distance.count != gradient.count || zip(distance, distance.dropFirst()).contains(where: >=) {
      throw ParameterProblem(
        "distance_nm",
        "distance_nm lists \(distance.count) numbers for \(gradient.count) gradients, or they do not"
          + " ascend", suggestion: "list one ascending distance for each gradient")
    }
    profile = .init(distance: distance.map { $0 / 1e9 }, gradient: gradient)
  }
}
