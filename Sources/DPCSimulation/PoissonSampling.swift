// Counting noise: numbers of electrons drawn from the Poisson distribution itself.
internal import Glibc

extension SeededGenerator {
  /// A number of events of the given mean, from the Poisson distribution without approximation.
  ///
  /// Means below 10 multiply uniform numbers until exp(-mean) is reached; larger ones use the
  /// transformed rejection PTRS of Hörmann, Insur. Math. Econ. 12 (1993) 39. The logarithm of the
  /// factorial is our own Stirling series, so that of the C library only `exp`, `log` and `log1p`
  /// enter: two machines can differ only where such a value differs in its last bit and a
  /// comparison hangs on it.
  ///
  /// - Parameter mean: Not negative, finite.
  /// - Returns: A whole number.
  public mutating func poisson(mean: Double) -> Double {
    precondition(mean >= 0 && mean.isFinite, "a mean number of events is not negative")
    if mean == 0 { return 0 }
    return mean < 10 ? poissonByMultiplication(mean) : poissonByRejection(mean)
  }

  private mutating func poissonByMultiplication(_ mean: Double) -> Double {
    let limit = exp(-mean)
    var events = 0.0
    var product = uniform()
    while product > limit {
      product *= uniform()
      events += 1
    }
    return events
  }

  private mutating func poissonByRejection(_ mean: Double) -> Double {
    let b = 0.931 + 2.53 * mean.squareRoot()
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let squeeze = 0.9277 - 3.6224 / (b - 2)
    while true {
      let u = uniform() - 0.5
      let v = uniform()
      let us = 0.5 - abs(u)
      if us <= 0 { continue }
      let k = ((2 * a / us + b) * u + mean + 0.43).rounded(.down)
      if us >= 0.07 && v <= squeeze { return k }
      if k < 0 || (us < 0.013 && v > us) { continue }
      if log(v * inverseAlpha / (a / (us * us) + b)) <= poissonLogProbability(k, mean) {
        return k
      }
    }
  }
}

/// ln(meanᵏ e⁻ᵐᵉᵃⁿ / k!), for whole k >= 0.
///
/// From k = 10 on `k! = √(2πk) (k/e)ᵏ exp(1/12k - 1/360k³ + 1/1260k⁵ - 1/1680k⁷ + ...)`, whose next
/// term is below 9e-13; k ln(mean/k) + k - mean keeps its digits where k and mean are large and near.
func poissonLogProbability(_ k: Double, _ mean: Double) -> Double {
  if k < 10 {
    var factorial = 1.0
    var factor = 2.0
    while factor <= k {
      factorial *= factor
      factor += 1
    }
    return k * log(mean) - mean - log(factorial)
  }
  let square = 1 / (k * k)
  let series =
    (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680)))) / k
  let excess = mean - k
  let ratio = excess / k
  let logarithm = abs(ratio) < 0.5 ? log1p(ratio) : log(mean / k)
  return k * logarithm - excess - 0.5 * log(2 * Double.pi * k) - series
}
