// Which way the walls of a map run and which field component they carry: given, stated or measured.
internal import DPCReconstruction
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
  ///   - profiles: Of any vector map with a pixel size.
  ///   - inclination: Of the walls, rad: inclined walls show a field in the plane of beam and normal, nearly
  ///     edge-on ones one along the normal, as the same component of the image. The file's silence is read so.
  ///   - crystalAzimuth: Of the normal, from the crystal's directions, rad.
  ///   - earlier: What a profile of the map has found: what it has measured is not measured again.
  static func resolved(
    for profiles: inout MapProfiles, context: StageContext, specimen: Specimen,
    inclination: Double, crystalAzimuth: Double? = nil, earlier: WallOrientation? = nil
  ) throws -> WallOrientation {
    // Measured in any case: what is stated is held against it.
    var seen =
      if let seen = earlier?.seen { seen } else {
        try SeenNormal(in: profiles.map, profiles.correlation)
      }
    if seen.coherence == 0, seen.significance == nil, crystalAzimuth == nil,
      isSought(context, specimen, earlier)
    {
      try seen.search(profiles.map, profiles.correlation, context)
    }
    let normal = normalAzimuth(context, specimen, crystalAzimuth, seen, earlier)
    let direction = try fieldDirection(
      &profiles, context, specimen, normalAzimuth: normal.angle,
      across: .across(inclination: inclination), earlier)
    return WallOrientation(
      normalAzimuth: normal.angle, direction: direction.value, normalOrigin: normal.origin,
      directionOrigin: direction.origin, coherence: normal.coherence,
      statedAzimuth: specimen.wallNormalAzimuth, seen: seen)
  }

  /// Whether nobody has stated the normal.
  private static func isSought(
    _ context: StageContext, _ specimen: Specimen, _ earlier: WallOrientation?
  ) -> Bool {
    if context.number("normal_azimuth_deg") != nil { return false }
    if context.word("normal_azimuth_deg") == "measured" { return true }
    return specimen.wallNormalAzimuth == nil && !(earlier?.isNormalGiven ?? false)
  }

  private static func normalAzimuth(
    _ context: StageContext, _ specimen: Specimen, _ crystalAzimuth: Double?, _ seen: SeenNormal,
    _ earlier: WallOrientation?
  ) -> (angle: Double, origin: NormalOrigin, coherence: Double?) {
    if let given = context.radiansIfGiven("normal_azimuth_deg") { return (given, .given, nil) }
    if let crystalAzimuth { return (crystalAzimuth, .crystal, nil) }
    if context.word("normal_azimuth_deg") != "measured" {
      if let stated = specimen.wallNormalAzimuth { return (stated, .file, nil) }
      if let earlier, earlier.isNormalGiven { return (earlier.normalAzimuth, .givenToProfile, nil) }
    }
    if let significance = seen.significance, significance > 0 {
      return (seen.azimuth, .found(significance: significance), nil)
    }
    if seen.coherence == 0 { return (seen.azimuth, .unknown, 0) }
    return (seen.azimuth, .measured(coherence: seen.coherence), seen.coherence)
  }

  private static func fieldDirection(
    _ profiles: inout MapProfiles, _ context: StageContext, _ specimen: Specimen,
    normalAzimuth: Double, across: FieldDirection, _ earlier: WallOrientation?
  ) throws -> (value: FieldDirection, origin: DirectionOrigin) {
    let word: String = try context.value("field_direction")
    if let given = FieldDirection(rawValue: word) { return (given, .given) }
    if word == "from-file", let stated = specimen.fieldDirection {
      return (stated, .file)
    }
    if let earlier, earlier.directionOrigin.isMeasured, earlier.normalAzimuth == normalAzimuth {
      return (earlier.direction == .perp ? .perp : across, earlier.directionOrigin)
    }
    let dominant = dominantWallComponent(
      perp: try profiles.profile(.perp, normalAzimuth: normalAzimuth),
      normal: try profiles.profile(.normal, normalAzimuth: normalAzimuth))
    guard let dominant else {
      return (across == .parallel ? .parallel : .perp, .assumed)
    }
    let direction = dominant.direction == .normal ? across : dominant.direction
    return (direction, .power(dominant.powerFraction))
  }

  /// Whether the user has named the normal, to this stage or to the one before.
  private var isNormalGiven: Bool { normalOrigin == .given || normalOrigin == .givenToProfile }
}

extension WallOrientation.SeenNormal {
  init(in map: VectorMap, _ correlation: CorrelationLength) throws(WallError) {
    let measured = try measuredWallNormal(of: map, correlation: (correlation.x, correlation.y))
    self.init(
      azimuth: measured.azimuth, error: measured.azimuthError, coherence: measured.coherence)
  }

  /// By whole walls, where gradients show no direction.
  fileprivate mutating func search(
    _ map: VectorMap, _ correlation: CorrelationLength, _ context: StageContext
  ) throws {
    let found = try foundWallNormal(
      of: map, correlation: (correlation.x, correlation.y), checkpoint: context.checkCancellation)
    significance = found?.significance ?? 0
    if let found { (azimuth, error) = (found.azimuth, found.azimuthError) }
  }
}
