// scalar-map: a scalar quantity with a perceptual color map and its color bar.
internal import DPCReconstruction
internal import FieldRendering
internal import Pipeline
internal import STEMCore

struct ScalarMapStage: StageType {
  let name = "scalar-map"
  let summary = "figure of a scalar map with a perceptual color map and a color bar"
  let algorithmVersion = 6
  let inputs = [
    InputPort(
      "map", kinds: [.projectedPotential, .chargeDensity], summary: "a scalar map")
  ]
  let outputs = [OutputPort("figure", kind: .fixed(.figure), summary: "the figure")]
  let parameters = [
    FigureParameters.format, FigureParameters.title, FigureParameters.resolution,
    FigureParameters.limit("value at the upper end of the color scale, its opposite at the lower"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    var figure: ScalarFigure
    switch context.input("map") {
    case let value as PotentialValue:
      figure = ScalarFigure(
        title: Figures.title(context, "Projected potential", value.context),
        footer: Figures.footer(value.context), map: value.map,
        quantityLabel: "Projected potential", unit: "V m", valueLimit: context.number("limit"))
    case let value as ChargeDensityValue:
      let deviation = deviation(value.map)
      figure = ScalarFigure(
        title: Figures.title(context, "Projected charge density", value.context),
        footer: Figures.footer(
          value.context, noise: Figures.noise(deviation, unit: "C/m²").map { [$0] } ?? []),
        map: value.map, quantityLabel: "Projected charge density", unit: "C/m²",
        valueLimit: context.number("limit"), smallestLimit: deviation)
    default: throw StageFailure(.failed, "stage \(context.stageName): no map at its input")
    }
    figure.resolution = context.number("resolution_dpi")
    var product = try Figures.product(context, figure.drawing)
    let map = figure.map
    product.notes += Figures.scaleNotes(context, unit: figure.unit) {
      (0..<map.shape.count).reduce(0) {
        map.mask.isUsable($1) ? max($0, abs(map.field.values[$1])) : $0
      }
    }
    return product
  }

  private func deviation(_ map: ScalarMap) -> Double? {
    map.variance.flatMap { medianDeviation(map.mask, of: $0) }
  }
}
