// The pixels of one distance across walls, as the sums that a profile is formed from.

/// Pixels of nearly one distance along the normal.
struct ProfileBin: Sendable {
  var count = 0
  /// Distance and value of the bin's first pixel, about which the sums are taken.
  var first = 0.0
  var reference = 0.0
  var isSingleDistance = true
  /// Side by side, for wide additions: of offsets, values and their squares.
  private var sums = SIMD4<Double>.zero
  /// Of products, variances, and distances along the wall from the scan's center with their squares.
  private var others = SIMD4<Double>.zero
  /// Of distances along the wall times values.
  private var alongValueSum = 0.0

  mutating func add(
    distance: Double, along: Double, value raw: Double, variance: Double, tolerance: Double
  ) {
    if count == 0 { (first, reference) = (distance, raw) }
    let (offset, value) = (distance - first, raw - reference)
    if abs(offset) > tolerance { isSingleDistance = false }
    count += 1
    sums += SIMD4(offset, value, offset * offset, value * value)
    others += SIMD4(value * offset, variance, along, along * along)
    alongValueSum += along * value
  }

  /// Adds the pixels of another bin, whose sums are about its own first pixel.
  mutating func add(_ other: ProfileBin, tolerance: Double) {
    if other.count == 0 { return }
    if count == 0 {
      self = other
      return
    }
    let (u, z, n) = (other.first - first, other.reference - reference, Double(other.count))
    if !other.isSingleDistance || abs(u) > tolerance { isSingleDistance = false }
    count += other.count
    sums += SIMD4(
      other.offsetSum + n * u, other.valueSum + n * z,
      other.offsetSquares + 2 * u * other.offsetSum + n * u * u,
      other.valueSquares + 2 * z * other.valueSum + n * z * z)
    others += SIMD4(
      other.crossSum + u * other.valueSum + z * other.offsetSum + n * u * z,
      other.varianceSum, other.alongSum, other.alongSquares)
    alongValueSum += other.alongValueSum
    alongValueSum += z * other.alongSum
  }

  private var offsetSum: Double { sums[0] }
  var valueSum: Double { sums[1] }
  private var offsetSquares: Double { sums[2] }
  private var valueSquares: Double { sums[3] }
  private var crossSum: Double { others[0] }
  var varianceSum: Double { others[1] }
  private var alongSum: Double { others[2] }
  private var alongSquares: Double { others[3] }

  var alongMean: Double { alongSum / Double(count) }
  /// Σ (v - v̄)² of the distances v along the wall.
  var alongSpread: Double { max(0, alongSquares - alongSum * alongMean) }
  /// Σ (v - v̄)(z - z̄).
  var alongCovariance: Double { alongValueSum - alongMean * valueSum }

  var offsetMean: Double { isSingleDistance ? 0 : offsetSum / Double(count) }
  var distance: Double { first + offsetMean }
  var value = 0.0
  /// The mean square distance of the pixels from the bin's own.
  var spread: Double {
    isSingleDistance ? 0 : max(0, offsetSquares / Double(count) - offsetMean * offsetMean)
  }
  /// Σ (z - mean - slope (u - ū))²: the scatter along the wall.
  func scatter(slope: Double) -> Double {
    let n = Double(count)
    // Sums are taken about a reference near the mean, so that little cancels.
    let mean = valueSum / n
    let about = max(0, valueSquares - n * mean * mean)
    let cross = crossSum - n * mean * offsetMean
    return isSingleDistance
      ? about : max(0, about - 2 * slope * cross + slope * slope * n * spread)
  }
}
