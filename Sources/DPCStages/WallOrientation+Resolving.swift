// Which way the walls of a map run and which field component they carry: given, stated or measured.
internal import DPCReconstruction
internal import Glibc
internal import Pipeline
internal import STEMCore

/// Parameters shared by the stages that look across walls.
enum WallParameters {
  static let normalAzimuth = ParameterSpecification(
    "normal_azimuth_deg", .number(unit: "deg", range: NumberRange(-360...360)),
    keywords: ["from-file", "measured"], default: .text("from-file"),
    summary: "azimuth of the wall normal in the image, from +x towards +y (clockwise); from-file"
      + " measures it where the file does not state it")
  static let fieldDirection = ParameterSpecification(
    "field_direction",
    .choice(["from-file", "measured"] + FieldDirection.allCases.map(\.rawValue)),
    default: .text("from-file"),
    summary: "perp: along the wall, across the beam; parallel: along the wall, in the plane of beam"
      + " and normal; normal: along the wall normal")
}

extension FieldDirection {
  /// Nearer to the beam than this a field in the plane of beam and normal leaves less than a sixth of it in the
  /// image, rad: what is seen is rather a field along the normal.
  private static let largestEdgeOnInclination = 10 * Double.pi / 180

  /// What the component of the image along the walls' normal is taken for, of the two that it can be.
  ///
  /// - Parameter inclination: Of the walls, rad.
  static func across(inclination: Double) -> FieldDirection {
    inclination > largestEdgeOnInclination ? .parallel : .normal
  }
}

extension WallOrientation {
  /// - Parameters:
  ///   - map: Any vector map with a pixel size.
  ///   - correlation: Over how many of its pixels errors go together.
  ///   - inclination: Of the walls, rad: inclined walls show a field in the plane of beam and normal, nearly
  ///     edge-on ones one along the normal, as the same component of the image. The file's silence is read so.
  ///   - crystalAzimuth: Of the normal, from the crystal's directions, rad.
  ///   - earlier: What a profile of the map has found: what it has measured is not measured again.
  static func resolved(
    for map: VectorMap, correlation: CorrelationLength, context: StageContext, specimen: Specimen,
    inclination: Double, crystalAzimuth: Double? = nil, earlier: WallOrientation? = nil
  ) throws(WallError) -> WallOrientation {
    // Measured in any case: what is stated is held against it.
    let seen = if let seen = earlier?.seen { seen } else { try SeenNormal(in: map, correlation) }
    let normal = normalAzimuth(context, specimen, crystalAzimuth, seen, earlier)
    let direction = try fieldDirection(
      map, context, specimen, normalAzimuth: normal.angle,
      across: .across(inclination: inclination), earlier)
    return WallOrientation(
      normalAzimuth: normal.angle, direction: direction.value, normalOrigin: normal.origin,
      directionOrigin: direction.origin, coherence: normal.coherence,
      statedAzimuth: specimen.wallNormalAzimuth, seen: seen)
  }

  private static func normalAzimuth(
    _ context: StageContext, _ specimen: Specimen, _ crystalAzimuth: Double?, _ seen: SeenNormal,
    _ earlier: WallOrientation?
  ) -> (angle: Double, origin: String, coherence: Double?) {
    if let degrees = context.number("normal_azimuth_deg") {
      return (degrees * Double.pi / 180, Self.given, nil)
    }
    if let crystalAzimuth { return (crystalAzimuth, "from the crystal's directions", nil) }
    if context.word("normal_azimuth_deg") != "measured" {
      if let stated = specimen.wallNormalAzimuth { return (stated, "from the file", nil) }
      if let earlier, [Self.given, Self.givenBefore].contains(earlier.normalOrigin) {
        return (earlier.normalAzimuth, Self.givenBefore, nil)
      }
    }
    if seen.coherence == 0 { return (seen.azimuth, "no direction found", 0) }
    let coherence = Format.significant(seen.coherence, digits: 2)
    return (seen.azimuth, "measured, coherence \(coherence)", seen.coherence)
  }

  private static func fieldDirection(
    _ map: VectorMap, _ context: StageContext, _ specimen: Specimen, normalAzimuth: Double,
    across: FieldDirection, _ earlier: WallOrientation?
  ) throws(WallError) -> (value: FieldDirection, origin: String) {
    let word = context.word("field_direction") ?? "from-file"
    if let given = FieldDirection(rawValue: word) { return (given, "given") }
    if word == "from-file", let stated = specimen.fieldDirection {
      return (stated, "from the file")
    }
    if let earlier, earlier.isDirectionMeasured, earlier.normalAzimuth == normalAzimuth {
      return (earlier.direction == .perp ? .perp : across, earlier.directionOrigin)
    }
    guard let dominant = try dominantWallComponent(of: map, normalAzimuth: normalAzimuth) else {
      return (across == .parallel ? .parallel : .perp, Self.noComponent)
    }
    let direction = dominant.direction == .normal ? across : dominant.direction
    return (direction, "the component with \(Format.percent(dominant.powerFraction)) of the power")
  }

  /// That the image does not tell two directions of the field from each other, where that matters.
  ///
  /// - Parameter inclination: Of the walls, rad.
  func ambiguityNotes(inclination: Double) -> [Note] {
    if !isDirectionMeasured || direction == .perp || inclination < 1e-9 { return [] }
    // A field E along the normal shows E cos a, one in the plane of beam and normal E sin a.
    let other = direction == .normal ? FieldDirection.parallel : .normal
    let factor = direction == .normal ? 1 / tan(inclination) : tan(inclination)
    let size =
      abs(factor - 1) < 0.01
      ? "as large as those" : "\(Format.significant(factor, digits: 3)) times those"
    return [
      Note(
        abs(factor - 1) > 0.2 ? .warning : .assumption,
        "the image does not tell a field in the plane of beam and wall normal (parallel) from one along the"
          + " normal (normal): \(direction.rawValue) is taken; if it is \(other.rawValue), fields of walls"
          + " \(Format.degrees(inclination)) from the beam are \(size) stated here; give field_direction"
      )
    ]
  }

  private static let given = "given"
  private static let givenBefore = "given to the profile"
  private static let noComponent = "assumed: no component stands out of the noise"

  /// Whether the field's component was found in the map.
  private var isDirectionMeasured: Bool {
    !["given", "from the file", Self.noComponent].contains(directionOrigin)
  }

  /// As attributes of a result.
  var attributes: [String: String] {
    [
      "wall_normal_azimuth": "\(normalAzimuth) rad (\(normalOrigin))",
      "field_direction": "\(direction.rawValue) (\(directionOrigin))",
    ]
  }

  /// What a map says that has no straight walls; nil for one that may have some.
  func withoutWalls(prefix: String) -> [Fact]? {
    hasStraightWalls
      ? nil
      : [
        Fact(
          "\(prefix)_count",
          text: coherence == 0
            ? "no walls fitted: the map shows no direction in which they would run"
            : "no straight walls: the map varies in all directions", value: 0)
      ]
  }

  /// What a limit for walls has to add: where no direction was found it holds for the one that was taken only.
  var limitedTo: String {
    coherence == 0 ? " with its normal at \(Format.degrees(normalAzimuth))" : ""
  }

  /// Whether a limit for straight walls says anything: not of a map that varies in all directions, nor along another
  /// one than where walls are to be.
  var allowsLimit: Bool { (hasStraightWalls || coherence == 0) && !isContradicted }

  /// A map that varies along one direction only has nothing but walls of one family.
  private static let clearCoherence = 0.8
  /// A normal that is off by less costs a wall little, whatever its error, rad.
  private static let harmlessAngle = 2 * Double.pi / 180

  /// Whether the map shows walls, and none with this normal.
  private var isContradicted: Bool {
    guard let seen, let error = seen.error, seen.coherence >= Self.clearCoherence else {
      return false
    }
    let halfTurns = (normalAzimuth - seen.azimuth) / Double.pi
    let distance = abs(halfTurns - halfTurns.rounded()) * Double.pi
    return distance > max(3 * error, Self.harmlessAngle)
  }

  private var seenNotes: [Note] {
    guard isContradicted, let seen else { return [] }
    return [
      Note(
        .warning,
        "wall normal at \(Format.degrees(normalAzimuth)) (\(normalOrigin)), and the map varies along"
          + " \(seen.text) only: what is found along another normal is no wall; check wall_normal_azimuth, or give"
          + " normal_azimuth_deg=measured")
    ]
  }

  /// What was not stated, as notes.
  var notes: [Note] {
    var notes: [Note] = []
    if let statedAzimuth {
      // A normal and its opposite are one wall; only the sign of its field differs.
      let turns = (normalAzimuth - statedAzimuth) / Double.pi
      if normalOrigin == Self.given && abs(turns - turns.rounded()) * Double.pi > 1e-3 {
        notes += contradictionNotes(
          "wall normal", given: normalAzimuth, stated: statedAzimuth, tolerance: 0,
          text: Format.degrees)
      }
    }
    if !hasStraightWalls {
      return [
        Note(
          .assumption,
          "no straight walls (\(normalOrigin)): none fitted; give normal_azimuth_deg to fit anyway, or search with"
            + " find-walls, which sees weaker ones")
      ]
    }
    if normalOrigin.hasPrefix("measured") {
      notes.append(
        Note(
          .assumption,
          "wall normal at \(seen?.text ?? Format.degrees(normalAzimuth)): \(normalOrigin)"))
    }
    notes += seenNotes
    if directionOrigin != "given" && directionOrigin != "from the file" {
      notes.append(
        Note(.assumption, "field direction \(direction.rawValue): \(directionOrigin)"))
    }
    return notes
  }
}

extension WallOrientation.SeenNormal {
  init(in map: VectorMap, _ correlation: CorrelationLength) throws(WallError) {
    let measured = try measuredWallNormal(of: map, correlation: (correlation.x, correlation.y))
    self.init(
      azimuth: measured.azimuth, error: measured.azimuthError, coherence: measured.coherence)
  }

  fileprivate var text: String {
    error.map { Format.degrees(azimuth, error: $0) } ?? Format.degrees(azimuth)
  }
}

/// The profile across walls, and its errors as a fit needs them.
struct CrossProfile {
  /// Errors are those of each sample.
  let profile: LineProfile
  /// Errors enlarged for what neighboring samples share, so that a fit that takes them for independent
  /// has the right weight as a whole; divided by `errorScale`.
  let forFit: LineProfile
  /// Above 1 where the data scatter far less than their errors say: walls are then sought by the
  /// scatter, but their errors remain those of the stated counts.
  let errorScale: Double
  /// Observed scatter over the stated errors, where it is far too small to be counting noise.
  let contradiction: Double?

  /// As many samples scatter by less than this part of their errors with a chance below 1e-9: their third
  /// differences have some 28 degrees of freedom, and χ² < 2.5 of them.
  private static let smallestRatio = 0.3
  private static let fewestSamples = 64
  private static let smallestScale = 1e-3

  init(
    of map: VectorMap, _ orientation: WallOrientation, correlation: CorrelationLength
  ) throws(WallError) {
    var profile = try wallProfile(
      of: map, direction: orientation.direction, normalAzimuth: orientation.normalAzimuth)
    let along = correlation.along(orientation.normalAzimuth + Double.pi / 2)
    if let errors = profile.error, along > 1 {
      profile.error = zip(errors, profile.sampleCount).map { error, count in
        error * min(along, Double(count)).squareRoot()
      }
    }
    self.profile = profile
    let across = correlation.along(orientation.normalAzimuth).squareRoot()
    profile.error = profile.error?.map { $0 * across }
    contradiction = along == 1 && across == 1 ? Self.contradiction(profile) : nil
    let scale = contradiction.map { 1 / max($0, Self.smallestScale) } ?? 1
    profile.error = profile.error?.map { $0 / scale }
    errorScale = scale
    forFit = profile
  }

  /// From third differences, which see noise (Σ of squared coefficients 20) and little of a smooth
  /// profile, against what the stated errors would make them.
  private static func contradiction(_ profile: LineProfile) -> Double? {
    guard let errors = profile.error, profile.value.count >= fewestSamples else { return nil }
    let v = profile.value
    var sum = 0.0
    for index in 0..<(v.count - 3) {
      let difference: Double = v[index + 3] - v[index] - 3 * (v[index + 2] - v[index + 1])
      sum += difference * difference / (20 * errors[index] * errors[index])
    }
    let ratio = (sum / Double(v.count - 3)).squareRoot()
    return ratio < smallestRatio ? ratio : nil
  }

  var notes: [Note] {
    contradiction.map { ratio in
      [
        Note(
          .warning,
          "the profile scatters \(Format.percent(ratio)) of what the stated counts allow: no noise in"
            + " the data, or a wrong electrons_per_pixel; errors of the walls from the scatter instead"
        )
      ]
    } ?? []
  }
}

/// A wall fit's refusal as the stage's failure.
func wallFailure(_ error: WallError, stage: String) -> StageFailure {
  switch error {
  case .pixelSizeMissing: return missingPixelSize("the acquisition", stage: stage)
  case .invisibleField:
    return StageFailure(
      .missingPrerequisite, "stage \(stage): \(error)",
      remedy: "choose another field_direction or inclination_deg, or another view of the walls")
  case .azimuthNotShown:
    return StageFailure(
      .missingPrerequisite, "stage \(stage): \(error)",
      remedy:
        "fit them with wall-profile, which takes the direction of their normal: normal_azimuth_deg"
        + " (0 for walls across a row, 90 for walls across a column)")
  case .tooFewSamples, .badThickness, .badInclination, .badAzimuth:
    return StageFailure(.failed, "stage \(stage): \(error)")
  }
}

extension ProjectedFieldValue {
  /// The field averaged over the thickness, V/m, and the thickness, m.
  ///
  /// - Throws: `StageFailure` without a thickness.
  func knownMeanField(stage: String) throws -> (map: VectorMap, thickness: Double) {
    guard let thickness, let meanField else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(stage): the thickness is unknown (/entry/sample/thickness), and a field in V/m needs it",
        remedy: "give it to the electric-field stage: --set STAGE.thickness_nm=VALUE")
    }
    return (meanField, thickness)
  }
}
