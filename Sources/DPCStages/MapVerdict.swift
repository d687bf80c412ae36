// Is there anything in a map but noise: detection limits, and a verdict on all pixels together.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore
internal import WorkSharing

/// How a vector map stands against its counting noise.
struct MapVerdict: Codable, Sendable, Equatable {
  /// One standard deviation of a component at one pixel.
  private(set) var pixelDeviation: Double
  /// The same for the mean over a wall: its width times the side of the frame along it.
  private(set) var wallDeviation: Double?
  /// By how many of its own deviations the power of the map exceeds that of noise.
  let significance: Double
  /// Root mean square of the signal behind the noise; an upper limit (95 % and more) where there is none.
  private(set) var signal: Double
  let isDetected: Bool

  /// The walls of the source are some 20 nm wide.
  static let wallWidth = 20e-9
  private static let threshold = 5.0

  /// - Parameters:
  ///   - map: With its counting noise.
  ///   - context: Of the map.
  ///   - scale: From the map's unit to that in which deviations and signal are wanted; positive.
  /// - Returns: nil where the counts are unknown.
  init?(_ map: VectorMap, _ context: MapContext, scale: Double = 1) {
    guard let median = medianDeviation(map), median > 0, let sums = Self.sums(map) else {
      return nil
    }
    let deviation = median * scale
    let correlation = context.correlationLength
    let shared = correlation.x * correlation.y
    let count = sums.count
    let spread = (sums.excess * shared).squareRoot()
    let surplus = sums.power - sums.noise
    pixelDeviation = deviation
    significance = surplus / spread
    isDetected = significance > Self.threshold
    // Power that fluctuates below that of noise limits the signal no further than no surplus does.
    let power = isDetected ? surplus : max(0, surplus) + 1.645 * spread
    signal = (power / count).squareRoot() * scale
    wallDeviation = map.pixelSize.flatMap { size in
      // A frame has to hold the wall, whichever way it runs.
      let sides = (Double(map.shape.columns) * size.x, Double(map.shape.rows) * size.y)
      guard min(sides.0, sides.1) >= Self.wallWidth else { return nil }
      // Along the longer side; fewer pixels than one wide or long cannot be.
      let isAlongX = sides.0 >= sides.1
      let long = Double(isAlongX ? map.shape.columns : map.shape.rows)
      let across = max(1, Self.wallWidth / (isAlongX ? size.y : size.x))
      return deviation * (shared / (long * min(across, count / long))).squareRoot()
    }
  }

  /// The same in another unit.
  ///
  /// - Parameter scale: From the unit of this one to the other; positive.
  func scaled(by scale: Double) -> MapVerdict {
    var other = self
    other.pixelDeviation *= scale
    other.wallDeviation = wallDeviation.map { $0 * scale }
    other.signal *= scale
    return other
  }

  private struct Sums {
    var (count, excess, noise, power) = (0.0, 0.0, 0.0, 0.0)
  }

  /// Over the usable pixels; nil where there is none, or no covariance.
  private static func sums(_ map: VectorMap) -> Sums? {
    guard let covariance = map.covariance else { return nil }
    let parts = mapPieces(map.shape.count) { positions in
      var sums = Sums()
      for i in positions where map.mask.isUsable(i) {
        let (xx, yy) = (covariance.xx[i], covariance.yy[i])
        let (x, y) = (map.field.x[i], map.field.y[i])
        sums.count += 1
        sums.noise += xx + yy
        sums.power += x * x + y * y
        // The variance of x² + y² of noise, and what pixels that go together add.
        sums.excess += 2 * (xx * xx + yy * yy + 2 * covariance.xy[i] * covariance.xy[i])
      }
      return sums
    }
    var total = Sums()
    for part in parts {
      total.count += part.count
      total.excess += part.excess
      total.noise += part.noise
      total.power += part.power
    }
    return total.count > 0 ? total : nil
  }

  /// What no counted file does: expected numbers that were never drawn, or a dose that is not the file's.
  var scattersTooLittle: Bool { significance < -Self.threshold }

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
