// smooth: a Gaussian over the usable pixels of a vector map, errors included.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct Smooth: StageType {
  let name = "smooth"
  let summary = "Gaussian smoothing that skips masked pixels and propagates the errors"
  let algorithmVersion = 6
  let inputs = [
    InputPort(
      "input",
      kinds: [.detectorDeflection, .deflection, .projectedField, .intrinsicField],
      summary: "a vector map")
  ]
  let outputs = [
    OutputPort("output", kind: .sameAs(input: "input"), summary: "the same, smoothed")
  ]
  let parameters = [
    ParameterSpecification(
      "sigma_nm", .number(unit: "nm", range: .positive), isRequired: true, example: "2",
      summary: "standard deviation of the Gaussian")
  ]

  /// Of the root mean square of the signal; less is left where most of its power is finer than the Gaussian.
  private static let smallestPart = 0.5

  /// Two passes over each plane: no slower than reading five planes back and verifying them.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    let sigma = try context.meters("sigma_nm")
    var notes = [
      Note(.information, "errors of smoothed pixels are correlated over about two sigma")
    ]
    let result: any StageValue
    switch context.input("input") {
    case var value as DeflectionValue:
      try smooth(&value.map, &value.context, .deflection, sigma, context, &notes)
      result = value
    case var value as ProjectedFieldValue:
      try smooth(&value.map, &value.context, .projectedField, sigma, context, &notes)
      result = value
    case var value as IntrinsicFieldValue:
      try smooth(&value.map, &value.context, .intrinsicField, sigma, context, &notes)
      result = value
    default: throw StageFailure(.failed, "stage \(context.stageName): nothing to smooth")
    }
    return StageProduct(outputs: ["output": result], notes: notes)
  }

  private func smooth(
    _ map: inout VectorMap, _ mapContext: inout MapContext, _ kind: PortKind, _ sigma: Double,
    _ context: StageContext, _ notes: inout [Note]
  ) throws {
    guard let size = map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    let before = MapVerdict(map, mapContext)
    let earlier = mapContext.correlationLength
    map = smoothed(
      map, sigma: (x: sigma / size.x, y: sigma / size.y), correlation: (earlier.x, earlier.y))
    mapContext = smoothedContext(mapContext, sigma)
    if mapContext.unsmoothed == nil, let before {
      mapContext.unsmoothed = UnsmoothedVerdict(kind: kind.name, verdict: before)
    }
    notes += losses(sigma, map, size, before, MapVerdict(map, mapContext))
  }

  /// Structure finer than the Gaussian is not faint afterwards but gone, and what the rim leaves looks like a
  /// field.
  func losses(
    _ sigma: Double, _ map: VectorMap, _ size: PixelSize, _ before: MapVerdict?,
    _ after: MapVerdict?
  ) -> [Note] {
    let text = Format.quantity(sigma, unit: "m")
    // Across an axis of one pixel there is nothing to smooth.
    let sides = [(map.shape.columns, size.x), (map.shape.rows, size.y)].filter { $0.0 > 1 }
      .map { Double($0.0) * $0.1 }
    if let side = sides.min(), 6 * sigma > side {
      return [
        Note(
          .warning,
          "a Gaussian of sigma \(text) is, at half its height, more than a third as wide as the frame"
            + " (\(Format.quantity(side, unit: "m"))): what is left says little of the specimen; take a"
            + " smaller sigma_nm")
      ]
    }
    guard let before, before.isDetected, let after else { return [] }
    let left = after.isDetected ? after.signal / before.signal : 0
    if left >= Self.smallestPart { return [] }
    return [
      Note(
        .warning,
        after.isDetected
          ? "smoothing by \(text) leaves \(Format.percent(left)) of the signal: most of the structure is"
            + " finer; take a smaller sigma_nm"
          : "smoothing by \(text) leaves nothing of the signal: its structure is finer; take a smaller"
            + " sigma_nm")
    ]
  }

  private func smoothedContext(_ context: MapContext, _ sigma: Double) -> MapContext {
    var result = context.adding([
      "smoothing": "Gaussian, sigma \(Format.quantity(sigma, unit: "m"))"
    ])
    guard let size = context.metadata.pixelSize else { return result }
    let earlier = context.correlationLength
    result.correlationLength = CorrelationLength(
      x: correlationLength(sigma: sigma / size.x, correlation: earlier.x),
      y: correlationLength(sigma: sigma / size.y, correlation: earlier.y))
    return result
  }
}
