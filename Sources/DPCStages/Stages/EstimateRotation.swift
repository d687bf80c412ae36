// estimate-rotation: the angle between detector and scan from the curl of the deflection.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct EstimateRotation: StageType {
  let name = "estimate-rotation"
  let summary =
    "scan rotation and handedness from the data: the angle at which the field has no curl"
  let algorithmVersion = 12
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection], exampleSource: "remove-descan",
      summary: "deflection in the detector's axes, without descan")
  ]
  let outputs = [
    OutputPort(
      "rotation", kind: .fixed(.scanRotation),
      summary: "angle with error and contrast, or why there is none")
  ]
  let parameters = [
    ParameterSpecification(
      "structure", .choice(AssumedStructure.allCases.map(\.rawValue)),
      default: .text(AssumedStructure.asSeen.rawValue),
      summary: "charges: the field is free of curl even where the map looks like walls, whose field"
        + " may be nothing but curl; as-seen leaves such maps unresolved"),
    ParameterSpecification(
      "polarity", .choice(FieldPolarity.allCases.map(\.rawValue)),
      default: .text(FieldPolarity.unresolved.rawValue),
      summary: "what is known of the field's sign, which curl cannot tell: positive-charge or"
        + " negative-charge in the region, field-towards a direction there, thicker-towards a"
        + " direction of a wedge"),
    ParameterSpecification(
      "region_nm", .numbers(unit: "nm", range: .any), keywords: ["whole"], default: .text("whole"),
      summary: "where polarity holds: left, top, right, bottom from the scan's first pixel"),
    ParameterSpecification(
      "direction_deg", .number(unit: "deg", range: NumberRange(-360...360)),
      keywords: ["none"], default: .text("none"),
      summary: "azimuth in the scan's axes for field-towards and thicker-towards"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("deflection", as: DeflectionValue.self)
    let polarity = try PolarityStatement(context)
    // An answer, not a failure: rotate-to-scan may have the angle from the file.
    if let obstacle = obstacle(in: input) {
      return product(unresolved(input, because: obstacle), input: input)
    }
    let whole = try withoutGaps(input.map, stage: context.stageName)
    let correlation = input.context.correlationLength
    let noiseFactor = correlation.noiseFactor
    let structure = structureDimension(of: whole, noiseFactor: noiseFactor)
    let assumed: AssumedStructure = try context.choice("structure")
    let statedDirection = input.context.metadata.specimen.fieldDirection
    // Whatever its curl, such a structure gives no angle.
    if assumed == .asSeen, let structure, !structure.isTwoDimensional,
      let reason = RotationJudgment.reasonForWalls(structure, statedDirection)
    {
      return product(unresolved(input, because: reason, structure), input: input)
    }
    let modes = CurlModes(of: whole, noiseFactor: noiseFactor)
    guard let recorded = modes.estimate(.asRecorded), let mirrored = modes.estimate(.mirrored)
    else {
      return product(unresolved(input, because: "nothing varies in these data"), input: input)
    }
    var value = RotationJudgment(
      recorded: recorded, mirrored: mirrored, structure: structure, assumed: assumed,
      statedDirection: statedDirection
    ).value(input.context)
    decideSigns(of: &value, polarity, whole, correlation)
    return product(value, input: input)
  }

  /// Why a deflection shows no angle, whatever its numbers are.
  private func obstacle(in input: DeflectionValue) -> String? {
    if input.map.pixelSize == nil {
      return "the acquisition states no pixel size (/entry/instrument/scan/pixel_size_x,"
        + " pixel_size_y), without which there is no curl"
    }
    if input.context.attributes[TransferredDeflection.rotationName] != nil {
      return "a deflection by phase-contrast-transfer is a gradient at the angle it was formed"
        + " with, right or wrong; use method disc-shift to find the angle"
    }
    let shape = input.map.shape
    return min(shape.rows, shape.columns) < 8 ? "the scan is too small to show a curl" : nil
  }

  /// Turns the angles of both sides of the detector round where what is known of the sign asks for it.
  private func decideSigns(
    of value: inout ScanRotationValue, _ polarity: PolarityStatement, _ map: VectorMap,
    _ correlation: CorrelationLength
  ) {
    if let angle = value.angle {
      let sign = decided(angle, .asRecorded, polarity, map, correlation)
      (value.angle, value.isSignKnown) = (sign.angle, sign.isKnown)
      value.signStatement = sign.statement
    }
    if let angle = value.handedness.mirroredAngle {
      let sign = decided(angle, .mirrored, polarity, map, correlation)
      (value.handedness.mirroredAngle, value.handedness.isMirroredSignKnown) = (
        sign.angle, sign.isKnown
      )
    }
  }

  /// The angle, or its opposite where what is known of the sign asks for it.
  private func decided(
    _ angle: Double, _ handedness: Handedness, _ polarity: PolarityStatement, _ map: VectorMap,
    _ correlation: CorrelationLength
  ) -> (angle: Double, isKnown: Bool, statement: String) {
    if polarity.polarity == .unresolved { return (angle, false, ScanRotationValue.openSign) }
    let turned = transformed(map, by: scanFrameMatrix(rotation: angle, handedness: handedness))
    let sign = polarity.sign(of: turned, correlation: correlation)
    let opposite = angle > 0 ? angle - Double.pi : angle + Double.pi
    return (sign.value < 0 ? opposite : angle, sign.value != 0, sign.statement)
  }

  private func unresolved(
    _ input: DeflectionValue, because reason: String, _ structure: StructureDimension? = nil
  ) -> ScanRotationValue {
    ScanRotationValue(
      angle: nil, error: nil, curl: nil, unresolvedBecause: reason, isSignKnown: false,
      signStatement: ScanRotationValue.openSign, handedness: .init(),
      structure: structure.map(ScanRotationValue.StructureEvidence.init), context: input.context)
  }

  private func product(_ value: ScanRotationValue, input: DeflectionValue) -> StageProduct {
    let stated = input.context.metadata.scanRotation
    return StageProduct(
      outputs: ["rotation": value], facts: value.facts(stated: stated),
      notes: value.notes(stated: stated))
  }
}
