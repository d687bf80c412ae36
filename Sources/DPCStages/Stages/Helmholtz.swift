// helmholtz: what of a field is the gradient of a potential, and what cannot be.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct Helmholtz: StageType {
  let name = "helmholtz"
  let summary = "curl-free, divergence-free and mean part of a field; none is thrown away"
  let algorithmVersion = 8
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

  /// Four transforms: quicker than reading ten maps back.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    guard let pixelSize = input.map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    let boundary: IntegrationBoundary = try context.choice("boundary")
    let gaps = try filling(input.map, stage: context.stageName)
    let parts = helmholtzParts(
      of: input.map.field, gaps: gaps, pixelSize: pixelSize, boundary: boundary)
    let variances = input.context.noise(of: input.map).map {
      helmholtzVariances(of: $0, shape: input.map.shape, pixelSize: pixelSize)
    }
    var mask = input.map.mask
    gaps.mark(&mask)
    func part(_ field: VectorField, _ variance: (x: Double, y: Double)?) -> HelmholtzValue.Part {
      HelmholtzValue.Part(field: field, variance: variance.map { .init(x: $0.x, y: $0.y) })
    }
    let noise = meanVariance(input.map).map(parts.powers.transverseFractionFromNoise(meanVariance:))
    let value = HelmholtzValue(
      curlFree: part(sum(parts.curlFree, parts.harmonic), variances?.curlFree),
      divergenceFree: part(parts.divergenceFree, variances?.divergenceFree),
      mask: mask, mean: .init(x: parts.mean.x, y: parts.mean.y),
      divergenceFreeFraction: parts.powers.transverseFraction,
      context: input.context.adding([
        "boundary": boundary.rawValue,
        "removed_mean": "x \(parts.mean.x), y \(parts.mean.y) V (mean_x, mean_y)",
        "power_fractions": fractions(parts),
      ]))
    return StageProduct(
      outputs: ["parts": value], facts: facts(parts, noise: noise),
      notes: notes(parts, noise: noise) + fillingNotes(mask))
  }

  private func sum(_ first: VectorField, _ second: VectorField?) -> VectorField {
    guard let second else { return first }
    return VectorField(
      shape: first.shape, x: zip(first.x, second.x).map(+), y: zip(first.y, second.y).map(+))
  }

  private func fractions(_ parts: HelmholtzParts) -> String {
    let total =
      parts.powers.curlFree + parts.powers.divergenceFree + parts.powers.harmonic
      + parts.powers.mean
    if total == 0 { return "no field" }
    return "curl-free \((parts.powers.curlFree + parts.powers.harmonic) / total),"
      + " divergence-free \(parts.powers.divergenceFree / total), mean \(parts.powers.mean / total)"
  }

  private func facts(_ parts: HelmholtzParts, noise: Double?) -> [Fact] {
    let fraction = parts.powers.transverseFraction
    var text = "divergence-free share of the field's power \(Format.percent(fraction))"
    if let noise { text += " (counting noise makes up to \(Format.percent(min(noise, 0.5))))" }
    let signal = SignalShares(parts.powers, noise: noise)
    return [
      Fact("divergence_free_fraction", text: text, value: fraction, unit: ""),
      Fact(
        "residual_curl", text: signal.statement, value: signal.divergenceFree, unit: ""),
    ]
  }

  private func notes(_ parts: HelmholtzParts, noise: Double?) -> [Note] {
    let signal = SignalShares(parts.powers, noise: noise)
    guard !signal.isMostlyNoise, !signal.isUniform, signal.divergenceFree > 0.15 else { return [] }
    return [
      Note(
        .warning,
        "an electrostatic field has no curl, but \(Format.percent(signal.divergenceFree)) of this one's"
          + " \(signal.powerName) is divergence-free: infinitely long walls, a field that leaves the frame, or mistilt,"
          + " strain or thickness contrast"
      )
    ]
  }
}

/// How the power that is not noise divides between the two parts.
struct SignalShares {
  /// Of the power without noise, 0...1.
  let divergenceFree: Double
  let isMostlyNoise: Bool

  /// Of a uniform field nothing is left to divide but rounding.
  let isUniform: Bool
  /// Whether the counting noise was known; if not, it may make all of the smaller part.
  let isNoiseKnown: Bool

  /// White noise gives both parts the same power, so its share of the whole is at most twice the
  /// smaller part's, whatever the counting statistics say.
  init(_ powers: HelmholtzPowers, noise: Double?) {
    let varying = powers.curlFree + powers.divergenceFree + powers.harmonic
    isUniform = varying <= 1e-20 * (varying + powers.mean)
    isNoiseKnown = noise != nil
    let transverse = powers.transverseFraction
    let perPart = min(noise ?? 0, transverse, 1 - transverse)
    let signal = 1 - 2 * perPart
    divergenceFree = signal > 0 ? (transverse - perPart) / signal : 0
    // The two halves of pure noise differ by about the inverse root of the number of waves.
    let waves = Double(powers.waveCount)
    isMostlyNoise = signal < max(0.02, 5 / waves.squareRoot())
  }

  var statement: String {
    if isUniform { return "the field is uniform: there is nothing to divide" }
    if isMostlyNoise { return "the field is mostly counting noise" }
    if divergenceFree > 0.6 {
      return "the divergence-free part carries the signal: a field along walls, which no potential"
        + " map shows"
    }
    if divergenceFree < 0.15 {
      return
        "the curl-free part carries the signal; residual curl \(Format.percent(divergenceFree)) of its"
        + " power"
    }
    let parts =
      "curl-free \(Format.percent(1 - divergenceFree)), divergence-free \(Format.percent(divergenceFree))"
    return isNoiseKnown
      ? "both parts carry signal: \(parts)"
      : "\(parts), counting noise included: it is not known, and may make all of the smaller part"
  }

  /// "power beyond noise", or what can be said where noise is not known.
  var powerName: String { isNoiseKnown ? "power beyond noise" : "power, unknown noise included," }
}

/// The mean over usable pixels and both components of the counting variance; nil where unknown.
func meanVariance(_ map: VectorMap) -> Double? {
  guard let noise = PixelNoise(of: map) else { return nil }
  return (noise.varianceX + noise.varianceY) / 2
}
