// vector-map: a vector quantity as a color wheel with arrows.
internal import DPCReconstruction
internal import FieldRendering
internal import Glibc
internal import Pipeline
internal import STEMCore

struct VectorMapStage: StageType {
  let name = "vector-map"
  let summary = "figure of a vector map: hue is direction, brightness magnitude, arrows on top"
  let algorithmVersion = 9
  let inputs = [
    InputPort(
      "map", kinds: [.projectedField, .intrinsicField, .deflection, .detectorDeflection],
      summary: "a vector map"),
    InputPort(
      "walls", kinds: [.walls, .wallProfile], isRequired: false,
      summary: "walls whose numbers are written beside them"),
  ]
  let outputs = [OutputPort("figure", kind: .fixed(.figure), summary: "the figure")]
  let parameters = [
    FigureParameters.format, FigureParameters.title, FigureParameters.resolution,
    FigureParameters.limit("magnitude of full brightness"),
    ParameterSpecification("arrows", .boolean, default: .boolean(true), summary: "draw arrows"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let source = try source(context)
    let noise = MapVerdict.smallPrint(
      source.map, source.context, kind: source.kind, scale: source.scale, unit: source.unit)
    let figure = VectorFigure(
      title: Figures.title(context, source.label, source.context),
      footer: Figures.footer(source.context, noise: noise),
      map: shown(source.map, source.scale), quantityLabel: source.label, unit: source.unit,
      magnitudeLimit: context.number("limit"), showsArrows: try context.value("arrows"),
      walls: WallsOnMap.walls(of: context.input("walls"), shape: source.map.shape),
      resolution: context.number("resolution_dpi"))
    var product = try Figures.product(context, figure.drawing)
    product.notes += Figures.scaleNotes(context, unit: source.unit) { largest(figure.map) }
    return product
  }

  /// The length of the longest measured vector.
  private func largest(_ map: VectorMap) -> Double {
    (0..<map.shape.count).reduce(0) {
      map.mask.isUsable($1) ? max($0, hypot(map.field.x[$1], map.field.y[$1])) : $0
    }
  }

  /// The map in the unit shown, without the errors, which no figure draws.
  private func shown(_ map: VectorMap, _ scale: Double) -> VectorMap {
    let plain = VectorMap(
      field: map.field, covariance: nil, mask: map.mask, pixelSize: map.pixelSize)
    return scale == 1
      ? plain : transformed(plain, by: Matrix2(xx: scale, xy: 0, yx: 0, yy: scale))
  }

  /// What is to be drawn; `scale` leads from the map's unit to the one shown.
  private func source(
    _ context: StageContext
  ) throws -> (
    map: VectorMap, kind: PortKind, scale: Double, label: String, unit: String,
    context: MapContext
  ) {
    switch context.input("map") {
    case let value as ProjectedFieldValue:
      if let thickness = value.thickness {
        return (value.map, .projectedField, 1 / thickness, "Electric field", "V/m", value.context)
      }
      return (value.map, .projectedField, 1, "Projected electric field", "V", value.context)
    case let value as IntrinsicFieldValue:
      return (value.map, .intrinsicField, 1, "Intrinsic electric field", "V/m", value.context)
    case let value as DeflectionValue:
      let label = value.frame == .detector ? "Deflection (detector axes)" : "Deflection"
      return (value.map, .deflection, 1, label, "rad", value.context)
    default: throw StageFailure(.failed, "stage \(context.stageName): no map at its input")
    }
  }
}
