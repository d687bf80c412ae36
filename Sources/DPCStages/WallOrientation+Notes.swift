// What stages say of the walls' direction: as attributes, facts and notes.
internal import DPCReconstruction
internal import Glibc
internal import Pipeline
internal import STEMCore

extension WallOrientation {
  /// That the component which somebody has named shows nothing, and the other one does.
  static func notes(
    wallsInOtherComponent count: Int, than direction: FieldDirection, _ origin: DirectionOrigin
  ) -> [Note] {
    guard count > 0 else { return [] }
    return [
      Note(
        .warning,
        "no wall in the component that field_direction names (\(direction.rawValue), \(origin.text)), but"
          + " \(count) in the component \(direction == .perp ? "across" : "along") the walls: check"
          + " field_direction")
    ]
  }

  /// That the image does not tell two directions of the field from each other, where that matters.
  ///
  /// - Parameter inclination: Of the walls, rad.
  func ambiguityNotes(inclination: Double) -> [Note] {
    if !directionOrigin.isMeasured || direction == .perp || inclination < 1e-9 { return [] }
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

  /// As attributes of a result.
  var attributes: [String: String] {
    [
      "wall_normal_azimuth": "\(normalAzimuth) rad (\(normalOrigin.text))",
      "field_direction": "\(direction.rawValue) (\(directionOrigin.text))",
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
    return Self.isOther(normalAzimuth, than: seen.azimuth, error: error)
  }

  /// Whether two normals cannot be of one direction of walls; opposite ones can.
  ///
  /// - Parameter error: Of the angle between them, rad.
  static func isOther(_ normal: Double, than second: Double, error: Double) -> Bool {
    let halfTurns = (normal - second) / Double.pi
    return abs(halfTurns - halfTurns.rounded()) * Double.pi > max(3 * error, harmlessAngle)
  }

  private var seenNotes: [Note] {
    guard isContradicted, let seen else { return [] }
    return [
      Note(
        .warning,
        "wall normal at \(Format.degrees(normalAzimuth)) (\(normalOrigin.text)), and the map varies along"
          + " \(seen.text) only: what is found along another normal is no wall; check wall_normal_azimuth, or give"
          + " normal_azimuth_deg=measured")
    ]
  }

  private var searchNotes: [Note] {
    guard let seen, case .found = normalOrigin else { return [] }
    return [
      seen.error == nil
        ? Note(
          .warning,
          "wall normal at \(seen.text): \(normalOrigin.text), but what is found is wider in the image than the frame shows"
            + " of its length: how walls run cannot be told from this map, and several can look like one; give"
            + " normal_azimuth_deg (0 for walls across a row, 90 for walls across a column)")
        : Note(.assumption, "wall normal at \(seen.text): \(normalOrigin.text)")
    ]
  }

  /// What was not stated, as notes.
  var notes: [Note] {
    var notes: [Note] = []
    if let statedAzimuth {
      // A normal and its opposite are one wall; only the sign of its field differs.
      let turns = (normalAzimuth - statedAzimuth) / Double.pi
      if normalOrigin == .given && abs(turns - turns.rounded()) * Double.pi > 1e-3 {
        notes += contradictionNotes(
          "wall normal", given: normalAzimuth, stated: statedAzimuth, tolerance: 0,
          text: Format.degrees)
      }
    }
    if !hasStraightWalls {
      return [
        Note(
          .assumption,
          "no straight walls (\(normalOrigin.text)): none fitted; give normal_azimuth_deg to fit anyway, or search with"
            + " find-walls, which sees weaker ones")
      ]
    }
    if case .measured = normalOrigin {
      notes.append(
        Note(
          .assumption,
          "wall normal at \(seen?.text ?? Format.degrees(normalAzimuth)): \(normalOrigin.text)"))
    }
    notes += searchNotes + seenNotes
    if !directionOrigin.isStated {
      notes.append(
        Note(.assumption, "field direction \(direction.rawValue): \(directionOrigin.text)"))
    }
    return notes
  }
}

extension WallOrientation.SeenNormal {
  fileprivate var text: String {
    error.map { Format.degrees(azimuth, error: $0) } ?? Format.degrees(azimuth)
  }
}
