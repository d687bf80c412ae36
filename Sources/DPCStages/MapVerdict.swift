// Is there anything in a map but noise: detection limits, and a verdict on all pixels together.
internal import Foundation
internal import Pipeline
internal import STEMCore

/// How a vector map stands against its counting noise.
struct MapVerdict {
  /// One standard deviation of a component at one pixel.
  let pixelDeviation: Double
  /// The same for the mean over a wall: its width times the side of the frame along it.
  let wallDeviation: Double?
  /// By how many of its own deviations the power of the map exceeds that of noise.
  let significance: Double
  /// Root mean square of the signal behind the noise; an upper limit (95 %) where there is none.
  let signal: Double
  let isDetected: Bool

  /// The walls of the source are some 20 nm wide.
  static let wallWidth = 20e-9
  private static let threshold = 5.0

  /// nil where the counts are unknown.
  init?(_ map: VectorMap, _ context: MapContext) {
    guard let covariance = map.covariance, let deviation = medianDeviation(map), deviation > 0
    else {
      return nil
    }
    let correlation = context.correlationLength
    let shared = correlation.x * correlation.y
    var (excess, noise, power, count) = (0.0, 0.0, 0.0, 0.0)
    for i in 0..<map.shape.count where map.mask.isUsable(i) {
      let (xx, yy) = (covariance.xx[i], covariance.yy[i])
      let (x, y) = (map.field.x[i], map.field.y[i])
      noise += xx + yy
      power += x * x + y * y
      count += 1
      // The variance of x² + y² of noise, and what pixels that go together add.
      excess += 2 * (xx * xx + yy * yy + 2 * covariance.xy[i] * covariance.xy[i])
    }
    let spread = (excess * shared).squareRoot()
    let surplus = power - noise
    pixelDeviation = deviation
    significance = surplus / spread
    isDetected = significance > Self.threshold
    signal = (max(0, isDetected ? surplus : surplus + 1.645 * spread) / count).squareRoot()
    wallDeviation = map.pixelSize.map { size in
      // Along the longer side; fewer pixels than one wide or long cannot be.
      let long = Double(max(map.shape.rows, map.shape.columns))
      let across = max(1, Self.wallWidth / max(size.x, size.y))
      return deviation * (shared / (long * min(across, count / long))).squareRoot()
    }
  }

  /// What no counted file does: expected numbers that were never drawn, or a dose that is not the file's.
  var scattersTooLittle: Bool { significance < -Self.threshold }

  func text(unit: String) -> String {
    if scattersTooLittle {
      return "no verdict: the map scatters less than its counting noise, as one without noise does"
    }
    let strength = Format.quantity(signal, unit: unit)
    return isDetected
      ? "signal detected at \(Format.significant(min(significance, 1e6), digits: 2)) sigma, rms \(strength)"
      : "nothing detected: rms signal below \(strength) (95 %)"
  }

  func limits(unit: String) -> String {
    var text = "5σ of one pixel \(Format.quantity(5 * pixelDeviation, unit: unit))"
    if let wallDeviation {
      text += ", of a 20 nm wall \(Format.quantity(5 * wallDeviation, unit: unit))"
    }
    return text
  }

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
