// wall-profile: the mean across walls as it appears in the image, without any inclination model.
internal import DPCReconstruction
internal import Glibc
internal import Pipeline
internal import STEMCore

struct WallProfileStage: StageType {
  let name = "wall-profile"
  let summary = "mean profile across walls, with errors; center, amplitude and FWHM in the image"
  let algorithmVersion = 30
  let inputs = [
    InputPort(
      "map", kinds: [.projectedField, .intrinsicField, .deflection], summary: "a vector map")
  ]
  let outputs = [
    OutputPort("profile", kind: .fixed(.wallProfile), summary: "the profile and its fit")
  ]
  let parameters = [WallParameters.normalAzimuth, WallParameters.fieldDirection]

  func run(_ context: StageContext) throws -> StageProduct {
    let source = try source(context)
    do {
      let specimen = source.context.metadata.specimen
      let inclination =
        specimen.wallInclination
        ?? (specimen.view == .crossSection ? Inclination.ofCrossSection : 0)
      var ofMap = MapProfiles(of: source.map, source.context.correlationLength)
      let orientation = try WallOrientation.resolved(
        for: &ofMap, context: context, specimen: specimen, inclination: inclination)
      let profiles = try CrossProfile(of: &ofMap, orientation)
      // Walls that are stated to be edge-on have the shape of the fit: what it leaves of a high one is another wall.
      let options: WallFitOptions = specimen.wallInclination == 0 ? WallFitOptions() : .imagePlane
      var table: WallTable? = .empty
      var walls: ImageWalls?
      if orientation.hasStraightWalls {
        walls = try self.walls(source, profiles, orientation, options, context)
        table = try walls.map { walls in
          try Self.table(walls.fit, profiles, orientation)
            .remarking(walls.courses, geometry: Self.imagePlane(orientation))
            .withAzimuthError(orientation, in: source.map)
            .withScaleError(source.context.commonErrors.relativeScale)
        }
      }
      let others = try wallsInOtherComponent(&ofMap, orientation, table, options, context)
      let value = WallProfileValue(
        profile: profiles.profile, table: table, orientation: orientation, unit: source.unit,
        quantity: source.quantity,
        context: source.context.adding(
          orientation.attributes.merging(
            ["inclination_model": "none: as in the image", "fit_model": "sech2-image"]
          ) { first, _ in first }),
        edgeOn: specimen.wallInclination == 0 ? walls : nil)
      let ofTable =
        table.map { $0.notes + $0.stepNotes(profiles.forFit, unit: value.unit) }
        ?? [Note(.warning, "the profile is too short to fit walls")]
      return StageProduct(
        outputs: ["profile": value], facts: facts(value, of: source.map, others: others),
        notes: WallOrientation.notes(
          wallsInOtherComponent: others, than: orientation.direction, orientation.directionOrigin)
          + orientation.notes + profiles.notes + ofTable
          + pathNotes(value, specimen, inclination: inclination)
          + (try fieldAngleNotes(&ofMap, orientation, table)))
    } catch let error as WallError {
      throw wallFailure(error, stage: context.stageName)
    }
  }

  /// A path through walls that takes more of a profile leaves no baseline beside them.
  private static let largestPath = 0.35

  /// That inclined walls fill the frame with their path, which is no wall's shape in the image.
  private func pathNotes(
    _ value: WallProfileValue, _ specimen: Specimen, inclination: Double
  ) -> [Note] {
    guard let thickness = specimen.thickness, let table = value.table,
      !(table.rows.isEmpty && table.nearRim.isEmpty && table.unmeasured.isEmpty),
      let first = value.profile.distance.first, let last = value.profile.distance.last
    else { return [] }
    let path = thickness * tan(inclination)
    guard path > Self.largestPath * (last - first) else { return [] }
    return [
      Note(
        .warning,
        "walls inclined by \(Format.degrees(inclination)) spread over \(Format.quantity(path, unit: "m")) of this profile"
          + " of \(Format.quantity(last - first, unit: "m")): what is fitted to it as the image shows it need not be walls;"
          + " correct-inclination fits them through the thickness")
    ]
  }

  /// The walls and how they run through the map; nil for a profile too short for a fit, which is still a profile.
  private func walls(
    _ source: Source, _ profiles: CrossProfile, _ orientation: WallOrientation,
    _ options: WallFitOptions, _ context: StageContext
  ) throws(WallError) -> ImageWalls? {
    guard let fit = try fit(profiles, options, context) else { return nil }
    let courses = try Self.table(fit, profiles, orientation).courses(
      in: source.map, geometry: Self.imagePlane(orientation), orientation,
      source.context.correlationLength)
    return ImageWalls(fit: fit, courses: courses)
  }

  private func fit(
    _ profiles: CrossProfile, _ options: WallFitOptions, _ context: StageContext
  ) throws(WallError) -> WallFit? {
    do {
      return try fitImageWalls(profile: profiles.forFit, options: options) {
        context.isInterrupted
      }
    } catch .tooFewSamples {
      return nil
    }
  }

  private static func table(
    _ fit: WallFit, _ profiles: CrossProfile, _ orientation: WallOrientation
  ) -> WallTable {
    WallTable(fit, normalAzimuth: orientation.normalAzimuth, errorScale: profiles.errorScale)
  }

  /// No inclination model, for the component that is looked at.
  private static func imagePlane(
    _ orientation: WallOrientation
  ) throws(WallError) -> InclinationGeometry {
    try InclinationGeometry(
      thickness: 1, inclination: 0, direction: orientation.direction == .perp ? .perp : .normal)
  }

  /// How many walls the component shows that nobody has named, where the named one shows none.
  private func wallsInOtherComponent(
    _ ofMap: inout MapProfiles, _ orientation: WallOrientation, _ table: WallTable?,
    _ options: WallFitOptions, _ context: StageContext
  ) throws(WallError) -> Int {
    guard orientation.directionOrigin.isStated, orientation.hasStraightWalls,
      let table, table.rows.isEmpty
    else { return 0 }
    var other = orientation
    other.direction = orientation.direction == .perp ? .normal : .perp
    let profiles = try CrossProfile(of: &ofMap, other)
    return try fit(profiles, options, context).map { Self.table($0, profiles, other).rows.count }
      ?? 0
  }

  /// A field askew to its walls by more, in its errors and in rad, deserves a warning.
  private static let clearAngle = (sigmas: 5.0, size: 10 * Double.pi / 180)

  /// That the walls' field lies between the two directions that it has by symmetry, as a wrong scan rotation has it.
  private func fieldAngleNotes(
    _ ofMap: inout MapProfiles, _ orientation: WallOrientation, _ table: WallTable?
  ) throws(WallError) -> [Note] {
    guard let table, !table.rows.isEmpty else { return [] }
    var other = orientation
    other.direction = orientation.direction == .perp ? .normal : .perp
    let profile = try CrossProfile(of: &ofMap, other).forFit
    let walls = zip(table.curve, table.curveDistance).map { $0 - table.level(at: $1) }
    guard profile.distance == table.curveDistance,
      let angle = wallFieldAngle(
        other: profile, walls: walls,
        significance: table.rows.reduce(0) { hypot($0, $1.significance) }),
      let error = angle.error,
      abs(angle.value) > max(Self.clearAngle.sigmas * error, Self.clearAngle.size)
    else { return [] }
    let size = Format.degrees(abs(angle.value), error: error)
    // A larger scan rotation turns along into azimuth + 90°, and across into the azimuth.
    let isTooSmall = (orientation.direction == .perp) == (angle.value > 0)
    let direction = orientation.direction == .perp ? "along" : "across"
    return [
      Note(
        .warning,
        "the walls' field does not lie \(direction) them but \(size) askew, and the numbers are those of its component"
          + " \(direction) them; a scan rotation that is too \(isTooSmall ? "small" : "large") by this angle looks"
          + " like that: check scan_rotation and its sign, or rotation_deg; so does curved descan that is left in the"
          + " map, which remove-descan takes away by a vacuum scan or with fit-quadratic")
    ]
  }

  private typealias Source = (
    map: VectorMap, unit: String, quantity: String, context: MapContext
  )

  private func source(
    _ context: StageContext
  ) throws -> Source {
    switch context.input("map") {
    case let value as ProjectedFieldValue:
      if let meanField = value.meanField {
        var context = value.context
        context.commonErrors = value.meanFieldErrors ?? CommonErrors()
        return (meanField, "V/m", "electric_field", context)
      }
      return (value.map, "V", "projected_field", value.context)
    case let value as IntrinsicFieldValue:
      return (value.map, "V/m", "intrinsic_field", value.context)
    case let value as DeflectionValue: return (value.map, "rad", "deflection", value.context)
    default: throw StageFailure(.failed, "stage \(context.stageName): no map at its input")
    }
  }

  private func facts(_ value: WallProfileValue, of map: VectorMap, others: Int) -> [Fact] {
    var facts =
      value.orientation.withoutWalls(prefix: "profile")
      ?? value.table?.facts(prefix: "profile", fieldUnit: value.unit) ?? []
    if let table = value.table, value.orientation.allowsLimit, others == 0 {
      facts += table.limitFacts(
        prefix: "profile", profile: value.profile, of: map,
        normalAzimuth: value.orientation.normalAzimuth, direction: value.orientation.limitedTo,
        geometry: .imagePlane,
        fieldUnit: value.unit)
    }
    facts += value.profile.slopeFacts(prefix: "profile", unit: value.unit)
    if let table = value.table, table.isPoorFit {
      facts += directWidths(value.profile, table)
    }
    if let errors = value.profile.error, let error = median(errors) {
      facts.append(
        Fact(
          "profile_detection_limit",
          text:
            "detection limit \(Format.quantity(5 * error, unit: value.unit)) for the average along"
            + " the wall (5 sigma)", value: 5 * error, unit: value.unit))
    }
    return facts
  }

  /// Where sech² does not describe a wall, its width at half height is read off the profile.
  private func directWidths(_ profile: LineProfile, _ table: WallTable) -> [Fact] {
    table.rows.enumerated().compactMap { index, row in
      directWidth(
        of: profile, at: row.wall.position.value, baseline: table.level(at: row.wall.position.value)
      ).map { width in
        Fact(
          "profile_\(index + 1)_direct_width",
          text: "wall \(index + 1): width at half height, read off the profile,"
            + " \(Format.quantity(width, unit: "m"))", value: width, unit: "m")
      }
    }
  }
}
