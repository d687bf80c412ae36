// When a signal is a spike, so far as counting noise is asked.

/// When a signal is an outlier of its neighborhood.
///
/// With deviation d(m) ≥ √(m + 9) the bound m + T d(m) rises with m, and the bound m - T d(m) is convex for
/// m ≥ -9 electrons, so over all m up to the largest neighbor it is at most its value there or -9. A signal
/// within the bounds of a number below all neighbors and of one above all is therefore within those of the
/// median, and the median need not be formed.
struct SpikeRule {
  let threshold: Double
  /// As stated, or as the signal's own noise tells it; nil where it has none.
  let electronsPerUnit: Double?

  /// Counting noise of a signal of this size, in units of the signal.
  func countingDeviation(_ median: Double) -> Double {
    guard let scale = electronsPerUnit else { return 1e-6 * abs(median) }
    return (max(median * scale, 0) + 9).squareRoot() / scale
  }

  func upper(_ smallest: Double) -> Double {
    smallest + threshold * countingDeviation(smallest)
  }
  func lower(_ largest: Double) -> Double {
    let bound = largest - threshold * countingDeviation(largest)
    return electronsPerUnit.map { max(bound, -9 / $0) } ?? bound
  }

  /// Limits for raw signals; nil where single precision cannot tell.
  func limits(dark: Double, gain: Double) -> TileLimits? {
    guard let electronsPerUnit else { return nil }
    let scale = Float(electronsPerUnit / gain)
    let offset = Float(dark * electronsPerUnit / gain)
    let square = Float(threshold * threshold) * (1 - 1e-4)
    guard scale > 1e-30, scale < 1e30, abs(offset) < 1e15, square > 1e-3, square < 1e10 else {
      return nil
    }
    return TileLimits(scale: scale, dark: offset, squaredThreshold: square)
  }
}
