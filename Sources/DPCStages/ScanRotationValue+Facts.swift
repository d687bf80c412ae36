// What an estimate of the scan rotation says in words.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension ScanRotationValue {
  /// What was found; without an angle of its own the estimate is a check of the stated one that failed.
  ///
  /// - Parameter stated: What the file says, rad; nil where it is silent.
  func facts(stated: Double?) -> [Fact] {
    guard let angle, let error, let curl else {
      let reason = unresolvedBecause ?? "no reason known"
      let text =
        stated.map {
          "the field cannot check the scan rotation of \(Format.degrees($0)) that the file states:"
            + " \(reason)"
        } ?? "scan rotation unresolved: \(reason)"
      return [Fact("scan_rotation_estimate", text: text)]
    }
    let degrees = 180 / Double.pi
    var facts = [
      Fact(
        "scan_rotation_estimate",
        text: "scan rotation from the data \(Self.angleText(angle, error))"
          + (isSignKnown ? "" : " or \(Self.angleText(Self.opposite(angle), error))")
          + ", contrast \(Format.significant(curl.contrast, digits: 3)) (noise alone"
          + " \(Format.significant(curl.noiseContrast, digits: 2)))", value: angle * degrees,
        error: error * degrees, unit: "deg"),
      Fact("field_sign", text: "sign of the field \(signStatement)"),
    ]
    let side = handedness.favored ?? "cannot be told"
    facts.append(
      Fact(
        "handedness",
        text: "handedness of the detector: \(side) (curl-free share"
          + " \(curl.shares.asRecorded) as recorded, \(curl.shares.mirrored) mirrored)"))
    return facts
  }

  static func angleText(_ angle: Double, _ error: Double) -> String {
    Format.degrees(angle, error: error)
  }

  private static func opposite(_ angle: Double) -> Double {
    angle > 0 ? angle - Double.pi : angle + Double.pi
  }

  /// Where the file states an angle the estimate is a check of it.
  func notes(stated: Double?) -> [Note] {
    guard let stated, let found = found(.asRecorded), let distance = distance(stated, found)
    else { return [] }
    return [
      Note(
        .warning,
        "the file states a scan rotation of \(Format.degrees(stated)), the data speak for"
          + " \(Self.angleText(found.angle, found.error)): \(distance)")
    ]
  }

  /// What speaks against an angle that is applied without regard to the estimate, and against the side from which
  /// the detector is taken to be seen.
  func notes(applied angle: Double, _ handedness: Handedness) -> [Note] {
    let other = handedness == .mirrored ? Handedness.asRecorded : .mirrored
    if let shares = curl?.shares, self.handedness.favored == other.rawValue, found(other) != nil {
      return [
        Note(
          .warning,
          "the data speak for a detector \(other.words) (curl-free share \(shares.asRecorded) as recorded,"
            + " \(shares.mirrored) seen from behind), and it is taken to be \(handedness.words): if that is wrong,"
            + " so is the sign of one component of the field; set handedness to \(other.rawValue), or check"
            + " which way the segments are counted")
      ]
    }
    guard let found = found(handedness), let distance = distance(angle, found) else { return [] }
    return [
      Note(
        .warning,
        "a scan rotation of \(Format.degrees(angle)) is applied, the data speak for"
          + " \(Self.angleText(found.angle, found.error)), \(handedness.words): \(distance)")
    ]
  }

  /// The angle that the data give for a side of the detector, and its error, rad; nil where they give none.
  func found(_ handedness: Handedness) -> (angle: Double, error: Double)? {
    let found =
      handedness == .mirrored
      ? (self.handedness.mirroredAngle, self.handedness.mirroredError) : (angle, error)
    guard let angle = found.0, let error = found.1 else { return nil }
    return (angle, error)
  }

  /// How far an angle is from the one found, half a turn being none; nil where the error allows it.
  private func distance(_ angle: Double, _ found: (angle: Double, error: Double)) -> String? {
    let halfTurns = (found.angle - angle) / Double.pi
    let difference = abs(halfTurns - halfTurns.rounded()) * Double.pi
    if difference <= 3 * found.error { return nil }
    return "\(Format.significant(difference / found.error, digits: 2)) standard deviations apart"
  }
}

extension Handedness {
  fileprivate var words: String {
    switch self {
    case .asRecorded: "as recorded"
    case .mirrored: "seen from behind"
    }
  }
}
