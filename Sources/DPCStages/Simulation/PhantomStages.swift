// phantom-...: each adds one layer of known field to a specimen; layers are summed.
internal import DPCSimulation
internal import Pipeline

/// A stage that adds one layer to the phantom at its input, or begins one.
protocol PhantomLayerStage: StageType {
  func layer(_ context: StageContext) throws -> PhantomLayer
}

extension PhantomLayerStage {
  var algorithmVersion: Int { 1 }

  var inputs: [InputPort] {
    [
      InputPort(
        "phantom", kinds: [.phantom], isRequired: false,
        summary: "layers to add to; without it, this is the first")
    ]
  }

  var outputs: [OutputPort] {
    [OutputPort("phantom", kind: .fixed(.phantom), summary: "the layers so far and this one")]
  }

  func run(_ context: StageContext) throws -> StageProduct {
    var phantom = PhantomValue(layers: [])
    if context.input("phantom") != nil {
      phantom = try context.input("phantom", as: PhantomValue.self)
    }
    phantom.layers.append(try layer(context))
    return StageProduct(outputs: ["phantom": phantom])
  }
}

/// Lengths along the image that a phantom may have, nm.
private let imageLength = NumberRange(0...1e6, excludesLower: true)
private let anyAzimuth = NumberRange(-360...360)

struct PhantomGaussian: PhantomLayerStage {
  let name = "phantom-gaussian"
  let summary = "adds a round Gaussian of projected potential, such as a charged inclusion"
  let parameters = [
    ParameterSpecification(
      "amplitude_V_nm", .number(unit: "V_nm", range: .any), isRequired: true, example: "220",
      summary: "projected potential in the middle: 600 V nm is 10 V over 60 nm"),
    ParameterSpecification(
      "sigma_nm", .number(unit: "nm", range: imageLength), isRequired: true, example: "20",
      summary: "standard deviation; the field is largest at this radius"),
    ParameterSpecification(
      "center_x_nm", .number(unit: "nm", range: .any), default: .number(0),
      summary: "to the right of the scan's center"),
    ParameterSpecification(
      "center_y_nm", .number(unit: "nm", range: .any), default: .number(0),
      summary: "below the scan's center"),
  ]

  func layer(_ context: StageContext) throws -> PhantomLayer {
    .gaussianPotential(
      centerX: try context.meters("center_x_nm"), centerY: try context.meters("center_y_nm"),
      sigma: try context.meters("sigma_nm"), amplitude: try context.meters("amplitude_V_nm"))
  }
}

struct PhantomPlane: PhantomLayerStage {
  let name = "phantom-plane"
  let summary = "adds a plane of projected potential, so the same deflection everywhere"
  let parameters = [
    ParameterSpecification(
      "gradient_x_V", .number(unit: "V", range: .any), default: .number(0),
      summary: "slope of the projected potential to the right: minus the projected field"),
    ParameterSpecification(
      "gradient_y_V", .number(unit: "V", range: .any), default: .number(0),
      summary: "slope of the projected potential downwards"),
  ]

  func layer(_ context: StageContext) throws -> PhantomLayer {
    .planePotential(
      gradientX: try context.value("gradient_x_V"),
      gradientY: try context.value("gradient_y_V"))
  }
}

struct PhantomSinusoid: PhantomLayerStage {
  let name = "phantom-sinusoid"
  let summary = "adds a sinusoidal wave of projected potential"
  let parameters = [
    ParameterSpecification(
      "amplitude_V_nm", .number(unit: "V_nm", range: .any), isRequired: true, example: "20",
      summary: "amplitude of the projected potential"),
    ParameterSpecification(
      "period_nm", .number(unit: "nm", range: imageLength), isRequired: true, example: "40",
      summary: "length of one period"),
    ParameterSpecification(
      "azimuth_deg", .number(unit: "deg", range: anyAzimuth), default: .number(0),
      summary: "direction in which it varies, from +x towards +y (clockwise)"),
    ParameterSpecification(
      "phase_deg", .number(unit: "deg", range: anyAzimuth), default: .number(0),
      summary: "phase of the sine in the scan's center"),
  ]

  func layer(_ context: StageContext) throws -> PhantomLayer {
    .sinusoidalPotential(
      amplitude: try context.meters("amplitude_V_nm"), period: try context.meters("period_nm"),
      azimuth: try context.radians("azimuth_deg"), phase: try context.radians("phase_deg"))
  }
}

struct PhantomUniform: PhantomLayerStage {
  let name = "phantom-uniform"
  let summary = "adds the same electric field everywhere in a slab"
  let parameters = [
    ParameterSpecification(
      "field_x_V_per_m", .number(unit: "V_per_m", range: .any), default: .number(0),
      summary: "field to the right"),
    ParameterSpecification(
      "field_y_V_per_m", .number(unit: "V_per_m", range: .any), default: .number(0),
      summary: "field downwards"),
    PhantomParameters.thickness,
  ]

  func layer(_ context: StageContext) throws -> PhantomLayer {
    .uniform(
      meanX: try context.value("field_x_V_per_m"), meanY: try context.value("field_y_V_per_m"),
      thickness: try context.meters("thickness_nm"))
  }
}

enum PhantomParameters {
  static let thickness = ParameterSpecification(
    "thickness_nm", .number(unit: "nm", range: NumberRange(0.1...10_000)), isRequired: true,
    example: "60",
    summary: "length of the beam's path through the specimen")
}
