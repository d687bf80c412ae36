// What is told of a map's verdict: facts, and the small print of its figures.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension MapVerdict {
  /// - Parameters:
  ///   - map: With its counting noise.
  ///   - context: Of the map.
  ///   - scale: From the map's unit to that in which deviations and signal are wanted; positive.
  /// - Returns: nil where the counts are unknown.
  init?(_ map: VectorMap, _ context: MapContext, scale: Double = 1) {
    self.init(
      of: map, noiseFactor: context.correlationLength.noiseFactor,
      zeroError: context.commonErrors.constant, scale: scale)
  }

  func text(unit: String) -> String {
    if scattersTooLittle {
      return "no verdict: the map scatters less than its counting noise, as numbers without noise"
        + " do, and estimators that draw weak signals to zero"
    }
    let strength = Format.quantity(signal, unit: unit)
    return isDetected
      ? "signal detected at \(Format.sigmas(significance)), rms \(strength)"
      : "nothing detected: rms signal below \(strength) (95 %)"
  }

  func limits(unit: String) -> String {
    var text = "5σ of one pixel \(Format.quantity(5 * pixelDeviation, unit: unit))"
    if let wallDeviation {
      text += ", of a 20 nm wall \(Format.quantity(5 * wallDeviation, unit: unit))"
    }
    return text
  }

  /// What a figure states below the map.
  func smallPrint(unit: String) -> [String] { [limits(unit: unit), text(unit: unit)] }

  func facts(unit: String) -> [Fact] {
    var facts = [
      Fact(
        "detection_limit",
        text: "detection limit \(Format.quantity(5 * pixelDeviation, unit: unit)) for one pixel (5"
          + " sigma of counting noise)", value: 5 * pixelDeviation, unit: unit)
    ]
    if let wallDeviation {
      facts.append(
        Fact(
          "wall_detection_limit",
          text:
            "detection limit \(Format.quantity(5 * wallDeviation, unit: unit)) for the mean over a"
            + " 20 nm wide wall along the longer side", value: 5 * wallDeviation, unit: unit))
    }
    facts.append(
      Fact("verdict", text: text(unit: unit), value: significance, unit: ""))
    return facts
  }
}

/// The verdict on a map as it was measured, for maps made of it that are smoothed.
///
/// Noise that is averaged away makes any map look better known: what is detected is told of the map that was
/// measured, whose walls and charges are the same.
struct UnsmoothedVerdict: Codable, Sendable, Equatable {
  /// The kind of value that the verdict is of: in its unit, and in no other.
  let kind: String
  let verdict: MapVerdict
}

extension MapVerdict {
  /// The lines of small print for a figure; of a smoothed map those of the one that was measured.
  ///
  /// - Parameters:
  ///   - kind: Of the value that is drawn.
  ///   - scale: From the map's unit to `unit`; positive.
  static func smallPrint(
    _ map: VectorMap, _ context: MapContext, kind: PortKind, scale: Double, unit: String
  ) -> [String] {
    if context.attributes["smoothing"] == nil {
      return MapVerdict(map, context, scale: scale)?.smallPrint(unit: unit) ?? []
    }
    guard let unsmoothed = context.unsmoothed, unsmoothed.kind == kind.name else { return [] }
    return ["before smoothing"] + unsmoothed.verdict.scaled(by: scale).smallPrint(unit: unit)
  }
}
