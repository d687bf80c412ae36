// find-walls: walls anywhere in a map, with azimuth, ends, bow, field and width, without a line drawn.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct FindWalls: StageType {
  let name = "find-walls"
  let summary =
    "walls found in a map: azimuth, ends, bow, field, width; do neighbors alternate?"
  let algorithmVersion = 28
  let inputs = [
    InputPort("field", kinds: [.projectedField], summary: "∫E dz with the thickness")
  ]
  let outputs = [
    OutputPort("walls", kind: .fixed(.walls), summary: "table of walls, one row each")
  ]
  let parameters = [
    WallParameters.fieldDirection,
    ParameterSpecification(
      "inclination_deg", .number(unit: "deg", range: NumberRange(0...90, excludesUpper: true)),
      keywords: ["from-file"], default: .text("from-file"),
      summary: "angle between the beam and the planes of all walls, 0 = edge-on; from-file takes 45"
        + " for a cross-section that does not say, else 0, with a warning unless the view is top"),
    ParameterSpecification(
      "false_walls_per_map", .number(unit: nil, range: NumberRange(1e-9...0.1)),
      default: .number(1e-3),
      summary: "how many walls noise alone may show in a map, on average; sets the threshold"),
    ParameterSpecification(
      "shortest_length", .number(unit: nil, range: NumberRange(1...100)), default: .number(3),
      summary: "shortest wall, in units of its width in the image"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    let (map, thickness) = try input.knownMeanField(stage: context.stageName)
    let inclination = Inclination(
      given: context.radiansIfGiven("inclination_deg"), nil,
      input.context.metadata.specimen)
    do {
      let search = try search(
        map, thickness: thickness, inclination: inclination, context: context, input: input)
      return try product(search, inclination: inclination, map: map, input: input)
    } catch let error as WallError {
      throw wallFailure(error, stage: context.stageName, inclination)
    }
  }

  /// In the component that is stated or, where none is, in that with the clearer walls.
  private func search(
    _ map: VectorMap, thickness: Double, inclination: Inclination,
    context: StageContext, input: ProjectedFieldValue
  ) throws -> WallSearchResult {
    let specimen = input.context.metadata.specimen
    var options = WallFindingOptions()
    options.falseWallsPerMap = try context.value("false_walls_per_map")
    options.shortestLength = try context.value("shortest_length")
    options.preferredAzimuth = specimen.wallNormalAzimuth
    let correlation = input.context.correlationLength
    func found(
      _ direction: FieldDirection
    ) throws -> (findings: WallFindings, geometry: InclinationGeometry) {
      let geometry = try InclinationGeometry(
        thickness: thickness, inclination: inclination.angle, direction: direction)
      return (
        try findWalls(
          in: map, geometry: geometry, noiseFactor: correlation.noiseFactor,
          options: options, checkpoint: context.checkCancellation), geometry
      )
    }
    let word: String = try context.value("field_direction")
    let across = FieldDirection.across(inclination: inclination.angle)
    let given = FieldDirection(rawValue: word)
    if let direction = given ?? (word == "from-file" ? specimen.fieldDirection : nil) {
      let origin = given == nil ? DirectionOrigin.file : .given
      let (findings, geometry) = try found(direction)
      guard findings.walls.isEmpty, !findings.isTwoDimensional else {
        return WallSearchResult(findings: findings, geometry: geometry, origin: origin)
      }
      let other = try found(direction == .perp ? across : .perp)
      return WallSearchResult(
        findings: findings, geometry: geometry, origin: origin,
        notes: WallOrientation.notes(
          wallsInOtherComponent: other.findings.walls.count, than: direction, origin))
    }
    return chosen(try found(.perp), try found(across))
  }

  private func chosen(
    _ along: (findings: WallFindings, geometry: InclinationGeometry),
    _ across: (findings: WallFindings, geometry: InclinationGeometry)
  ) -> WallSearchResult {
    let (chosen, other) =
      across.findings.power > along.findings.power
      ? (across, along) : (along, across)
    if chosen.findings.walls.isEmpty {
      return WallSearchResult(
        findings: chosen.findings, geometry: chosen.geometry, origin: .noWalls)
    }
    let share = chosen.findings.power / (chosen.findings.power + other.findings.power)
    return WallSearchResult(
      findings: chosen.findings, geometry: chosen.geometry, origin: .signal(share))
  }

  private func product(
    _ search: WallSearchResult, inclination: Inclination, map: VectorMap,
    input: ProjectedFieldValue
  ) throws -> StageProduct {
    let (findings, geometry) = (search.findings, search.geometry)
    let hasErrors = input.map.covariance != nil
    let specimen = input.context.metadata.specimen
    let orientation = search.orientation(stated: specimen.wallNormalAzimuth)
    let azimuth = orientation.normalAzimuth
    var context = input.context
    context.commonErrors = input.meanFieldErrors ?? CommonErrors()
    context = context.adding(search.attributes(orientation, inclination))
    let table = WallTable(findings: findings, errorScale: findings.errorScale)
      .withScaleError(context.commonErrors.relativeScale)
    var profile = try Self.profile(findings, map, azimuth, geometry)
    profile.error = hasErrors ? profile.error?.map { $0 * findings.errorScale } : nil
    let value = WallsValue(
      table: table, profile: profile, orientation: orientation,
      inclination: geometry.inclination, thickness: geometry.thickness, context: context,
      found: FoundWallsColumns(findings))
    // Of what is no straight wall, or was refused, a limit for straight walls says nothing.
    let limit =
      findings.isTwoDimensional || !findings.rejections.isEmpty
      ? []
      : table.limitFacts(
        prefix: "wall", profile: profile, of: map, normalAzimuth: azimuth,
        direction: specimen.wallNormalAzimuth == nil
          ? " with its normal at \(Format.degrees(azimuth))" : "",
        geometry: geometry)
    let ambiguity =
      findings.walls.isEmpty
      ? [] : orientation.ambiguityNotes(inclination: inclination.angle)
    return StageProduct(
      outputs: ["walls": value], facts: findings.facts(table) + limit,
      notes: search.notes + findings.notes(hasErrors: hasErrors)
        + findings.contradictionNotes(statedNormal: specimen.wallNormalAzimuth)
        + inclination.notes(specimen) + orientation.notes + ambiguity + table.notes)
  }

  private static func profile(
    _ findings: WallFindings, _ map: VectorMap, _ azimuth: Double, _ geometry: InclinationGeometry
  ) throws -> LineProfile {
    if let profile = findings.profile { return profile }
    var profile = try wallProfile(
      of: map, direction: geometry.direction, normalAzimuth: azimuth)
    // The stage restores what the search divided errors by.
    profile.error = profile.error?.map { $0 / findings.errorScale }
    return profile
  }
}

private struct WallSearchResult {
  let findings: WallFindings
  let geometry: InclinationGeometry
  /// How the component became known.
  let origin: DirectionOrigin
  /// What the component that nobody named shows where the named one shows nothing.
  var notes: [Note] = []

  /// Of the walls that were found; of a profile without any, as the file states, else horizontal.
  func orientation(stated: Double?) -> WallOrientation {
    let withoutWalls = stated == nil ? NormalOrigin.unknown : .file
    return WallOrientation(
      normalAzimuth: findings.families.first ?? stated ?? 0, direction: geometry.direction,
      normalOrigin: findings.families.isEmpty ? withoutWalls : .foundWalls,
      directionOrigin: origin, coherence: nil, statedAzimuth: stated)
  }

  /// How the walls were found, for whoever reads the result alone.
  func attributes(_ orientation: WallOrientation, _ inclination: Inclination) -> [String: String] {
    let own = [
      "inclination_model": "finite-wall",
      "inclination": "\(geometry.inclination) rad (\(inclination.origin))",
      "direction_factor": "\(geometry.directionFactor)",
      "search": "lines of all azimuths, lengths and widths by gain in chi-square; threshold"
        + " \(Format.significant(findings.threshold, digits: 3)) sigma",
      "alternation": findings.alternation.text,
      "sign_convention": "positive along wall_normal_azimuth for parallel and normal, along"
        + " azimuth + 90 deg for perp; each family's normals point alike",
    ]
    return orientation.attributes.merging(own) { first, _ in first }
  }
}

extension FoundWallsColumns {
  /// Of the walls that count as measured, with the errors that the search had divided out.
  fileprivate init(_ findings: WallFindings) {
    let scale = findings.errorScale
    let walls = findings.walls.filter { WallRow($0.fitted, errorScale: scale).isMeasured }
    self.init(
      normalAzimuth: walls.map { wall in
        STEMCore.Measurement(
          wall.normalAzimuth.value, error: wall.normalAzimuth.error.map { $0 * scale })
      }, start: walls.map(\.start), end: walls.map(\.end),
      significance: walls.map { $0.significance / scale }, family: walls.map(\.family),
      families: findings.families)
  }
}

extension Inclination {
  /// What is assumed of all walls, or given against the file.
  fileprivate func notes(_ specimen: Specimen) -> [Note] {
    if isAssumed { return assumptionNotes("inclination of all walls") }
    return contradictionNotes(
      "wall inclination", given: angle, stated: specimen.wallInclination, tolerance: 1e-3,
      text: Format.degrees)
  }
}
