// estimate-rotation: the angle between detector and scan from the curl of the deflection.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct EstimateRotation: StageType {
  let name = "estimate-rotation"
  let summary =
    "scan rotation and handedness from the data: the angle at which the field has no curl"
  let algorithmVersion = 1
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection],
      summary: "deflection in the detector's axes, without descan")
  ]
  let outputs = [
    OutputPort(
      "rotation", kind: .fixed(.scanRotation),
      summary: "angle with error and contrast, or why there is none")
  ]
  let parameters = [
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
    let policy = try PolarityPolicy(context)
    guard input.map.pixelSize != nil else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    guard min(input.map.shape.rows, input.map.shape.columns) >= 8 else {
      return product(
        unresolved(input, because: "the scan is too small to show a curl"), input: input)
    }
    let whole = try withoutGaps(input.map, stage: context.stageName)
    let correlation = input.context.correlationLength
    func estimate(_ handedness: Handedness) -> RotationEstimate? {
      estimatedScanRotation(
        of: whole, handedness: handedness, noiseFactor: correlation.x * correlation.y)
    }
    guard let recorded = estimate(.asRecorded), let mirrored = estimate(.mirrored) else {
      return product(unresolved(input, because: "nothing varies in these data"), input: input)
    }
    let structure = structureDimension(of: whole)
    var value = RotationJudgement(recorded, mirrored, structure).value(input.context)
    if let angle = value.angle {
      let turned = transformed(
        whole, by: scanFrameMatrix(rotation: angle, handedness: .asRecorded))
      let sign = policy.sign(of: turned, correlation: correlation)
      value.isSignKnown = sign.value != 0
      value.signStatement = sign.statement
      if sign.value < 0 { value.angle = angle > 0 ? angle - Double.pi : angle + Double.pi }
    }
    return product(value, input: input)
  }

  private func unresolved(
    _ input: DeflectionValue, because reason: String
  ) -> ScanRotationValue {
    ScanRotationValue(
      angle: nil, error: nil, contrast: 0, noiseContrast: 1, unresolvedBecause: reason,
      isSignKnown: false, signStatement: ScanRotationValue.openSign,
      handedness: .init(asRecorded: 0, mirrored: 0), structure: nil, context: input.context)
  }

  private func product(_ value: ScanRotationValue, input: DeflectionValue) -> StageProduct {
    StageProduct(
      outputs: ["rotation": value], facts: value.facts,
      notes: value.notes(stated: input.context.metadata.scanRotation))
  }
}

/// From the estimates for both sides of the detector to an answer, which may be that there is none.
struct RotationJudgement {
  private let recorded: RotationEstimate
  private let mirrored: RotationEstimate
  private let structure: StructureDimension?

  /// An angle known less well than this is none: 0.1 rad is where a direction is told at five sigma.
  private static let largestError = 0.1
  /// Structures that vary along one direction wherever they are have a share near 0, charges 0.5 and more.
  private static let leastShare = 0.25
  /// Curl that no angle removes, beyond noise.
  private static let leastFreeness = 0.9
  /// By how much one side of the detector must be freer of curl than the other to be believed.
  private static let clearMargin = 0.2

  init(
    _ recorded: RotationEstimate, _ mirrored: RotationEstimate, _ structure: StructureDimension?
  ) {
    self.recorded = recorded
    self.mirrored = mirrored
    self.structure = structure
  }

  private var isTwoDimensional: Bool {
    (structure?.twoDimensionalShare ?? 0) >= Self.leastShare
  }

  private var reason: String? {
    let error = min(recorded.error, mirrored.error)
    if !(error < Self.largestError) {
      return "the field does not rise enough above the noise (the angle's error would be"
        + " \(Format.degrees(min(error, Double.pi / 2))))"
    }
    guard let structure else { return "no structure stands out of the noise" }
    if structure.twoDimensionalShare < Self.leastShare {
      return "the structure varies along one direction only wherever it stands out, as walls do: a"
        + " field along a wall has nothing but curl, so that its smallest curl would be found 90°"
        + " from the truth; curl minimization is meaningless for these data"
    }
    if favored == .mirrored {
      return "a detector seen from behind fits better (curl-free share"
        + " \(Format.percent(min(1, mirrored.curlFreeness))) against"
        + " \(Format.percent(min(1, recorded.curlFreeness)))): set handedness to mirrored, or to"
        + " estimated, in rotate-to-scan"
    }
    if recorded.curlFreeness < Self.leastFreeness {
      return "no angle makes the field free of curl (curl-free share"
        + " \(Format.percent(max(0, recorded.curlFreeness)))): descan, charging or a field that is"
        + " not electrostatic"
    }
    return nil
  }

  private var favored: Handedness? {
    guard isTwoDimensional else { return nil }
    let difference = recorded.curlFreeness - mirrored.curlFreeness
    if abs(difference) < Self.clearMargin { return nil }
    return difference > 0 ? .asRecorded : .mirrored
  }

  func value(_ context: MapContext) -> ScanRotationValue {
    let reason = reason
    let mirroredIsGood =
      favored == .mirrored && mirrored.error < Self.largestError
      && mirrored.curlFreeness >= Self.leastFreeness
    return ScanRotationValue(
      angle: reason == nil ? recorded.angle : nil, error: reason == nil ? recorded.error : nil,
      contrast: recorded.contrast, noiseContrast: recorded.noiseContrast,
      unresolvedBecause: reason, isSignKnown: false,
      signStatement: ScanRotationValue.openSign,
      handedness: .init(
        asRecorded: recorded.curlFreeness, mirrored: mirrored.curlFreeness,
        mirroredAngle: mirroredIsGood ? mirrored.angle : nil,
        mirroredError: mirroredIsGood ? mirrored.error : nil, favored: favored?.rawValue),
      structure: structure.map {
        .init(twoDimensionalShare: $0.twoDimensionalShare, coveredShare: $0.coveredShare)
      }, context: context)
  }
}
