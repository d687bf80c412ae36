// electric-field: deflection to the projected field, which carries the thickness when it is known.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct ElectricFieldStage: StageType {
  let name = "electric-field"
  let summary = "projected electric field in V; in V/m where the thickness is known"
  let algorithmVersion = 9
  let inputs = [
    InputPort("deflection", kinds: [.deflection], summary: "deflection in the scan's axes")
  ]
  let outputs = [
    OutputPort("field", kind: .fixed(.projectedField), summary: "∫E dz, V, with the thickness")
  ]
  let parameters = [
    ParameterSpecification(
      "thickness_nm",
      // What the file may state, too.
      .number(unit: "nm", range: NumberRange(0.1...10_000)),
      keywords: ["from-file", "unknown"], default: .text("from-file"),
      summary: "thickness of the specimen along the beam"),
    ParameterSpecification(
      "thickness_error_nm", .number(unit: "nm", range: NumberRange(0...10_000)),
      keywords: ["from-file", "unknown"], default: .text("from-file"),
      summary: "one standard deviation of the thickness; enters the errors of every field in V/m"),
  ]

  /// A factor for each pixel: quicker than reading the field back.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    var input = try context.take("deflection", as: DeflectionValue.self)
    let metadata = input.context.metadata
    let given = context.metersIfGiven("thickness_nm")
    let stated = context.word("thickness_nm") == "unknown" ? nil : metadata.specimen.thickness
    let thickness = given ?? stated
    input.map.deflectionToProjectedField(metadata.beam)
    var attributes = [
      "field_formula": "projected field = -(pv/e) deflection",
      "momentum_velocity_per_charge": "\(metadata.beam.momentumVelocityPerCharge) V",
    ]
    let thicknessError = thicknessError(context, metadata, given)
    if let thickness {
      attributes["thickness"] =
        "\(thickness) m (\(given == nil ? "from the file" : "given")"
        + (thicknessError.map { ", error \(Format.quantity($0, unit: "m"))" } ?? "") + ")"
    }
    var value = ProjectedFieldValue(
      map: input.map, thickness: thickness, context: input.context.adding(attributes))
    value.context.metadata.specimen.thickness = thickness
    value.context.metadata.specimen.thicknessError = thicknessError
    value.context.commonErrors = input.context.commonErrors.scaled(
      by: metadata.beam.momentumVelocityPerCharge)
    return StageProduct(
      outputs: ["field": value], facts: facts(value),
      notes: notes(value, given: given, stated: metadata.specimen.thickness)
        + constantNotes(value))
  }

  /// That what is detected is a constant, which a reference of unknown errors may have made.
  private func constantNotes(_ value: ProjectedFieldValue) -> [Note] {
    let errors = value.context.commonErrors
    guard errors.largestConstant > errors.constant,
      MapVerdict(value.map, value.context)?.isDetected == true,
      let cautious = MapVerdict(
        of: value.map, noiseFactor: value.context.correlationLength.noiseFactor,
        zeroError: errors.largestConstant), !cautious.isDetected
    else { return [] }
    let unit = value.thickness == nil ? "V" : "V/m"
    let zero = Format.quantity(errors.largestConstant / (value.thickness ?? 1), unit: unit)
    let reference = errors.unstatedOffset?["descan"] == nil ? "gain" : "vacuum"
    return [
      Note(
        .warning,
        "what is detected is a constant, and a \(reference) reference of a single exposure would make one of \(zero) in"
          + " each component: state how many exposures it averages (its attribute exposures), or take the constant for"
          + " none"
      )
    ]
  }

  /// Errors of the thickness beyond which the field's own are far from those of a normal distribution.
  private static let largestThicknessError = 0.3

  private func notes(_ value: ProjectedFieldValue, given: Double?, stated: Double?) -> [Note] {
    if value.thickness == nil {
      return [Note(.assumption, "thickness unknown: the field is projected (V), no V/m is formed")]
    }
    var notes = contradictionNotes(
      "thickness", given: given, stated: stated, tolerance: 1e-11
    ) { Format.quantity($0, unit: "m") }
    if let share = value.relativeThicknessError, share > Self.largestThicknessError {
      notes.append(
        Note(
          .warning,
          "the thickness is known to \(Format.percent(share)) only: a normal distribution of errors in V/m means"
            + " little then; check thickness_error_nm and its unit"))
    }
    if value.context.metadata.specimen.thicknessError == nil, value.map.covariance != nil {
      notes.append(
        Note(
          .assumption,
          "the thickness has no stated error (thickness_error_nm): errors in V/m leave it out"))
    }
    return notes
  }

  /// The file's error belongs to the file's thickness.
  private func thicknessError(
    _ context: StageContext, _ metadata: AcquisitionMetadata, _ given: Double?
  ) -> Double? {
    if let error = context.metersIfGiven("thickness_error_nm") { return error }
    let isFromFile = context.word("thickness_error_nm") == "from-file" && given == nil
    return isFromFile ? metadata.specimen.thicknessError : nil
  }

  private func facts(_ value: ProjectedFieldValue) -> [Fact] {
    let unit = value.thickness == nil ? "V" : "V/m"
    let scale = 1 / (value.thickness ?? 1)
    let strength = rootMeanSquare(value.map) * scale
    var facts = [
      Fact(
        "field_rms", text: "field \(Format.quantity(strength, unit: unit)) root mean square",
        value: strength, unit: unit)
    ]
    if let verdict = MapVerdict(value.map, value.context, scale: scale) {
      facts += verdict.facts(unit: unit)
    }
    let errors = value.meanFieldErrors ?? value.context.commonErrors
    if !errors.scale.isEmpty {
      facts.append(
        Fact(
          "scale_error",
          text: "scale of the field known to \(Format.percent(errors.relativeScale))"
            + " (\(errors.scale.keys.sorted().joined(separator: ", ")))",
          value: errors.relativeScale, unit: ""))
    }
    if errors.constant > 0 {
      facts.append(
        Fact(
          "offset_error",
          text: "the field's zero is known to \(Format.quantity(errors.constant, unit: unit)) in"
            + " each component (\(errors.offset.keys.sorted().joined(separator: ", ")))",
          value: errors.constant, unit: unit))
    }
    return facts
  }
}

extension ProjectedFieldValue {
  /// nil where the thickness or its error is unknown.
  fileprivate var relativeThicknessError: Double? {
    guard let thickness, let error = context.metadata.specimen.thicknessError else { return nil }
    return error / thickness
  }
}
