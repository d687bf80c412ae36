// correct-inclination: from the field in the image to that in inclined walls, by a named model.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct CorrectInclination: StageType {
  let name = "correct-inclination"
  let summary = "field in inclined walls: a map by vector projection, or a table by a wall fit"
  let algorithmVersion = 2
  let inputs = [
    InputPort(
      "field", kinds: [.projectedField], summary: "∫E dz with the thickness")
  ]
  let outputs = [
    OutputPort(
      "corrected",
      kind: .chosen(
        byParameter: "model", ["vector-projection": .intrinsicField, "finite-wall": .walls]),
      summary: "intrinsic field map (vector-projection) or table of walls (finite-wall)")
  ]
  let parameters = [
    ParameterSpecification(
      "model", .choice(["vector-projection", "finite-wall"]), isRequired: true,
      summary: "vector-projection divides the component along the image normal by the direction"
        + " factor; finite-wall fits field, width and position through the whole thickness"),
    ParameterSpecification(
      "inclination_deg",
      .number(unit: "deg", range: NumberRange(0...90, excludesUpper: true)),
      keywords: ["from-file"], default: .text("from-file"),
      summary: "angle between the beam and the wall plane, 0 = edge-on; from-file takes 45 for a"
        + " cross-section that does not say, 0 for a top view"),
    WallParameters.normalAzimuth,
    WallParameters.fieldDirection,
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    guard let thickness = input.thickness, let meanField = input.meanField else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): the thickness is unknown (/entry/sample/thickness), and a field"
          + " in V/m needs it",
        remedy: "give it to the electric-field stage: --set STAGE.thickness_nm=VALUE")
    }
    let inclination = inclination(context, input.context.metadata.specimen)
    do {
      let orientation = try WallOrientation.resolved(
        for: meanField, context: context, specimen: input.context.metadata.specimen,
        isInclined: inclination.angle > 1e-9)
      let geometry = try InclinationGeometry(
        thickness: thickness, inclination: inclination.angle, direction: orientation.direction)
      var mapContext = input.context
      mapContext.commonErrors = input.meanFieldErrors ?? CommonErrors()
      let contradictions = contradictionNotes(
        "wall inclination", given: context.number("inclination_deg").map { $0 * Double.pi / 180 },
        stated: input.context.metadata.specimen.wallInclination, tolerance: 1e-3,
        text: Format.degrees)
      var product: StageProduct
      if context.word("model") == "finite-wall" {
        product = try walls(
          meanField, geometry: geometry, orientation: orientation, inclination: inclination,
          context: mapContext)
      } else {
        product = try projected(
          meanField, geometry: geometry, orientation: orientation, inclination: inclination,
          context: mapContext)
      }
      product.notes += contradictions
      return product
    } catch let error as WallError {
      throw wallFailure(error, stage: context.stageName)
    }
  }

  private func inclination(
    _ context: StageContext, _ specimen: Specimen
  ) -> (angle: Double, origin: String, isAssumed: Bool) {
    if let degrees = context.number("inclination_deg") {
      return (degrees * Double.pi / 180, "given", false)
    }
    if let stated = specimen.wallInclination { return (stated, "from the file", false) }
    return specimen.view == .crossSection
      ? (Double.pi / 4, "45° assumed for a cross-section", true)
      : (0, "edge-on assumed for a top view", true)
  }

  private func attributes(
    _ orientation: WallOrientation, _ inclination: (angle: Double, origin: String, isAssumed: Bool),
    geometry: InclinationGeometry, model: String, formula: String
  ) -> [String: String] {
    orientation.attributes.merging([
      "inclination_model": model,
      "inclination_formula": formula,
      "inclination": "\(inclination.angle) rad (\(inclination.origin))",
      "direction_factor": "\(geometry.directionFactor)",
    ]) { first, _ in first }
  }

  private func notes(
    _ orientation: WallOrientation, _ inclination: (angle: Double, origin: String, isAssumed: Bool)
  ) -> [Note] {
    (inclination.isAssumed ? [Note(.assumption, "wall inclination: \(inclination.origin)")] : [])
      + orientation.notes
  }

  private func projected(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: (angle: Double, origin: String, isAssumed: Bool), context: MapContext
  ) throws -> StageProduct {
    let map = try intrinsicField(
      of: meanField, normalAzimuth: orientation.normalAzimuth, inclination: inclination.angle,
      direction: orientation.direction)
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
      notes: notes(orientation, inclination) + [
        Note(
          .information,
          "vector projection does not undo the path through the wall: see the finite-wall model")
      ])
  }

  private func walls(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: (angle: Double, origin: String, isAssumed: Bool), context: MapContext
  ) throws -> StageProduct {
    let profiles = try CrossProfile(
      of: meanField, orientation, correlation: context.correlationLength)
    let table =
      orientation.hasStraightWalls
      ? WallTable(
        try fitWalls(profile: profiles.forFit, geometry: geometry), errorScale: profiles.errorScale
      ).withScaleError(context.commonErrors.relativeScale)
      : .empty
    let value = WallsValue(
      table: table, profile: profiles.profile, orientation: orientation,
      inclination: inclination.angle,
      thickness: geometry.thickness,
      context: context.adding(
        attributes(
          orientation, inclination, geometry: geometry, model: "finite-wall",
          formula:
            "E(X) = g E0 w/(t sin a) [tanh(u+/w) - tanh(u-/w)], u+- = X cos a +- (t/2) sin a,"
            + " plus a constant; g E0 sech^2(X/w) for a = 0")))
    return StageProduct(
      outputs: ["corrected": value],
      facts: (orientation.withoutWalls(prefix: "wall") ?? table.facts(prefix: "wall"))
        + table.limitFacts(prefix: "wall", profile: profiles.profile, geometry: geometry),
      notes: notes(orientation, inclination) + profiles.notes + table.notes)
  }
}
