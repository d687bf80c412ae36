// vector-map: a vector quantity as a colour wheel with arrows.
internal import FieldRendering
internal import Pipeline
internal import STEMCore

struct VectorMapStage: StageType {
  let name = "vector-map"
  let summary = "figure of a vector map: hue is direction, brightness magnitude, arrows on top"
  let algorithmVersion = 1
  let inputs = [
    InputPort(
      "map", kinds: [.projectedField, .intrinsicField, .deflection, .detectorDeflection],
      summary: "a vector map")
  ]
  let outputs = [OutputPort("figure", kind: .fixed(.figure), summary: "the figure")]
  let parameters = [
    FigureParameters.format, FigureParameters.title,
    ParameterSpecification(
      "limit", .number(unit: "SI unit of the quantity", range: .positive), keywords: ["auto"],
      default: .text("auto"),
      summary: "magnitude of full brightness, SI; auto takes the 99.5th percentile"),
    ParameterSpecification("arrows", .boolean, default: .boolean(true), summary: "draw arrows"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let source = try source(context)
    let verdict = MapVerdict(source.map, source.context)
    let figure = VectorFigure(
      title: Figures.title(context, source.label, source.context),
      footer: Figures.footer(
        source.context, noise: verdict?.limits(unit: source.unit),
        verdict: verdict?.text(unit: source.unit)),
      map: source.map, quantityLabel: source.label, unit: source.unit,
      magnitudeLimit: context.number("limit"), showsArrows: context.boolean("arrows") ?? true)
    return try Figures.product(context, figure.drawing)
  }

  private func source(
    _ context: StageContext
  ) throws -> (map: VectorMap, label: String, unit: String, context: MapContext) {
    switch context.input("map") {
    case let value as ProjectedFieldValue:
      if let meanField = value.meanField {
        return (meanField, "Electric field", "V/m", value.context)
      }
      return (value.map, "Projected electric field", "V", value.context)
    case let value as IntrinsicFieldValue:
      return (value.map, "Intrinsic electric field", "V/m", value.context)
    case let value as DeflectionValue:
      let label = value.frame == .detector ? "Deflection (detector axes)" : "Deflection"
      return (value.map, label, "rad", value.context)
    default: throw StageFailure(.failed, "stage \(context.stageName): no map at its input")
    }
  }
}
