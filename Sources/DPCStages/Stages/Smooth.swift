// smooth: a Gaussian over the usable pixels of a vector map, errors included.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct Smooth: StageType {
  let name = "smooth"
  let summary = "Gaussian smoothing that skips masked pixels and propagates the errors"
  let algorithmVersion = 1
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
      "sigma_nm", .number(unit: "nm", range: .positive), isRequired: true,
      summary: "standard deviation of the Gaussian")
  ]

  /// Two passes over each plane: no slower than reading five planes back and verifying them.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    let sigma = (context.number("sigma_nm") ?? 0) * 1e-9
    let result: any StageValue
    switch context.input("input") {
    case var value as DeflectionValue:
      value.map = try smooth(value.map, sigma, context)
      value.context = smoothedContext(value.context, sigma)
      result = value
    case var value as ProjectedFieldValue:
      value.map = try smooth(value.map, sigma, context)
      value.context = smoothedContext(value.context, sigma)
      result = value
    case var value as IntrinsicFieldValue:
      value.map = try smooth(value.map, sigma, context)
      value.context = smoothedContext(value.context, sigma)
      result = value
    default: throw StageFailure(.failed, "stage \(context.stageName): nothing to smooth")
    }
    return StageProduct(
      outputs: ["output": result],
      notes: [
        Note(
          .information, "errors of smoothed pixels are correlated over about two sigma")
      ])
  }

  private func smooth(
    _ map: VectorMap, _ sigma: Double, _ context: StageContext
  ) throws -> VectorMap {
    guard let size = map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    return smoothed(map, sigma: (x: sigma / size.x, y: sigma / size.y))
  }

  /// A Gaussian of sigma s averages like 2√π s independent pixels along each axis.
  private func smoothedContext(_ context: MapContext, _ sigma: Double) -> MapContext {
    var result = context.adding([
      "smoothing": "Gaussian, sigma \(Format.quantity(sigma, unit: "m"))"
    ])
    guard let size = context.metadata.pixelSize else { return result }
    let length = 2 * Double.pi.squareRoot() * sigma
    let earlier = context.correlationLength
    result.correlationLength.x = hypot(earlier.x, length / size.x)
    result.correlationLength.y = hypot(earlier.y, length / size.y)
    return result
  }
}
