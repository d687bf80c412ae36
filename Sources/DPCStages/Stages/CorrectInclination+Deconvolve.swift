// The model `deconvolve` of correct-inclination.
internal import DPCReconstruction
internal import Foundation
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
    context.attributes["damped_field"] = "\(result.damped) V/m"
    context.attributes["field_varying_along_walls"] = "\(result.uneven) V/m"
    context.attributes["errors_of_deconvolution"] =
      "noise let through, waves damped and what varies along the walls; alike along a wall"
    context.attributes["is_determined"] = "\(result.isDetermined)"
    context.correlationLength = correlationLength(result, correlation, orientation, meanField)
    return StageProduct(
      outputs: ["corrected": IntrinsicFieldValue(map: result.map, context: context)],
      facts: facts(result), notes: notes(orientation, inclination) + notes(result))
  }

  /// The filter leaves slow waves: errors of neighbors go together over about half the resolution across the
  /// walls, and over the whole frame along them.
  private func correlationLength(
    _ result: DeconvolvedField, _ before: CorrelationLength, _ orientation: WallOrientation,
    _ map: VectorMap
  ) -> CorrelationLength {
    guard let size = map.pixelSize, result.boxWidth > 0 else { return before }
    let (c, s) = (abs(cos(orientation.normalAzimuth)), abs(sin(orientation.normalAzimuth)))
    let half = (result.resolution ?? result.boxWidth) / 2
    return CorrelationLength(
      x: max(before.x, c * half / size.x, s * Double(map.shape.columns)),
      y: max(before.y, s * half / size.y, c * Double(map.shape.rows)))
  }

  private func facts(_ result: DeconvolvedField) -> [Fact] {
    let resolution =
      result.resolution.map { "periods down to \(Format.quantity($0, unit: "m")) recovered" }
      ?? "no period recovered"
    let text =
      result.boxWidth > 0
      ? "box of \(Format.quantity(result.boxWidth, unit: "m")) undone, \(resolution),"
        + " \(Format.percent(result.lostShare)) of the power above noise lost"
      : "the walls are edge-on: there is no path through them to undo"
    return [
      Fact("deconvolution_resolution", text: text, value: result.resolution, unit: "m")
    ]
  }

  private func notes(_ result: DeconvolvedField) -> [Note] {
    let undetermined =
      result.isDetermined
      ? []
      : [
        Note(
          .warning,
          "the deconvolved map is not determined: noise hides more than a quarter of the power that its"
            + " waves are expected to have; no pixel is given")
      ]
    let rim =
      result.isDetermined && result.boxWidth > 0
      ? [
        Note(
          .information,
          "pixels nearer to the rim across the walls than half of the box are not given: a part of what"
            + " they are made of lies outside of the scan")
      ] : []
    return undetermined + rim + [
      Note(
        .warning,
        "a deconvolved map is a check, not the primary number: noise damps it and zeros of the"
          + " projection are not in it; take field and width of walls from the finite-wall model")
    ]
  }
}
