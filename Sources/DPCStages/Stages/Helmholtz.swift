// helmholtz: what of a field is the gradient of a potential, and what cannot be.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct Helmholtz: StageType {
  let name = "helmholtz"
  let summary = "curl-free, divergence-free and mean part of a field; none is thrown away"
  let algorithmVersion = 1
  let inputs = [InputPort("field", kinds: [.projectedField], summary: "∫E dz, V")]
  let outputs = [
    OutputPort("parts", kind: .fixed(.helmholtzParts), summary: "the parts, V, and their power")
  ]
  let parameters = [
    ParameterSpecification(
      "boundary", .choice(IntegrationBoundary.allCases.map(\.rawValue)),
      default: .text(IntegrationBoundary.periodic.rawValue),
      summary: "periodic: two parts that add up with the mean to the field; neumann: sources beyond"
        + " the rim make a harmonic part, here counted with the curl-free one")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    guard let pixelSize = input.map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    let boundary =
      context.word("boundary").flatMap(IntegrationBoundary.init(rawValue:)) ?? .periodic
    let whole = try withoutGaps(input.map, stage: context.stageName)
    let parts = helmholtzParts(of: whole.field, pixelSize: pixelSize, boundary: boundary)
    func map(_ field: VectorField) -> VectorMap {
      VectorMap(field: field, covariance: nil, mask: whole.mask, pixelSize: pixelSize)
    }
    let noise = meanVariance(input.map).map(parts.transverseFractionFromNoise(meanVariance:))
    let value = HelmholtzValue(
      curlFree: map(sum(parts.curlFree, parts.harmonic)),
      divergenceFree: map(parts.divergenceFree),
      mean: .init(x: parts.mean.x, y: parts.mean.y),
      divergenceFreeFraction: parts.transverseFraction,
      context: input.context.adding([
        "boundary": boundary.rawValue,
        "removed_mean": "x \(parts.mean.x), y \(parts.mean.y) V (mean_x, mean_y)",
        "power_fractions": fractions(parts),
      ]))
    return StageProduct(
      outputs: ["parts": value], facts: facts(parts, noise: noise),
      notes: notes(parts, noise: noise) + fillingNotes(whole.mask))
  }

  private func sum(_ first: VectorField, _ second: VectorField) -> VectorField {
    VectorField(
      shape: first.shape, x: zip(first.x, second.x).map(+), y: zip(first.y, second.y).map(+))
  }

  private func meanVariance(_ map: VectorMap) -> Double? {
    guard let covariance = map.covariance else { return nil }
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    let total = usable.reduce(0) { $0 + (covariance.xx[$1] + covariance.yy[$1]) / 2 }
    return usable.isEmpty ? nil : total / Double(usable.count)
  }

  private func fractions(_ parts: HelmholtzParts) -> String {
    let total =
      parts.curlFreePower + parts.divergenceFreePower + parts.harmonicPower + parts.meanPower
    if total == 0 { return "no field" }
    return "curl-free \((parts.curlFreePower + parts.harmonicPower) / total),"
      + " divergence-free \(parts.divergenceFreePower / total), mean \(parts.meanPower / total)"
  }

  private func facts(_ parts: HelmholtzParts, noise: Double?) -> [Fact] {
    let fraction = parts.transverseFraction
    var text = "divergence-free share of the field's power \(Format.percent(fraction))"
    if let noise { text += " (noise alone would make it \(Format.percent(min(noise, 1))))" }
    return [
      Fact("divergence_free_fraction", text: text, value: fraction, unit: ""),
      Fact("residual_curl", text: carrier(fraction, noise: noise), value: fraction, unit: ""),
    ]
  }

  /// In words, which part carries what is not noise.
  private func carrier(_ fraction: Double, noise: Double?) -> String {
    let share = max(0, fraction - (noise ?? 0))
    let signal = max(1e-300, 1 - 2 * (noise ?? 0))
    if noise.map({ $0 > 0.45 }) ?? false { return "the field is mostly counting noise" }
    let transverse = min(1, share / signal)
    if transverse > 0.6 {
      return "the divergence-free part carries the signal: a field along walls, which no potential"
        + " map shows"
    }
    return transverse < 0.15
      ? "the curl-free part carries the signal: the residual curl is"
        + " \(Format.percent(transverse)) of its power"
      : "both parts carry signal: curl-free \(Format.percent(1 - transverse)), divergence-free"
        + " \(Format.percent(transverse))"
  }

  private func notes(_ parts: HelmholtzParts, noise: Double?) -> [Note] {
    let excess = parts.transverseFraction - (noise ?? 0)
    guard excess > 0.15 else { return [] }
    return [
      Note(
        .warning,
        "an electrostatic field has no curl; \(Format.percent(excess)) of the power beyond noise is"
          + " divergence-free: infinitely long walls, or mistilt, strain or thickness contrast")
    ]
  }
}
