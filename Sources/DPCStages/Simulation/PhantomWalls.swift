// phantom-walls: parallel domain walls, each a sech² of the field, edge-on or inclined to the beam.
internal import DPCSimulation
internal import Pipeline
internal import STEMCore

struct PhantomWalls: PhantomLayerStage {
  let name = "phantom-walls"
  let summary = "adds parallel domain walls, edge-on or inclined, their signs alternating"
  let parameters = [
    ParameterSpecification(
      "positions_nm", .numbers(unit: "nm", range: .any), isRequired: true,
      example: "[-70, 70]",
      summary: "position of each wall along its normal, from the scan's center"),
    ParameterSpecification(
      "signs", .numbers(unit: nil, range: NumberRange(-1...1)), keywords: ["alternating"],
      default: .text("alternating"),
      summary: "factor of each wall's field; alternating is 1, -1, 1, ..."),
    ParameterSpecification(
      "field_V_per_m", .number(unit: "V_per_m", range: .any), isRequired: true, example: "1.5e8",
      summary: "intrinsic amplitude: along the normal's azimuth for parallel and normal, along"
        + " azimuth + 90 deg for perp"),
    ParameterSpecification(
      "fwhm_nm", .number(unit: "nm", range: NumberRange(0.01...1e5)), isRequired: true,
      example: "20",
      summary: "intrinsic full width at half maximum"),
    PhantomParameters.thickness,
    ParameterSpecification(
      "normal_azimuth_deg", .number(unit: "deg", range: NumberRange(-360...360)),
      default: .number(0),
      summary: "azimuth of the wall normal in the image, from +x towards +y (clockwise)"),
    ParameterSpecification(
      "inclination_deg", .number(unit: "deg", range: NumberRange(0...89)), default: .number(0),
      summary: "angle between the beam and the plane of the wall; 0 is edge-on"),
    ParameterSpecification(
      "field_direction", .choice(FieldDirection.allCases.map(\.rawValue)), default: .text("perp"),
      summary:
        "perp: along the wall, across the beam; parallel: along the wall, in the plane of beam"
        + " and normal; normal: along the wall normal"),
  ]

  func layer(_ context: StageContext) throws -> PhantomLayer {
    let positions = try context.value("positions_nm", as: [Double].self).map { $0 / 1e9 }
    let alternating = positions.indices.map { $0.isMultiple(of: 2) ? 1.0 : -1 }
    let signs = context.numbers("signs") ?? alternating
    if signs.count != positions.count {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(positions.count) positions_nm but \(signs.count) signs",
        remedy: "give one sign for each position, or signs: alternating")
    }
    return .walls(
      WallArray(
        positions: positions, signs: signs, amplitude: try context.value("field_V_per_m"),
        fullWidthHalfMaximum: try context.meters("fwhm_nm"),
        normalAzimuth: try context.radians("normal_azimuth_deg"),
        inclination: try context.radians("inclination_deg"),
        thickness: try context.meters("thickness_nm"),
        direction: try context.choice("field_direction")))
  }
}
