// The pixels of one distance across walls, as the sums that a profile is formed from.

/// Pixels of nearly one distance along the normal.
struct ProfileBin: Sendable {
  var count = 0
  /// Distance and value of the bin's first pixel, about which the sums are taken.
  var first = 0.0
  var reference = 0.0
  var isSingleDistance = true
  var offsetSum = 0.0
  var offsetSquares = 0.0
  var valueSum = 0.0
  var valueSquares = 0.0
  var crossSum = 0.0
  var varianceSum = 0.0
  /// Of the distances along the wall from the scan's center, their squares and products with the values: side by
  /// side, for one addition.
  private var alongSums = SIMD4<Double>.zero

  mutating func add(
    distance: Double, along: Double, value raw: Double, variance: Double, tolerance: Double
  ) {
    if count == 0 { (first, reference) = (distance, raw) }
    let (offset, value) = (distance - first, raw - reference)
    if abs(offset) > tolerance { isSingleDistance = false }
    count += 1
    offsetSum += offset
    offsetSquares += offset * offset
    valueSum += value
    valueSquares += value * value
    crossSum += value * offset
    varianceSum += variance
    alongSums += along * SIMD4(1, along, value, 0)
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
    offsetSum += other.offsetSum + n * u
    offsetSquares += other.offsetSquares + 2 * u * other.offsetSum + n * u * u
    valueSum += other.valueSum + n * z
    valueSquares += other.valueSquares + 2 * z * other.valueSum + n * z * z
    crossSum += other.crossSum + u * other.valueSum + z * other.offsetSum + n * u * z
    varianceSum += other.varianceSum
    alongSums += other.alongSums
    alongSums[2] += z * other.alongSums[0]
  }

  var alongMean: Double { alongSums[0] / Double(count) }
  /// Σ (v - v̄)² of the distances v along the wall.
  var alongSpread: Double { max(0, alongSums[1] - alongSums[0] * alongMean) }
  /// Σ (v - v̄)(z - z̄).
  var alongCovariance: Double { alongSums[2] - alongMean * valueSum }

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
