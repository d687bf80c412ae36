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
      recorded, mirrored, structure, assumed: assumed, statedDirection: statedDirection
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

/// Whether a map that looks like walls may be evaluated.
enum AssumedStructure: String, CaseIterable {
  case asSeen = "as-seen"
  case charges
}

/// From the estimates for both sides of the detector to an answer, which may be that there is none.
struct RotationJudgment {
  private let recorded: RotationEstimate
  private let mirrored: RotationEstimate
  private let structure: StructureDimension?
  private let assumed: AssumedStructure
  private let statedDirection: FieldDirection?

  /// An angle known less well than this is none: 0.1 rad is where a direction is told at five sigma.
  private static let largestError = 0.1
  /// Curl that no angle removes, beyond noise.
  private static let leastFreeness = 0.9
  /// By how much one side of the detector must be freer of curl than the other to be believed.
  private static let clearMargin = 0.2
  /// Curl-free shares nearer to each other than this are alike.
  private static let gridMargin = 0.05

  init(
    _ recorded: RotationEstimate, _ mirrored: RotationEstimate, _ structure: StructureDimension?,
    assumed: AssumedStructure, statedDirection: FieldDirection?
  ) {
    self.recorded = recorded
    self.mirrored = mirrored
    self.structure = structure
    self.assumed = assumed
    self.statedDirection = statedDirection
  }

  /// Two perpendicular families of walls, one across the other, are two-dimensional at every
  /// crossing; but a mirrored detector leaves them as free of curl as they were.
  private var isGrid: Bool {
    min(recorded.curlFreeness, mirrored.curlFreeness) >= Self.leastFreeness
      && abs(recorded.curlFreeness - mirrored.curlFreeness) < Self.gridMargin
  }

  private var reason: String? {
    let error = min(recorded.error, mirrored.error)
    if !(error < Self.largestError) {
      return "the field does not rise enough above the noise (the angle's error would be"
        + " \(Format.degrees(min(error, Double.pi / 2))))"
    }
    if assumed == .asSeen, let reason = reasonForWalls { return reason }
    if favored == .mirrored {
      return "a detector seen from behind fits better (curl-free share"
        + " \(Format.percent(min(1, mirrored.curlFreeness))) against"
        + " \(Format.percent(min(1, recorded.curlFreeness)))): set handedness to mirrored, or to"
        + " estimated, in rotate-to-scan"
    }
    if recorded.curlFreeness < Self.leastFreeness {
      // The relative error of the curl's power is twice the angle's.
      if recorded.curlFreeness > Self.leastFreeness - 3 * 2 * error {
        return
          "the field does not rise enough above the noise to tell whether an angle makes it free of"
          + " curl (curl-free share \(Format.percent(max(0, recorded.curlFreeness))))"
      }
      return "no angle makes the field free of curl (curl-free share"
        + " \(Format.percent(max(0, recorded.curlFreeness)))): descan, charging or a field that is"
        + " not electrostatic"
    }
    return nil
  }

  private static let verdict =
    "curl minimization is meaningless for these data unless charges are known to make"
    + " the structure (structure: charges)"

  /// Why the structure may be one whose field has nothing but curl.
  private var reasonForWalls: String? {
    if let reason = Self.reasonForWalls(structure, statedDirection) { return reason }
    guard isGrid else { return nil }
    return "a mirrored detector would leave as little curl: the structure runs along two"
      + " perpendicular directions only, as crossing walls do; \(Self.verdict)"
  }

  /// The same from what is known without the curl.
  static func reasonForWalls(
    _ structure: StructureDimension?, _ statedDirection: FieldDirection?
  ) -> String? {
    if statedDirection == .perp {
      return "the file states walls with a field along them (field_direction perp), which have"
        + " nothing but curl; \(verdict)"
    }
    guard let structure else { return "no structure stands out of the noise" }
    if !structure.isTwoDimensional {
      return "the structure varies along one direction only wherever it stands out, as walls do: a"
        + " field along a wall has nothing but curl, so that its smallest curl would be found 90°"
        + " from the truth; \(verdict)"
    }
    return nil
  }

  private var favored: Handedness? {
    guard structure?.isTwoDimensional == true else { return nil }
    let difference = recorded.curlFreeness - mirrored.curlFreeness
    if abs(difference) < Self.clearMargin { return nil }
    return difference > 0 ? .asRecorded : .mirrored
  }

  func value(_ context: MapContext) -> ScanRotationValue {
    let reason = reason
    let mirroredIsGood =
      favored != .asRecorded && mirrored.error < Self.largestError
      && (assumed == .charges || reasonForWalls == nil)
      && mirrored.curlFreeness >= Self.leastFreeness
    return ScanRotationValue(
      angle: reason == nil ? recorded.angle : nil, error: reason == nil ? recorded.error : nil,
      curl: .init(recorded, mirrored: mirrored), unresolvedBecause: reason, isSignKnown: false,
      signStatement: ScanRotationValue.openSign,
      handedness: .init(
        mirroredAngle: mirroredIsGood ? mirrored.angle : nil,
        mirroredError: mirroredIsGood ? mirrored.error : nil, favored: favored?.rawValue),
      structure: structure.map(ScanRotationValue.StructureEvidence.init), context: context)
  }
}
