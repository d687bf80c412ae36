// correct-inclination: from the field in the image to that in inclined walls, by a named model.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct CorrectInclination: StageType {
  let name = "correct-inclination"
  let summary = "field in inclined walls: a map by vector projection, or a table by a wall fit"
  let algorithmVersion = 9
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
          + " cross-section that does not say, 0 for a top view; fit finds it with the walls"),
      WallParameters.normalAzimuth,
      WallParameters.fieldDirection,
    ] + CrystalParameters.all

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    let (meanField, thickness) = try input.knownMeanField(stage: context.stageName)
    let specimen = input.context.metadata.specimen
    let crystal = try CrystalRequest(context)
    let inclination = inclination(context, specimen, crystal)
    do {
      var orientation = try WallOrientation.resolved(
        for: meanField, correlation: input.context.correlationLength, context: context,
        specimen: specimen,
        inclination: inclination.angle, crystalAzimuth: crystal?.normalAzimuth,
        earlier: (context.input("profile") as? WallProfileValue)?.orientation)
      let factor = try factor(crystal, context, orientation: &orientation)
      let isFit = context.word("model") == "finite-wall"
      // The fit looks for heights; which way a field counts as positive is settled afterwards.
      let geometry = try InclinationGeometry(
        thickness: thickness, inclination: inclination.angle, direction: orientation.direction,
        factor: isFit ? factor.map(abs) : factor)
      var mapContext = input.context
      mapContext.commonErrors = input.meanFieldErrors ?? CommonErrors()
      mapContext.attributes.merge(crystal?.attributes ?? [:]) { _, new in new }
      var product: StageProduct
      if isFit {
        product = try walls(
          meanField, geometry: geometry, orientation: orientation, inclination: inclination,
          isOpposite: (factor ?? 1) < 0, context: mapContext)
      } else if context.word("model") == "deconvolve" {
        product = try deconvolved(
          try withoutGaps(meanField, stage: context.stageName), geometry: geometry,
          orientation: orientation, inclination: inclination, context: mapContext)
      } else {
        product = try projected(
          meanField, geometry: geometry, orientation: orientation, inclination: inclination,
          context: mapContext)
      }
      product.notes += contradictions(context, specimen, crystal)
      product.notes += orientation.ambiguityNotes(inclination: inclination.angle)
      return product
    } catch let error as WallError {
      throw wallFailure(error, stage: context.stageName)
    }
  }

  private func contradictions(
    _ context: StageContext, _ specimen: Specimen, _ crystal: CrystalRequest?
  ) -> [Note] {
    let given = context.number("inclination_deg").map { $0 * Double.pi / 180 }
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
    orientation.directionOrigin = "field along \(axis)"
    return factor
  }

  private func inclination(
    _ context: StageContext, _ specimen: Specimen, _ crystal: CrystalRequest?
  ) -> Inclination {
    let isFitted = context.word("inclination_deg") == "fit"
    if let crystal {
      return Inclination(
        angle: crystal.view.inclination, origin: crystal.text, isAssumed: false,
        isFitted: isFitted)
    }
    if let degrees = context.number("inclination_deg") {
      return Inclination(
        angle: degrees * Double.pi / 180, origin: "given", isAssumed: false, isFitted: false)
    }
    if let stated = specimen.wallInclination {
      return Inclination(
        angle: stated, origin: "from the file", isAssumed: false, isFitted: isFitted)
    }
    return specimen.view == .crossSection || isFitted
      ? Inclination(
        angle: Inclination.ofCrossSection, origin: "45° assumed for a cross-section",
        isAssumed: true,
        isFitted: isFitted)
      : Inclination(
        angle: 0, origin: "edge-on assumed for a top view", isAssumed: true, isFitted: false)
  }

  func attributes(
    _ orientation: WallOrientation, _ inclination: Inclination,
    geometry: InclinationGeometry, model: String, formula: String
  ) -> [String: String] {
    orientation.attributes.merging([
      "inclination_model": model,
      "inclination_formula": formula,
      "inclination": "\(inclination.angle) rad (\(inclination.origin)"
        + (inclination.error.map { ", error \($0) rad" } ?? "") + ")",
      "direction_factor": "\(geometry.directionFactor)",
    ]) { first, _ in first }
  }

  func notes(
    _ orientation: WallOrientation, _ inclination: Inclination
  ) -> [Note] {
    (inclination.isAssumed ? [Note(.assumption, "wall inclination: \(inclination.origin)")] : [])
      + orientation.notes
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
      notes: notes(orientation, inclination) + [
        Note(
          .information,
          "vector projection does not undo the path through the wall: see the finite-wall model")
      ])
  }

  private func walls(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, isOpposite: Bool, context: MapContext
  ) throws -> StageProduct {
    let profiles = try CrossProfile(
      of: meanField, orientation, correlation: context.correlationLength)
    var inclination = inclination
    var geometry = geometry
    var fittedNotes: [Note] = []
    var table = WallTable.empty
    var angleFacts: [Fact] = []
    if orientation.hasStraightWalls {
      let free =
        inclination.isFitted
        ? try fitInclinedWalls(profile: profiles.forFit, start: geometry) : nil
      if let free, free.isDetermined {
        inclination.angle = free.inclination.value
        inclination.error = free.inclination.error
        inclination.origin = "fitted"
        inclination.isAssumed = false
        geometry = free.geometry
        table = WallTable(
          free.fit, normalAzimuth: orientation.normalAzimuth, errorScale: profiles.errorScale)
        angleFacts = [inclination.fact(errorScale: profiles.errorScale)]
      } else {
        let fit = try fitWalls(profile: profiles.forFit, geometry: geometry)
        table = WallTable(
          fit, normalAzimuth: orientation.normalAzimuth, errorScale: profiles.errorScale)
        if inclination.isFitted { fittedNotes = [Self.notDetermined(free, inclination)] }
      }
      table = table.withScaleError(context.commonErrors.relativeScale)
      if isOpposite { table = table.opposite }
    }
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
    let limit =
      orientation.allowsLimit
      ? table.limitFacts(
        prefix: "wall", profile: profiles.profile, of: meanField,
        normalAzimuth: orientation.normalAzimuth, geometry: geometry) : []
    return StageProduct(
      outputs: ["corrected": value],
      facts: (orientation.withoutWalls(prefix: "wall") ?? table.facts(prefix: "wall")) + angleFacts
        + limit,
      notes: notes(orientation, inclination) + fittedNotes + profiles.notes + table.notes)
  }

  private static func notDetermined(
    _ free: InclinedWallFit?, _ inclination: Inclination
  ) -> Note {
    let reason =
      free == nil
      ? "no wall with errors to fit it to"
      : "every angle within 15° and more fits: the walls are too wide for the thickness, or too noisy"
    return Note(
      .warning,
      "the inclination cannot be told from these walls (\(reason)); \(Format.degrees(inclination.angle))"
        + " (\(inclination.origin)) taken instead")
  }
}
