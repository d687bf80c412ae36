// integrate: the projected potential whose gradient the field is.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import WorkSharing

struct Integrate: StageType {
  let name = "integrate"
  let summary = "projected potential ∫V dz by least squares, E = -grad V"
  let algorithmVersion = 11
  let inputs = [InputPort("field", kinds: [.projectedField], summary: "∫E dz, V")]
  let outputs = [
    OutputPort("potential", kind: .fixed(.projectedPotential), summary: "∫V dz, V m, mean zero")
  ]
  let parameters = [
    ParameterSpecification(
      "boundary", .choice(IntegrationBoundary.allCases.map(\.rawValue)),
      default: .text(IntegrationBoundary.neumann.rawValue),
      summary: "neumann for a frame that ends at its rim, periodic for one that repeats itself"),
    ParameterSpecification(
      "high_pass_nm", .number(unit: "nm", range: NumberRange(1e-6...1e9)), keywords: ["none"],
      default: .text("none"),
      summary:
        "period at which slow variation is damped by half; the uniform field is then left out"),
  ]

  /// How a field is integrated.
  private struct Way {
    let pixelSize: PixelSize
    let boundary: IntegrationBoundary
    /// m.
    let highPass: Double?

    func potential(
      of field: VectorField, _ gaps: GapFilling
    ) -> (potential: ScalarField, uniformField: Vector2) {
      let result = integratedPotential(
        of: field, gaps: gaps, pixelSize: pixelSize, boundary: boundary, highPassPeriod: highPass)
      return (result.potential, Vector2(x: result.uniformField.x, y: result.uniformField.y))
    }

    func attributes(_ uniform: Vector2) -> [String: String] {
      [
        "boundary": boundary.rawValue,
        "removed_mean": "the mean of the potential (its zero is arbitrary)",
        "uniform_field":
          "x \(uniform.x), y \(uniform.y) V; "
          + (highPass == nil ? "in the potential as a ramp" : "left out by the high-pass"),
        "high_pass": highPass.map { "period \($0) m" } ?? "none",
        "method": "least squares, E = -grad V"
          + (boundary == .neumann ? ", cosine transform, fourth-order links" : ", Fourier"),
      ]
    }
  }

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("field", as: ProjectedFieldValue.self)
    guard let pixelSize = input.map.pixelSize else {
      throw missingPixelSize("the acquisition", stage: context.stageName)
    }
    let way = Way(
      pixelSize: pixelSize, boundary: try context.choice("boundary"),
      highPass: context.metersIfGiven("high_pass_nm"))
    let gaps = try filling(input.map, stage: context.stageName)
    var mask = input.map.mask
    gaps.mark(&mask)
    let caution = caution(input.map, gaps, pixelSize)
    let (potential, uniform) = way.potential(of: input.map.field, gaps)
    let noise = input.context.noise(of: input.map)
    let loans = noise == nil ? .none : try filledNoise(of: input.map.mask, pixelSize: pixelSize)
    let variance = noise.map {
      potentialVariance(
        of: $0, shape: input.map.shape, pixelSize: pixelSize, boundary: way.boundary,
        highPassPeriod: way.highPass, filling: loans)
    }
    // What is constant goes out with the uniform field.
    var mapContext = input.context
    if way.highPass != nil { mapContext.commonErrors.offset = [:] }
    let turned: ScalarField? = try mapContext.commonErrors.rotation.map { _ in
      let map = input.map.turned
      return way.potential(of: map.field, try filling(map, stage: context.stageName)).potential
    }
    let attributes = way.attributes(uniform).merging(caution.map { ["caution": $0] } ?? [:]) { $1 }
    let value = PotentialValue(
      map: ScalarMap(field: potential, variance: variance, mask: mask, pixelSize: pixelSize),
      uniformField: uniform, center: input.map.shape.center, turned: turned,
      context: mapContext.adding(attributes))
    return StageProduct(
      outputs: ["potential": value], facts: facts(value.map),
      notes: (caution.map { [Note(.warning, $0)] } ?? []) + fillingNotes(mask)
        + boundNotes(loans) + islandNotes(input.map.mask))
  }

  /// Beside squares of eight pixels true errors are some 9 % larger than stated, beside those of 20 a quarter.
  private func boundNotes(_ filling: FilledNoise) -> [Note] {
    guard filling.meanLoan > 1.5 else { return [] }
    return [
      Note(
        .assumption,
        "stated errors are a lower bound beside masked areas many pixels wide: within some ten pixels of a"
          + " square of 20 true ones are a tenth to a quarter larger")
    ]
  }

  /// An area of fewer pixels is a flaw, not a part of the specimen.
  private static let smallestIsland = 25

  /// That masked pixels cut areas off from each other.
  private func islandNotes(_ mask: PixelMask) -> [Note] {
    if mask.unusableCount == 0 { return [] }
    let islands = islandSizes(of: mask).filter { $0 >= Self.smallestIsland }
    if islands.count < 2 { return [] }
    return [
      Note(
        .warning,
        "masked pixels cut the scan into \(islands.count) areas (the second one of \(islands[1]) pixels): from one to"
          + " another the potential goes through filled-in fields, and by how much it is off there is not in its errors"
      )
    ]
  }

  private func facts(_ potential: ScalarMap) -> [Fact] {
    let range = span(potential.field.values)
    var facts = [
      Fact(
        "potential_range",
        text: "projected potential spans \(Format.quantity(range * 1e9, unit: "V nm"))",
        value: range, unit: "V m")
    ]
    if let noise = potential.rootMeanSquareError {
      facts.append(
        Fact(
          "potential_noise",
          text:
            "counting noise in it \(Format.quantity(noise * 1e9, unit: "V nm")) root mean square",
          value: noise, unit: "V m"))
    }
    return facts
  }

  /// What a reader of the potential must know where much of the field has none.
  private func caution(_ map: VectorMap, _ gaps: GapFilling, _ pixelSize: PixelSize) -> String? {
    let powers = periodicHelmholtzPowers(of: map.field, gaps: gaps, pixelSize: pixelSize)
    let noise = meanVariance(map).map(powers.transverseFractionFromNoise(meanVariance:))
    let signal = SignalShares(powers, noise: noise)
    guard !signal.isMostlyNoise, !signal.isUniform, signal.divergenceFree > 0.15 else { return nil }
    return
      "\(Format.percent(signal.divergenceFree)) of the field's \(signal.powerName) has no potential, or one"
      + " whose field leaves the frame: at the rim the map may show lobes that are no charges"
  }
}

/// The map with every unusable pixel filled in from its neighbors.
///
/// - Throws: `failed` where not one pixel is usable.
func withoutGaps(_ map: VectorMap, stage: String) throws -> VectorMap {
  do {
    return try filled(map)
  } catch {
    throw StageFailure(.failed, "stage \(stage): \(error)")
  }
}

/// What stands in for the unusable pixels of a map.
///
/// - Throws: `failed` where not one pixel is usable.
func filling(_ map: VectorMap, stage: String) throws -> GapFilling {
  do {
    return try gapFilling(of: map)
  } catch {
    throw StageFailure(.failed, "stage \(stage): \(error)")
  }
}

/// The largest number minus the smallest; 0 of nothing.
private func span(_ values: [Double]) -> Double {
  let extremes = mapPieces(values.count) { positions in
    var (low, high) = (Double.infinity, -Double.infinity)
    for position in positions {
      low = min(low, values[position])
      high = max(high, values[position])
    }
    return (low: low, high: high)
  }
  let range =
    extremes.reduce(-.infinity) { max($0, $1.high) }
    - extremes.reduce(.infinity) { min($0, $1.low) }
  return max(0, range)
}

func fillingNotes(_ mask: PixelMask) -> [Note] {
  let count = mask.count(of: .filledIn)
  return count == 0
    ? []
    : [
      Note(.information, "\(count) pixels without measurement were filled in from their neighbors")
    ]
}
