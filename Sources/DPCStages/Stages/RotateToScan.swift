// rotate-to-scan: from the detector's axes to the scan's. The only stage that applies the rotation.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct RotateToScan: StageType {
  let name = "rotate-to-scan"
  let summary = "turns a deflection into the axes of the scan, by a known angle"
  let algorithmVersion = 4
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection], exampleSource: "remove-descan",
      summary: "deflection in the detector's axes"),
    InputPort(
      "rotation", kinds: [.scanRotation], isRequired: false,
      summary: "an estimate, taken where the file states no rotation"),
  ]
  let outputs = [
    OutputPort("deflection", kind: .fixed(.deflection), summary: "deflection in the scan's axes")
  ]
  let parameters = [
    ParameterSpecification(
      "rotation_deg", .number(unit: "deg", range: NumberRange(-360...360)),
      keywords: ["from-file", "estimated"], default: .text("from-file"),
      summary: "from the detector's to the scan's axes, positive clockwise on the screen; from-file"
        + " takes the estimate where the file is silent"),
    ParameterSpecification(
      "handedness", .choice(Handedness.allCases.map(\.rawValue) + ["estimated"]),
      default: .text(Handedness.asRecorded.rawValue),
      summary: "mirrored: the detector is seen from behind, its y reversed before the rotation;"
        + " estimated: as the data say"),
  ]

  /// A matrix for each pixel: quicker than reading the map back.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    if ports.contains("rotation") { return [] }
    return ["rotation_deg", "handedness"].filter { parameters[$0] == .text("estimated") }.map {
      ParameterProblem(
        $0, "\($0) is to be estimated, and port rotation is not connected",
        suggestion: "connect an estimate-rotation stage with from:, or state \($0)")
    }
  }

  func run(_ context: StageContext) throws -> StageProduct {
    var value = try context.take("deflection", as: DeflectionValue.self)
    let estimate = context.input("rotation") as? ScanRotationValue
    let handedness = try handedness(context, estimate)
    let given = value.context
    try check(handedness, stage: context.stageName, given)
    let rotation = try rotation(context, given.metadata, estimate, handedness)
    value.map.transform(by: scanFrameMatrix(rotation: rotation.angle, handedness: handedness))
    value.frame = .scan
    value.vacuum = .none
    value.context = given.adding([
      "scan_rotation": "\(rotation.angle) rad (\(rotation.origin))",
      "handedness": handedness.rawValue,
    ])
    if let sign = rotation.openSign { value.context.attributes["sign"] = sign }
    // An angle estimated from the data itself contains whatever a calibration has turned before.
    value.context.commonErrors.rotation = rotation.error ?? given.commonErrors.rotation
    value.context.metadata.scanRotation = rotation.angle
    let text =
      rotation.error.map { ScanRotationValue.angleText(rotation.angle, $0) }
      ?? Format.degrees(rotation.angle)
    let isUnchecked = estimate.map { $0.found(handedness) == nil } ?? false
    let check = isUnchecked ? " is used; the field could not check it" : ""
    return StageProduct(
      outputs: ["deflection": value],
      facts: [
        Fact(
          "scan_rotation", text: "scan rotation \(text) (\(rotation.origin))\(check)",
          value: rotation.angle * 180 / Double.pi, error: rotation.error.map { $0 * 180 / .pi },
          unit: "deg")
      ],
      notes: notes(context, given, rotation)
        + checkNotes(rotation, handedness, given.metadata, estimate))
  }

  private func notes(
    _ context: StageContext, _ given: MapContext, _ rotation: Rotation
  ) -> [Note] {
    var notes = contradictionNotes(
      "scan rotation", given: context.radiansIfGiven("rotation_deg"),
      stated: given.metadata.scanRotation, tolerance: 1e-3, text: Format.degrees)
    if rotation.error != nil {
      notes.append(
        Note(.assumption, "scan rotation \(rotation.origin): charges, not walls, make it"))
    }
    if let used = given.attributes[TransferredDeflection.rotationName],
      let angle = used.split(separator: " ").first.flatMap({ Double($0) }),
      abs(angle - rotation.angle) > 1e-6
    {
      notes.append(
        Note(
          .warning,
          "phase-contrast-transfer took a scan rotation of \(Format.degrees(angle)), and"
            + " \(Format.degrees(rotation.angle)) is applied: give both stages the same"))
    }
    if rotation.openSign != nil {
      notes.append(
        Note(
          .warning,
          "the sign of the field is unresolved: every vector may point the other way; give polarity"
            + " to the estimate-rotation stage, or the rotation"))
    }
    return notes
  }

  /// What an estimate says against what is applied.
  private func checkNotes(
    _ rotation: Rotation, _ handedness: Handedness, _ metadata: AcquisitionMetadata,
    _ estimate: ScanRotationValue?
  ) -> [Note] {
    guard let estimate else { return [] }
    let notes = estimate.notes(applied: rotation.angle, handedness)
    // The stage that estimates has held the file's angle against its own, for a detector as recorded.
    let isTold =
      handedness == .asRecorded && rotation.origin == "from the file"
      && !estimate.notes(stated: metadata.scanRotation).isEmpty
    return isTold ? [] : notes
  }

  /// An angle and what is known of it.
  private struct Rotation {
    var angle: Double
    var origin: String
    var error: Double?
    /// What the result says of a sign that nobody knows.
    var openSign: String?
  }

  /// A deflection by the transfer function stands on the detector's place in the scan, and took it as recorded.
  private func check(_ handedness: Handedness, stage: String, _ given: MapContext) throws {
    guard handedness == .mirrored, given.attributes[TransferredDeflection.rotationName] != nil
    else { return }
    throw StageFailure(
      .failed,
      "stage \(stage): the deflection is by phase-contrast-transfer, which takes the detector as"
        + " recorded, and handedness is mirrored",
      remedy: "use method disc-shift, or state the detector mirrored in the file: each segment from"
        + " -stop to -start, the orientation with the other sign, and handedness as-recorded")
  }

  private func handedness(
    _ context: StageContext, _ estimate: ScanRotationValue?
  ) throws -> Handedness {
    let word: String = try context.value("handedness")
    if let given = Handedness(rawValue: word) { return given }
    guard let favored = estimate?.handedness.favored.flatMap(Handedness.init) else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): the handedness of the detector cannot be told from these data",
        remedy: "--set \(context.stageName).handedness=as-recorded (or mirrored)")
    }
    return favored
  }

  private func rotation(
    _ context: StageContext, _ metadata: AcquisitionMetadata, _ estimate: ScanRotationValue?,
    _ handedness: Handedness
  ) throws -> Rotation {
    if let given = context.radiansIfGiven("rotation_deg") {
      return Rotation(angle: given, origin: "given")
    }
    if context.word("rotation_deg") != "estimated", let angle = metadata.scanRotation {
      return Rotation(angle: angle, origin: "from the file")
    }
    if let estimate, let found = estimated(estimate, handedness) { return found }
    var reason = estimate?.unresolvedBecause.map { "; from the data it is unresolved: \($0)" } ?? ""
    if reason.isEmpty, let favored = estimate?.handedness.favored,
      favored != handedness.rawValue
    {
      reason = "; the data speak for a detector \(favored), not \(handedness.rawValue)"
    }
    let lack =
      context.word("rotation_deg") != "estimated"
      ? "the acquisition does not state its scan rotation (/entry/instrument/scan/scan_rotation)"
      : "the scan rotation is to be estimated"
    throw StageFailure(
      .missingPrerequisite, "stage \(context.stageName): \(lack)\(reason)",
      remedy: "give it: --set \(context.stageName).rotation_deg=ANGLE (positive is clockwise on"
        + " the screen, from the detector's to the scan's axes)")
  }

  private func estimated(
    _ estimate: ScanRotationValue, _ handedness: Handedness
  ) -> Rotation? {
    let openSign = estimate.isSignKnown ? nil : ScanRotationValue.openSign
    if handedness == .mirrored {
      guard let angle = estimate.handedness.mirroredAngle else { return nil }
      return Rotation(
        angle: angle, origin: "estimated from the data, detector seen from behind",
        error: estimate.handedness.mirroredError,
        openSign: estimate.handedness.isMirroredSignKnown ? nil : ScanRotationValue.openSign)
    }
    return estimate.angle.map {
      Rotation(
        angle: $0, origin: "estimated from the data", error: estimate.error, openSign: openSign)
    }
  }
}
