// correct-inclination: from the field in the image to that in inclined walls, by a named model.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct CorrectInclination: StageType {
  let name = "correct-inclination"
  let summary = "field in inclined walls: a map by vector projection, or a table by a wall fit"
  let algorithmVersion = 29
  let inputs = [
    InputPort(
      "field", kinds: [.projectedField], summary: "∫E dz with the thickness"),
    InputPort(
      "profile", kinds: [.wallProfile], isRequired: false,
      summary: "a profile of the field: what it measured of the walls' direction is taken from it"),
  ]
  let outputs = [
    OutputPort(
      "corrected",
      kind: .chosen(
        byParameter: "model",
        [
          "vector-projection": .intrinsicField, "finite-wall": .walls,
          "deconvolve": .intrinsicField,
        ]),
      summary: "intrinsic field map (vector-projection, deconvolve) or table of walls (finite-wall)"
    )
  ]
  let parameters =
    [
      ParameterSpecification(
        "model", .choice(["vector-projection", "finite-wall", "deconvolve"]), isRequired: true,
        example: "finite-wall",
        summary: "vector-projection divides the component along the image normal by the direction"
          + " factor; finite-wall fits field, width and position through the whole thickness;"
          + " deconvolve takes the path through the wall back as far as noise allows"),
      ParameterSpecification(
        "inclination_deg",
        .number(unit: "deg", range: NumberRange(0...90, excludesUpper: true)),
        keywords: ["from-file", "fit"], default: .text("from-file"),
        summary: "angle between the beam and the wall plane, 0 = edge-on; from-file takes 45 for a"
          + " cross-section that does not say, else 0, with a warning unless the view is top; fit finds it"
          + " with the walls"),
      ParameterSpecification(
        "inclination_error_deg", .number(unit: "deg", range: NumberRange(0...30)),
        summary:
          "one standard deviation of the inclination that is not fitted; finite-wall carries it"
          + " into the errors of field, width and position"),
      WallParameters.normalAzimuth,
      WallParameters.fieldDirection,
    ] + CrystalParameters.all

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ParameterProblem.found(in: parameters) { context in
      // A cell of two edges is a mistake also where no direction asks for one.
      if try CrystalRequest(context) == nil { _ = try CrystalRequest.lattice(context) }
    } + inclinationProblems(parameters)
  }

  private func inclinationProblems(
    _ parameters: [String: ParameterValue]
  ) -> [ParameterProblem] {
    let isFitted = parameters["inclination_deg"] == .text("fit")
    let isKnown = parameters["inclination_error_deg"] == nil
    guard case .text(let model)? = parameters["model"], model != "finite-wall" else {
      return isFitted && !isKnown
        ? [
          ParameterProblem(
            "inclination_error_deg",
            "an inclination that is fitted has the error that the fit finds",
            suggestion: "leave inclination_error_deg out, or state the inclination")
        ] : []
    }
    let fitting = ParameterProblem(
      "inclination_deg", "the model \(model) fits no inclination: only finite-wall does",
      suggestion: "fit it with finite-wall, and state here what that finds")
    let error = ParameterProblem(
      "inclination_error_deg", "the model \(model) carries no error of the inclination",
      suggestion: "leave inclination_error_deg out, or take finite-wall")
    return (isFitted ? [fitting] : []) + (isKnown ? [] : [error])
  }

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    let (meanField, thickness) = try input.knownMeanField(stage: context.stageName)
    let specimen = input.context.metadata.specimen
    let crystal = try context.reading { try CrystalRequest(context) }
    let inclination = inclination(context, specimen, crystal)
    do {
      var profiles = MapProfiles(of: meanField, input.context.correlationLength)
      var orientation = try WallOrientation.resolved(
        for: &profiles, context: context, specimen: specimen,
        // A fitted angle leaves the edge-on field out.
        inclination: inclination.isFitted ? Inclination.ofCrossSection : inclination.angle,
        crystalAzimuth: crystal?.normalAzimuth,
        earlier: (context.input("profile") as? WallProfileValue)?.orientation)
      let factor = try factor(crystal, context, orientation: &orientation)
      let isFit = try context.value("model") == "finite-wall"
      // The fit looks for heights; which way a field counts as positive is decided afterwards.
      // A search for the angle begins where every field is seen.
      let geometry = try InclinationGeometry(
        thickness: thickness, inclination: inclination.isFitted ? Double.pi / 4 : inclination.angle,
        direction: orientation.direction, factor: isFit ? factor.map(abs) : factor)
      var mapContext = input.context
      mapContext.commonErrors = input.meanFieldErrors ?? CommonErrors()
      mapContext.attributes.merge(crystal?.attributes ?? [:]) { _, new in new }
      var product = try corrected(
        meanField, geometry: geometry, orientation: orientation, inclination: inclination,
        isOpposite: (factor ?? 1) < 0, context: mapContext, in: context)
      product.notes += contradictions(context, specimen, crystal)
      // Where the angle is fitted the walls' own shape speaks, of which an edge-on field has another.
      if !inclination.isFitted {
        product.notes += orientation.ambiguityNotes(inclination: inclination.angle)
      }
      return product
    } catch let error as WallError {
      throw wallFailure(error, stage: context.stageName, inclination)
    }
  }

  /// What the model that the manifest names makes of the field.
  private func corrected(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, isOpposite: Bool, context: MapContext, in stage: StageContext
  ) throws -> StageProduct {
    switch try stage.value("model", as: String.self) {
    case "finite-wall":
      try walls(
        meanField, geometry: geometry, orientation: orientation, inclination: inclination,
        isOpposite: isOpposite, context: context,
        earlier: stage.input("profile") as? WallProfileValue,
        isInterrupted: { stage.isInterrupted })
    case "deconvolve":
      try deconvolved(
        try withoutGaps(meanField, stage: stage.stageName), geometry: geometry,
        orientation: orientation, inclination: inclination, context: context)
    default:
      try projected(
        meanField, geometry: geometry, orientation: orientation, inclination: inclination,
        context: context)
    }
  }

  private func contradictions(
    _ context: StageContext, _ specimen: Specimen, _ crystal: CrystalRequest?
  ) -> [Note] {
    let given = context.radiansIfGiven("inclination_deg")
    var notes = contradictionNotes(
      "wall inclination", given: given, stated: specimen.wallInclination, tolerance: 1e-3,
      text: Format.degrees)
    if let crystal {
      notes += contradictionNotes(
        "wall inclination from \(crystal.text)", given: crystal.view.inclination,
        stated: given ?? specimen.wallInclination, tolerance: 1e-3, text: Format.degrees)
    }
    return notes
  }

  /// The projection factor of a field whose axis in the crystal is named: of its larger component in the
  /// image, which is then the one to look at.
  private func factor(
    _ crystal: CrystalRequest?, _ context: StageContext, orientation: inout WallOrientation
  ) throws -> Double? {
    guard let factors = crystal?.factors, let axis = crystal?.fieldText else { return nil }
    let isAcross = abs(factors.acrossWall) >= abs(factors.alongWall)
    let factor = isAcross ? factors.acrossWall : factors.alongWall
    guard abs(factor) > 1e-6 else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): a field along \(axis) runs along the beam and leaves no trace",
        remedy: "choose another field_axis, or another view of the walls")
    }
    orientation.direction = isAcross ? .normal : .perp
    orientation.directionOrigin = .crystal(axis: axis)
    return factor
  }

  private func inclination(
    _ context: StageContext, _ specimen: Specimen, _ crystal: CrystalRequest?
  ) -> Inclination {
    var inclination = Inclination(
      given: context.radiansIfGiven("inclination_deg"), crystal, specimen)
    inclination.isFitted = context.word("inclination_deg") == "fit"
    inclination.error = context.radiansIfGiven("inclination_error_deg")
    return inclination
  }

  func attributes(
    _ orientation: WallOrientation, _ inclination: Inclination,
    geometry: InclinationGeometry, model: String, formula: String
  ) -> [String: String] {
    orientation.attributes.merging([
      "inclination_model": model,
      "inclination_formula": formula,
      "inclination": "\(inclination.angle) rad (\(inclination.origin)"
        + (inclination.error.map { ", error \(Format.degrees($0))" } ?? "") + ")",
      "direction_factor": "\(geometry.directionFactor)",
    ]) { first, _ in first }
  }

  func notes(
    _ orientation: WallOrientation, _ inclination: Inclination
  ) -> [Note] {
    inclination.assumptionNotes("wall inclination") + orientation.notes
  }

  private func projected(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, context: MapContext
  ) throws -> StageProduct {
    let map = try intrinsicField(
      of: meanField, normalAzimuth: orientation.normalAzimuth, geometry: geometry)
    let value = IntrinsicFieldValue(
      map: map,
      context: context.adding(
        attributes(
          orientation, inclination, geometry: geometry, model: "vector-projection",
          formula: "component along the image normal divided by the direction factor g"
            + " (parallel sin a, normal cos a, perp 1), the other unchanged")))
    return StageProduct(
      outputs: ["corrected": value],
      facts: [
        Fact(
          "direction_factor",
          text: "vector projection at \(Format.degrees(inclination.angle)): component along the"
            + " normal divided by \(Format.significant(geometry.directionFactor, digits: 4))",
          value: geometry.directionFactor)
      ],
      notes: notes(orientation, inclination) + Self.smallFactor(geometry) + [
        Note(
          .information,
          "vector projection does not undo the path through the wall: see the finite-wall model")
      ])
  }

  /// Below this direction factor noise is all that a division leaves.
  private static let smallestFactor = 0.1

  private static func smallFactor(_ geometry: InclinationGeometry) -> [Note] {
    let factor = abs(geometry.directionFactor)
    guard factor < smallestFactor else { return [] }
    return [
      Note(
        .warning,
        "a \(geometry.direction.rawValue) field is hardly seen at an inclination of"
          + " \(Format.degrees(geometry.inclination)): dividing by"
          + " \(Format.significant(factor, digits: 2)) makes noise and what is left of descan"
          + " \(Format.significant(1 / factor, digits: 2)) times larger; check inclination_deg and"
          + " field_direction")
    ]
  }
}
