// The colors of scalar maps: from blue over white to red.

/// A scale of colors from 0 (lowest value) to 1 (highest).
struct ScalarColors {
  private let table: [UInt32]

  private init(_ color: (Double) -> OKLab) {
    let last = Self.steps - 1
    table = (0..<Self.steps).map { color(Double($0) / Double(last)).withinScreen.color.pixel }
  }

  /// Finer than the steps of an 8-bit color.
  private static let steps = 1024

  /// The pixel at a fraction of the scale; beyond the ends the color of the end.
  func pixel(at fraction: Double) -> UInt32 {
    let last = table.count - 1
    return table[Int((min(max(fraction, 0), 1) * Double(last)).rounded())]
  }

  /// White in the middle, equal lightness at equal distance from it: blue below, red above.
  static let diverging = ScalarColors { position in
    let distance = abs(2 * position - 1)
    let degree = Double.pi / 180
    return OKLab(
      lightness: 0.975 - 0.575 * distance,
      chroma: interpolated([0, 0.07, 0.13, 0.15, 0.128], at: distance),
      hue: (position < 0.5 ? 255 : 27) * degree)
  }

  /// A smooth curve through equally spaced control values (Catmull-Rom, ends repeated).
  private static func interpolated(_ controls: [Double], at position: Double) -> Double {
    let last = controls.count - 1
    let scaled = position * Double(last)
    let index = min(Int(scaled), last - 1)
    let t = scaled - Double(index)
    func control(_ i: Int) -> Double { controls[min(max(i, 0), last)] }
    let (before, from) = (control(index - 1), control(index))
    let (to, after) = (control(index + 1), control(index + 2))
    let cubic = 3 * (from - to) + after - before
    let square = 2 * before - 5 * from + 4 * to - after
    return from + t * (to - before + t * (square + t * cubic)) / 2
  }
}
