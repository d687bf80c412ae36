// vector-map: a vector quantity as a colour wheel with arrows.
internal import DPCReconstruction
internal import FieldRendering
internal import Foundation
internal import Pipeline
internal import STEMCore

struct VectorMapStage: StageType {
  let name = "vector-map"
  let summary = "figure of a vector map: hue is direction, brightness magnitude, arrows on top"
  let algorithmVersion = 3
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
    FigureParameters.format, FigureParameters.title,
    ParameterSpecification(
      "limit", .number(unit: "SI unit of the quantity", range: .positive), keywords: ["auto"],
      default: .text("auto"),
      summary: "magnitude of full brightness, SI; auto takes the 99.5th percentile"),
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
      magnitudeLimit: context.number("limit"), showsArrows: context.boolean("arrows") ?? true,
      walls: walls(context, source.map.shape))
    return try Figures.product(context, figure.drawing)
  }

  /// The walls of a table, numbered as its facts number them; those of a fit run from rim to rim.
  private func walls(_ context: StageContext, _ shape: GridShape) -> [MapWall] {
    switch context.input("walls") {
    case let value as WallsValue:
      guard let found = value.found else {
        let side = value.thickness * tan(value.inclination)
        return across(value.table, value.orientation, value.context, shape) {
          hypot($0 / cos(value.inclination), side)
        }
      }
      return value.table.rows.indices.map { index in
        let (start, end) = (found.start[index], found.end[index])
        return MapWall(
          label: "\(index + 1)", start: (start.x, start.y), end: (end.x, end.y),
          width: value.table.rows[index].wall.width.value)
      }
    case let value as WallProfileValue:
      return value.table.map { across($0, value.orientation, value.context, shape) { $0 } } ?? []
    default: return []
    }
  }

  /// Walls from rim to rim; `imageWidth` makes about the width in the image of a wall's own, m.
  private func across(
    _ table: WallTable, _ orientation: WallOrientation, _ context: MapContext, _ shape: GridShape,
    imageWidth: (Double) -> Double
  ) -> [MapWall] {
    guard let size = context.metadata.pixelSize else { return [] }
    let (cosine, sine) = (cos(orientation.normalAzimuth), sin(orientation.normalAzimuth))
    let reach = Double(shape.columns) * size.x + Double(shape.rows) * size.y
    return table.rows.enumerated().map { index, row in
      let u = row.wall.position.value
      return MapWall(
        label: "\(index + 1)", start: (u * cosine + reach * sine, u * sine - reach * cosine),
        end: (u * cosine - reach * sine, u * sine + reach * cosine),
        width: imageWidth(row.wall.width.value))
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
