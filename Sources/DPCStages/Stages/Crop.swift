// crop: a rectangle of the scan, of frames or of any map.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct Crop: StageType {
  let name = "crop"
  let summary = "keeps a rectangle of the scan; positions are then relative to its center"
  let algorithmVersion = 3
  let inputs = [
    InputPort(
      "input",
      kinds: [
        .frames, .segments, .detectorDeflection, .deflection, .projectedField, .projectedPotential,
        .chargeDensity, .intrinsicField,
      ], summary: "frames, segment signals or a map")
  ]
  let outputs = [
    OutputPort("output", kind: .sameAs(input: "input"), summary: "the same, cropped")
  ]
  let parameters = [
    ParameterSpecification(
      "left_px", .integer(0...1_000_000), default: .integer(0),
      summary: "columns cut off on the left"),
    ParameterSpecification(
      "top_px", .integer(0...1_000_000), default: .integer(0), summary: "rows cut off at the top"),
    ParameterSpecification(
      "width_px", .integer(1...1_000_000), isRequired: true, example: "128", summary: "columns kept"
    ),
    ParameterSpecification(
      "height_px", .integer(1...1_000_000), isRequired: true, example: "96", summary: "rows kept"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    guard let input = context.input("input") else {
      throw StageFailure(.failed, "stage \(context.stageName): nothing to crop")
    }
    return StageProduct(outputs: ["output": try cropped(input, context)])
  }

  private func cropped(
    _ input: any StageValue, _ context: StageContext
  ) throws -> any StageValue {
    switch input {
    case var value as FramesValue:
      value.window = try window(context, within: value.window.shape, offset: value.window)
      return value
    case SegmentsValue.inFile(var frames):
      frames.window = try window(context, within: frames.window.shape, offset: frames.window)
      return SegmentsValue.inFile(frames)
    case SegmentsValue.averaged(let signals, var frames, let correlation):
      let part = try window(context, within: signals.shape)
      // Both have the shape of what was averaged; references of the whole scan are cut to the window.
      frames.window = try window(context, within: frames.window.shape, offset: frames.window)
      return SegmentsValue.averaged(
        signals.cropped(to: part), of: frames, correlation: correlation)
    case var value as DeflectionValue:
      let part = try window(context, within: value.map.shape)
      value.map = value.map.cropped(to: part)
      if case .scan(let map) = value.vacuum {
        value.vacuum = .scan(map.cropped(to: part))
      }
      value.context.metadata.shape = part.shape
      return value
    case var value as ProjectedFieldValue:
      value.map = try value.map.cropped(to: window(context, within: value.map.shape))
      value.context.metadata.shape = value.map.shape
      return value
    case var value as IntrinsicFieldValue:
      value.map = try value.map.cropped(to: window(context, within: value.map.shape))
      value.context.metadata.shape = value.map.shape
      return value
    case var value as PotentialValue:
      let part = try window(context, within: value.map.shape)
      value.map = value.map.cropped(to: part)
      value.center.x -= Double(part.firstColumn)
      value.center.y -= Double(part.firstRow)
      value.turned = value.turned?.cropped(to: part)
      value.context.metadata.shape = value.map.shape
      return value
    case var value as ChargeDensityValue:
      let part = try window(context, within: value.map.shape)
      value.map = value.map.cropped(to: part)
      value.turned = value.turned?.cropped(to: part)
      value.context.metadata.shape = value.map.shape
      return value
    default:
      throw StageFailure(
        .failed, "stage \(context.stageName): a \(type(of: input)) cannot be cropped")
    }
  }

  private func window(
    _ context: StageContext, within shape: GridShape, offset: ScanWindow? = nil
  ) throws -> ScanWindow {
    let left: Int = try context.value("left_px")
    let top: Int = try context.value("top_px")
    let width: Int = try context.value("width_px")
    let height: Int = try context.value("height_px")
    if left + width > shape.columns || top + height > shape.rows {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(width) columns from column \(left) on and \(height) rows from row"
          + " \(top) on do not lie in a map of \(shape.columns) columns and \(shape.rows) rows",
        remedy: "choose left_px, top_px, width_px and height_px within it")
    }
    return ScanWindow(
      firstRow: top + (offset?.firstRow ?? 0), firstColumn: left + (offset?.firstColumn ?? 0),
      shape: GridShape(rows: height, columns: width))
  }
}
