// The ranges outside which a number in a file is a mistake, not a measurement.

/// A quantity's bounds, SI units, and how to show it to a microscopist.
struct PlausibleRange {
  let bounds: ClosedRange<Double>
  let unit: String
  /// The shown unit in SI.
  let scale: Double

  static let pixelSize = PlausibleRange(bounds: 1e-12...1e-5, unit: "nm", scale: 1e-9)
  static let voltage = PlausibleRange(bounds: 1e3...3e6, unit: "kV", scale: 1e3)
  static let semiAngle = PlausibleRange(bounds: 1e-4...0.2, unit: "mrad", scale: 1e-3)
  static let thickness = PlausibleRange(bounds: 1e-10...1e-5, unit: "nm", scale: 1e-9)
  static let thicknessError = PlausibleRange(bounds: 0...1e-5, unit: "nm", scale: 1e-9)
  static let sphericalAberration = PlausibleRange(bounds: -0.1...0.1, unit: "mm", scale: 1e-3)
  static let defocus = PlausibleRange(bounds: -1e-3...1e-3, unit: "nm", scale: 1e-9)
  /// Two turns either way.
  static let angle = PlausibleRange(
    bounds: -4 * Double.pi...4 * Double.pi, unit: "deg", scale: Double.pi / 180)
  static let inclination = PlausibleRange(
    bounds: 0...(89.9 * Double.pi / 180), unit: "deg", scale: Double.pi / 180)
  static let electrons = PlausibleRange(bounds: 1e-6...1e15, unit: "electrons", scale: 1)

  /// What is wrong with the value, or nil; rounding at the bounds is forgiven.
  func complaint(_ value: Double) -> String? {
    if value.isNaN { return "it is not a number" }
    if value >= bounds.lowerBound - abs(bounds.lowerBound) * 1e-9,
      value <= bounds.upperBound + abs(bounds.upperBound) * 1e-9
    {
      return nil
    }
    return "\(shown(value)) is outside \(shown(bounds.lowerBound)) to \(shown(bounds.upperBound))"
  }

  private func shown(_ value: Double) -> String {
    "\(NumberText.significant(value / scale)) \(unit)"
  }
}
