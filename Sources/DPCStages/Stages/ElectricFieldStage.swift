// electric-field: deflection to the projected field, which carries the thickness when it is known.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct ElectricFieldStage: StageType {
  let name = "electric-field"
  let summary = "projected electric field in V; in V/m where the thickness is known"
  let algorithmVersion = 1
  let inputs = [
    InputPort("deflection", kinds: [.deflection], summary: "deflection in the scan's axes")
  ]
  let outputs = [
    OutputPort("field", kind: .fixed(.projectedField), summary: "∫E dz, V, with the thickness")
  ]
  let parameters = [
    ParameterSpecification(
      "thickness_nm",
      .number(unit: "nm", range: NumberRange(0...10_000, excludesLower: true)),
      keywords: ["from-file", "unknown"], default: .text("from-file"),
      summary: "thickness of the specimen along the beam")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("deflection", as: DeflectionValue.self)
    let metadata = input.context.metadata
    let given = context.number("thickness_nm").map { $0 * 1e-9 }
    let stated = context.word("thickness_nm") == "unknown" ? nil : metadata.specimen.thickness
    let thickness = given ?? stated
    let map = projectedField(of: input.map, beam: metadata.beam)
    var attributes = [
      "field_formula": "projected field = -(pv/e) deflection",
      "momentum_velocity_per_charge": "\(metadata.beam.momentumVelocityPerCharge) V",
    ]
    if let thickness {
      attributes["thickness"] = "\(thickness) m (\(given == nil ? "from the file" : "given"))"
    }
    var value = ProjectedFieldValue(
      map: map, thickness: thickness, context: input.context.adding(attributes))
    value.context.metadata.specimen.thickness = thickness
    return StageProduct(
      outputs: ["field": value], facts: facts(value),
      notes: thickness == nil
        ? [Note(.assumption, "thickness unknown: the field is projected (V), no V/m is formed")]
        : contradictionNotes(
          "thickness", given: given, stated: metadata.specimen.thickness, tolerance: 1e-11
        ) { Format.quantity($0, unit: "m") })
  }

  private func facts(_ value: ProjectedFieldValue) -> [Fact] {
    let map = value.meanField ?? value.map
    let unit = value.thickness == nil ? "V" : "V/m"
    let strength = rootMeanSquare(map)
    var facts = [
      Fact(
        "field_rms", text: "field \(Format.quantity(strength, unit: unit)) root mean square",
        value: strength, unit: unit)
    ]
    if let sigma = medianDeviation(map) {
      facts.append(
        Fact(
          "detection_limit",
          text: "detection limit \(Format.quantity(5 * sigma, unit: unit)) for one pixel (5 sigma"
            + " of counting noise)", value: 5 * sigma, unit: unit))
    }
    return facts
  }
}
