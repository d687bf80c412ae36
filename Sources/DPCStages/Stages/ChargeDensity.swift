// charge-density: ε0 times the divergence of the projected field.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct ChargeDensity: StageType {
  let name = "charge-density"
  let summary = "projected charge density ε0 div ∫E dz: free and bound charge together"
  let algorithmVersion = 7
  let parameters: [ParameterSpecification] = []
  let inputs = [InputPort("field", kinds: [.projectedField], summary: "∫E dz, V")]
  let outputs = [
    OutputPort("charge", kind: .fixed(.chargeDensity), summary: "C/m², with counting errors")
  ]

  /// Some operations a pixel: quicker than reading the result back.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    guard let pixelSize = input.map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    let shape = input.map.shape
    if shape.count == 1 {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): a scan of one pixel has no derivatives, so no charge density",
        remedy: "scan at least two pixels")
    }
    let gaps = try filling(input.map, stage: context.stageName)
    var mask = input.map.mask
    gaps.mark(&mask)
    let value = ChargeDensityValue(
      map: ScalarMap(
        field: projectedChargeDensity(of: input.map.field, gaps: gaps, pixelSize: pixelSize),
        variance: input.map.covariance.map {
          let correlation = input.context.correlationLength
          return projectedChargeDensityVariance(
            of: $0, gaps: gaps, pixelSize: pixelSize,
            correlation: (correlation.x, correlation.y))
        }, mask: mask, pixelSize: pixelSize),
      turned: try input.context.commonErrors.rotation.map { _ in
        let turned = input.map.turned
        return projectedChargeDensity(
          of: turned.field, gaps: try filling(turned, stage: context.stageName),
          pixelSize: pixelSize)
      },
      context: input.context.adding(
        [
          "method": "epsilon0 div of the projected field, fourth-order differences",
          "charge": "total (free and bound); no relative permittivity applied",
        ].merging(lineNotes(shape).map { ("line_scan", $0.text) }) { $1 }))
    return StageProduct(
      outputs: ["charge": value], facts: facts(value.map),
      notes: fillingNotes(mask) + lineNotes(shape))
  }

  private func facts(_ map: ScalarMap) -> [Fact] {
    let strength = rootMeanSquare(map)
    var facts = [
      Fact(
        "charge_density_rms",
        text:
          "projected charge density \(Format.quantity(strength, unit: "C/m²")) root mean square",
        value: strength, unit: "C/m^2")
    ]
    if let noise = map.rootMeanSquareError {
      facts.append(
        Fact(
          "charge_density_noise",
          text: "counting noise in it \(Format.quantity(noise, unit: "C/m²")) root mean square",
          value: noise, unit: "C/m^2"))
    }
    return facts
  }

  private func lineNotes(_ shape: GridShape) -> [Note] {
    if min(shape.rows, shape.columns) > 1 { return [] }
    let axis = shape.rows == 1 ? "y" : "x"
    return [
      Note(.assumption, "the scan is a line: the field is taken not to change along \(axis)")
    ]
  }

  private func rootMeanSquare(_ map: ScalarMap) -> Double {
    var (sum, count) = (0.0, 0)
    for index in 0..<map.shape.count where map.mask.isUsable(index) {
      sum += map.field.values[index] * map.field.values[index]
      count += 1
    }
    return count > 0 ? (sum / Double(count)).squareRoot() : 0
  }
}
