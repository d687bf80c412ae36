// What is lost of a change of the signal where noise takes signals into saturation and they are left out.
internal import Glibc

/// By what part the mean of noisy signals follows a change too little, where those above a level are left out.
///
/// With the level α standard deviations above the mean μ of normal noise σ, and λ = φ(α)/Φ(α), what is below the level
/// has the mean μ - σλ, whose derivative by μ is 1 - αλ - λ²: the variance of the truncated distribution over that of
/// the whole (N. L. Johnson, S. Kotz & N. Balakrishnan, Continuous Univariate Distributions 1, Wiley 1994, § 10.1).
///
/// - Parameter fraction: Of the signals above the level, 0 ... 1.
/// - Returns: αλ + λ², 0 where none is left out, 1 where all are.
public func saturationLoss(fraction: Double) -> Double {
  if fraction <= 0 { return 0 }
  if fraction >= 1 { return 1 }
  func above(_ level: Double) -> Double { erfc(level / 2.squareRoot()) / 2 }
  // The normal distribution has no more of its weight beyond 38 standard deviations than a number can tell.
  var (low, high) = (-38.0, 38.0)
  for _ in 0..<64 {
    let middle = (low + high) / 2
    if above(middle) > fraction { low = middle } else { high = middle }
  }
  let level = (low + high) / 2
  let ratio = exp(-level * level / 2) / (2 * Double.pi).squareRoot() / (1 - fraction)
  return min(max(level * ratio + ratio * ratio, 0), 1)
}
