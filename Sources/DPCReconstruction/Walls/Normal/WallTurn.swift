// What the values along walls say of the walls' direction: the turn that the sums at each distance ask for.

internal import STEMCore

/// By how much a profile wants to be turned.
struct WallTurn {
  /// Rad.
  let angle: Double
  /// One standard deviation of the angle from what parts of the frame differ by, rad (jackknife).
  let spread: Double
  /// Σ of squared slopes, each as often as it is seen.
  let weight: Double
  /// What noise of unit variance, of both components together, adds to the weight.
  let slopeNoise: Double
  /// The first distance that counts.
  let first: Int
  /// From that one on: what products with the place along the walls are multiplied by, the middle of the places,
  /// and the mean values.
  private let template: [SIMD2<Double>]
  private let middles: [Double]
  private let levels: [SIMD2<Double>]

  /// - Returns: nil for a profile that is level.
  init?(_ parts: [[SlopeSums]], spacing: Double, sigma: Double) {
    var whole = [SlopeSums](repeating: SlopeSums(), count: parts[0].count)
    for part in parts { for bin in whole.indices { whole[bin] += part[bin] } }
    // As in a profile, distances with few places are left out.
    let most = whole.reduce(0) { max($0, $1.count) }
    let bins = whole.indices.filter { whole[$0].count > 0 && 3 * whole[$0].count >= most }
    guard let first = bins.first, let last = bins.last, last - first >= 4 else { return nil }
    let sums = Array(whole[first...last])
    let bell = GradientKernel(sigma: sigma, spacing: spacing).smooth
    let profile = Self.smoothed(sums, bell)
    let squares = sums.map { sum in
      sum.count > 0 ? sum.moments(about: sum.along / sum.count, level: SIMD2(0, 0)).square : 0
    }
    let slope = Self.slopes(profile, squares, spacing: spacing)
    let template = Self.smoothed(slope, bell)

    let shares = parts.map { part in
      var share = (overlap: 0.0, weight: 0.0)
      for (k, sum) in sums.enumerated() where sum.count > 0 {
        let own = part[first + k].moments(
          about: sum.along / sum.count, level: sum.value / sum.count)
        share.overlap += (template[k] * own.product).sum()
        share.weight += (slope[k] * slope[k]).sum() * own.square
      }
      return share
    }
    let overlap = shares.reduce(0) { $0 + $1.overlap }
    let weight = shares.reduce(0) { $0 + $1.weight }
    guard weight > 0 else { return nil }
    angle = overlap / weight
    self.weight = weight
    self.first = first
    self.template = template
    middles = sums.map { $0.count > 0 ? $0.along / $0.count : 0 }
    levels = sums.map { $0.count > 0 ? $0.value / $0.count : SIMD2(0, 0) }
    let kernel = [0, 0] + bell + [0, 0]
    let steps = (2..<kernel.count).map { (kernel[$0] - kernel[$0 - 2]) / (2 * spacing) }
    let seen = zip(sums, squares).reduce(0) { $0 + ($1.0.count > 0 ? $1.1 / $1.0.count : 0) }
    slopeNoise = seen * steps.reduce(0) { $0 + $1 * $1 }
    // Jackknife over the parts that hold anything.
    let others = shares.filter { $0.weight > 0 && $0.weight < weight }.map {
      (overlap - $0.overlap) / (weight - $0.weight) - overlap / weight
    }
    let count = Double(others.count)
    let mean = others.reduce(0, +) / max(1, count)
    let deviations = others.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    spread = count > 1 ? (deviations * (count - 1) / count).squareRoot() : 0
  }

  /// Of a pixel: how much its value counts for the overlap, and the mean value at its distance.
  ///
  /// - Parameters:
  ///   - distance: From the first one that counts, in steps of the profile.
  ///   - t: Along the walls, m.
  func place(
    _ distance: Double, along t: Double
  ) -> (share: SIMD2<Double>, level: SIMD2<Double>, isInside: Bool) {
    let lower = Int(distance.rounded(.down))
    guard lower >= 0, lower + 1 < template.count else { return (SIMD2(0, 0), SIMD2(0, 0), false) }
    let part = distance - Double(lower)
    return (
      (1 - part) * (t - middles[lower]) * template[lower]
        + part * (t - middles[lower + 1]) * template[lower + 1],
      (1 - part) * levels[lower] + part * levels[lower + 1], true
    )
  }

  /// The mean values of the places within reach of a kernel.
  private static func smoothed(_ sums: [SlopeSums], _ bell: [Double]) -> [SIMD2<Double>] {
    let reach = bell.count / 2
    return sums.indices.map { k in
      var (value, count) = (SIMD2(0.0, 0), 0.0)
      for j in max(0, k - reach)...min(sums.count - 1, k + reach) {
        value += bell[j - k + reach] * sums[j].value
        count += bell[j - k + reach] * sums[j].count
      }
      return count > 0 ? value / count : SIMD2(0, 0)
    }
  }

  private static func smoothed(_ values: [SIMD2<Double>], _ bell: [Double]) -> [SIMD2<Double>] {
    let reach = bell.count / 2
    return values.indices.map { k -> SIMD2<Double> in
      var sum = SIMD2(0.0, 0)
      for j in max(0, k - reach)...min(values.count - 1, k + reach) {
        sum += bell[j - k + reach] * values[j]
      }
      return sum
    }
  }

  /// The derivative of a profile without its best linear function of the distance, which is weighted like its
  /// slopes along the walls.
  private static func slopes(
    _ profile: [SIMD2<Double>], _ weights: [Double], spacing: Double
  ) -> [SIMD2<Double>] {
    var result = profile.indices.map { k in
      k == 0 || k == profile.count - 1
        ? SIMD2(0.0, 0) : (profile[k + 1] - profile[k - 1]) / (2 * spacing)
    }
    let center = Double(result.count - 1) / 2
    let places = result.indices.map { (Double($0) - center) / max(1, center) }
    let design = zip(places, weights).flatMap { [$1.squareRoot(), $0 * $1.squareRoot()] }
    for component in 0..<2 {
      let values = zip(result, weights).map { $0[component] * $1.squareRoot() }
      let (matrix, right) = LeastSquares.normalEquations(design, values, size: 2)
      let line = LeastSquares.solve(matrix, right)
      for k in result.indices { result[k][component] -= line[0] + line[1] * places[k] }
    }
    return result
  }
}
