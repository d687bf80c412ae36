// Weighted sums of a shape beside a constant and a slope: what a matched filter needs.

/// Least squares of one shape with a free constant and slope, from sums over samples.
struct ShapeSums {
  /// Σ w over 1, u, u², t, tu, t², y, yu and yt.
  private var (one, linear, square) = (0.0, 0.0, 0.0)
  private var (height, heightLinear, heightSquare) = (0.0, 0.0, 0.0)
  private var (value, valueLinear, valueHeight) = (0.0, 0.0, 0.0)

  /// - Parameters:
  ///   - t: The shape at the sample.
  ///   - u: Distance of the sample in any unit; it should be near 1 at most.
  ///   - w: Weight 1/σ².
  ///   - y: The sample's value times its weight.
  mutating func add(shape t: Double, linear u: Double, weight w: Double, weighted y: Double) {
    one += w
    linear += w * u
    square += w * u * u
    height += w * t
    heightLinear += w * t * u
    heightSquare += w * t * t
    value += y
    valueLinear += y * u
    valueHeight += y * t
  }

  private var determinant: Double { one * square - linear * linear }

  /// Of two sequences, given by their sums and those with u, the product of what constant and slope explain.
  private func explained(_ a: Double, _ au: Double, _ b: Double, _ bu: Double) -> Double {
    (square * a * b - linear * (a * bu + b * au) + one * au * bu) / determinant
  }

  /// Overlap with, and information on, the shape beside constant and slope; zero where they explain it.
  var match: (overlap: Double, information: Double) {
    guard determinant > 1e-9 * one * square else { return (0, 0) }
    let information = heightSquare - explained(height, heightLinear, height, heightLinear)
    guard information > 1e-6 * heightSquare else { return (0, 0) }
    return (valueHeight - explained(height, heightLinear, value, valueLinear), information)
  }

  /// What constant and slope leave of Σ w y².
  func power(beside power: Double) -> Double {
    determinant > 1e-9 * one * square
      ? power - explained(value, valueLinear, value, valueLinear) : power
  }

  /// By how much the shape lowers χ².
  var gain: Double {
    let (overlap, information) = match
    return information > 0 ? overlap * overlap / information : 0
  }
}
