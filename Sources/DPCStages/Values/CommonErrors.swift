// Errors that all pixels of a map share: no average lowers them, and no difference of pixels shows them.

/// What is uncertain about a map as a whole, by its cause. The covariance of a map holds only what is
/// independent from pixel to pixel; a number formed of many pixels has both.
struct CommonErrors: Codable, Sendable, Equatable {
  /// One relative standard deviation of the scale, by cause: `thickness`, `deflection_calibration`.
  var scale: [String: Double] = [:]
  /// One standard deviation of a constant in each component, in the map's unit, by cause: `descan`, `gain`.
  var offset: [String: Double] = [:]
  /// One standard deviation of the angle by which the vectors were turned, rad.
  var rotation: Double?

  /// All causes of the scale together; they are independent.
  var relativeScale: Double { Self.inQuadrature(scale) }
  /// All causes of the constant together.
  var constant: Double { Self.inQuadrature(offset) }

  /// Summed in the order of the causes' names: the same bytes on every run.
  private static func inQuadrature(_ errors: [String: Double]) -> Double {
    errors.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
  }
}
