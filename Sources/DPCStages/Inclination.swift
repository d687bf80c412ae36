// The angle between beam and walls as a stage knows it.
internal import Pipeline

/// The walls' inclination and how it became known.
struct Inclination {
  /// Of the walls of a cross-section whose file does not say, rad.
  static let ofCrossSection = Double.pi / 4

  /// rad.
  var angle: Double
  var origin: String
  var isAssumed: Bool
  /// Whether the manifest asks for the angle to be fitted.
  var isFitted: Bool
  /// One standard deviation, where it was.
  var error: Double?

  func fact(errorScale: Double) -> Fact {
    let degrees = 180 / Double.pi
    let error = (error ?? 0) * errorScale
    return Fact(
      "wall_inclination",
      text: "inclination fitted with the walls: "
        + Format.quantity(angle * degrees, error: error * degrees, unit: "°"),
      value: angle * degrees, error: error * degrees, unit: "deg")
  }
}
