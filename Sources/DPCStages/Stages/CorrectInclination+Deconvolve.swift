// The model `deconvolve` of correct-inclination.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension CorrectInclination {
  func deconvolved(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, context: MapContext
  ) throws -> StageProduct {
    let correlation = context.correlationLength
    let result = try deconvolvedField(
      of: meanField, normalAzimuth: orientation.normalAzimuth, geometry: geometry,
      correlation: (correlation.x, correlation.y))
    var context = context.adding(
      attributes(
        orientation, inclination, geometry: geometry, model: "deconvolve",
        formula: "waves times H/(H^2 + N/S), H = g sinc(k t tan a), N counting noise, S measured"))
    context.attributes["deconvolved_box"] = "\(result.boxWidth) m"
    context.attributes["deconvolution_zeros"] =
      result.boxWidth > 0
      ? "waves of m/\(result.boxWidth) per m along the wall normal are lost" : "none"
    context.attributes["resolution"] = result.resolution.map { "\($0) m" } ?? "nothing recovered"
    context.attributes["lost_share"] = "\(result.lostShare)"
    context.attributes["errors_bias"] =
      "errors are those of the noise let through; what is damped makes walls too low and too wide besides"
    // The filter leaves slow waves: errors of neighbors go together over about half the resolution.
    if let resolution = result.resolution, let size = meanField.pixelSize {
      context.correlationLength.x = max(correlation.x, resolution / (2 * size.x))
      context.correlationLength.y = max(correlation.y, resolution / (2 * size.y))
    }
    return StageProduct(
      outputs: ["corrected": IntrinsicFieldValue(map: result.map, context: context)],
      facts: facts(result), notes: notes(orientation, inclination) + notes(result))
  }

  private func facts(_ result: DeconvolvedField) -> [Fact] {
    let resolution =
      result.resolution.map { "periods down to \(Format.quantity($0, unit: "m")) recovered" }
      ?? "no period recovered"
    return [
      Fact(
        "deconvolution_resolution",
        text: "box of \(Format.quantity(result.boxWidth, unit: "m")) undone, \(resolution),"
          + " \(Format.percent(result.lostShare)) of the power above noise lost",
        value: result.resolution, unit: "m")
    ]
  }

  private func notes(_ result: DeconvolvedField) -> [Note] {
    [
      Note(
        .warning,
        "a deconvolved map is a check, not the primary number: noise damps it and zeros of the"
          + " projection are not in it; take field and width of walls from the finite-wall model")
    ]
  }
}
