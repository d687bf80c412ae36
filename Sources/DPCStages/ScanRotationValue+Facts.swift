// What an estimate of the scan rotation says in words.
internal import Pipeline
internal import STEMCore

extension ScanRotationValue {
  /// What was found; without an angle of its own the estimate is a check of the stated one that failed.
  ///
  /// - Parameter stated: What the file says, rad; nil where it is silent.
  func facts(stated: Double?) -> [Fact] {
    guard let angle, let error else {
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
          + ", contrast \(Format.significant(contrast, digits: 3)) (noise alone"
          + " \(Format.significant(noiseContrast, digits: 2)))", value: angle * degrees,
        error: error * degrees, unit: "deg"),
      Fact("field_sign", text: "sign of the field \(signStatement)"),
    ]
    let side = handedness.favored ?? "cannot be told"
    facts.append(
      Fact(
        "handedness",
        text: "handedness of the detector: \(side) (curl-free share"
          + " \(Format.percent(min(1, max(0, handedness.asRecorded)))) as recorded,"
          + " \(Format.percent(min(1, max(0, handedness.mirrored)))) mirrored)"))
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
    guard let stated, let angle, let error else { return [] }
    let halfTurns = (angle - stated) / Double.pi
    let difference = (halfTurns - halfTurns.rounded()) * Double.pi
    if abs(difference) <= 3 * error { return [] }
    return [
      Note(
        .warning,
        "the file states a scan rotation of \(Format.degrees(stated)), the data speak for"
          + " \(Self.angleText(angle, error)): \(Format.significant(abs(difference) / error, digits: 2))"
          + " standard deviations apart")
    ]
  }
}
