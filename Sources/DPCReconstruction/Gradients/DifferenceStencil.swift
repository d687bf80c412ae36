// Slopes of samples by windows of five: weights, and what noise makes of them.
internal import Glibc

/// Weights by which a window of samples gives the slope at one of them, per sample distance.
struct DifferenceStencil {
  /// Index of the first sample, and the weights of the samples from there on.
  var start: Int
  var weights: [Double]

  /// Samples of a window, where the side has as many.
  static let length = 5

  /// Weights whose squares sum up to the variance of the slope of correlated samples.
  func rescaled(forCorrelation correlation: Double) -> DifferenceStencil {
    guard correlation > 1 else { return self }
    let sigma = correlation / (2 * Double.pi.squareRoot())
    var (independent, correlated) = (0.0, 0.0)
    for (i, first) in weights.enumerated() {
      independent += first * first
      for (j, second) in weights.enumerated() {
        let distance = Double(i - j) / sigma
        correlated += first * second * exp(-distance * distance / 4)
      }
    }
    guard independent > 0 else { return self }
    let factor = (max(0, correlated) / independent).squareRoot()
    return DifferenceStencil(start: start, weights: weights.map { factor * $0 })
  }

  /// The pixels of a side whose window of five has them in its middle.
  static func inside(_ count: Int) -> Range<Int> { count >= length ? 2..<(count - 2) : 0..<0 }

  /// The stencils of all pixels of a side: windows of five, or of the whole side if shorter.
  static func along(_ count: Int) -> [DifferenceStencil] {
    let window = min(length, count)
    return (0..<count).map { index in
      let start = min(max(0, index - window / 2), count - window)
      return DifferenceStencil(start: start, weights: slopeWeights(window, at: index - start))
    }
  }

  /// Slope at sample `node` of the Lagrange polynomial through samples 0 ..< `count`
  /// (B. Fornberg, Math. Comp. 51 (1988) 699, on a regular grid).
  private static func slopeWeights(_ count: Int, at node: Int) -> [Double] {
    (0..<count).map { sample in
      let others = (0..<count).filter { $0 != node && $0 != sample }
      if sample == node { return others.reduce(0) { $0 + 1 / Double(node - $1) } }
      let numerator = others.reduce(1) { $0 * (node - $1) }
      let denominator = others.reduce(sample - node) { $0 * (sample - $1) }
      return Double(numerator) / Double(denominator)
    }
  }
}
