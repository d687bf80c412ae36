// Turns the normal of walls until they line up over the whole frame, which noise lets gradients tell only roughly.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// A normal that lines walls up.
struct AlignedNormal: Sendable, Equatable {
  /// From +x towards +y, rad.
  var azimuth: Double
  /// One standard deviation by leaving out parts of the frame, rad; nil where it cannot be formed.
  var error: Double?
}

/// The azimuth at which straight walls hold together over their whole length.
///
/// Seen along an azimuth that is off by δ, a map f(u) of walls is f(u + t δ) at the place t along them: the
/// values of one u have a slope f′(u) δ along t. Least squares over all u gives δ, with f′ from the mean
/// profile itself, smoothed by a Gaussian; repeated until nothing changes. Mean and slope of independent
/// values are independent, so that noise in f′ does not pull δ. Gradients see noise at every place, whereas
/// slopes see it once along all of a wall: the error falls with the length to the power of 3/2, not of 1/2.
/// The steps climb Σ n f², the power of the profile, so that they end where it is largest nearby.
///
/// A background of second degree adds slopes 1 and u, which f′ is fitted beside.
struct WallAlignment: Sendable {
  private let cells: WallGradientLevel
  /// Of the profile, m; the Gaussian is two of them wide.
  private let spacing: Double
  /// From the center to the farthest corner, m.
  private let reach: Double

  private static let sigma = 2.0
  private static let stepLimit = 30

  /// - Parameter cells: The map; walls are at least about as wide as four of them.
  init(_ cells: WallGradientLevel) {
    self.cells = cells
    spacing = min(cells.pixel.x, cells.pixel.y)
    reach = hypot(
      Double(cells.shape.columns - 1) / 2 * cells.pixel.x,
      Double(cells.shape.rows - 1) / 2 * cells.pixel.y)
  }

  /// - Parameters:
  ///   - start: Where to begin, rad, from +x towards +y.
  ///   - limit: How far the result may lie from there, rad.
  /// - Returns: nil where the steps do not end within the limit.
  func aligned(from start: Double, limit: Double) -> AlignedNormal? {
    var azimuth = start
    for _ in 0..<Self.stepLimit {
      let parts = parts(at: azimuth)
      guard let turn = Turn(parts, spacing: spacing, sigma: Self.sigma) else { return nil }
      // The ends move by two widths of the Gaussian at most: farther away f′ is another one.
      let longest = 2 * Self.sigma * spacing / reach
      azimuth += min(max(turn.angle, -longest), longest)
      guard abs(azimuth - start) <= limit else { return nil }
      if abs(turn.angle) * reach < 0.01 * spacing {
        return AlignedNormal(azimuth: azimuth, error: turn.error)
      }
    }
    return nil
  }

  /// Sums over the parts of a 3 × 3 division of the frame.
  private func parts(at azimuth: Double) -> [[SlopeSums]] {
    let (c, s) = (cos(azimuth), sin(azimuth))
    let (rows, columns) = (cells.shape.rows, cells.shape.columns)
    let (centerX, centerY) = (Double(columns - 1) / 2, Double(rows - 1) / 2)
    let count = 2 * Int((reach / spacing).rounded(.up)) + 2
    return concurrentMap(9) { part in
      var sums = [SlopeSums](repeating: SlopeSums(), count: count)
      let (down, right) = (part / 3, part % 3)
      for row in rows * down / 3..<rows * (down + 1) / 3 {
        let y = (Double(row) - centerY) * cells.pixel.y
        for column in columns * right / 3..<columns * (right + 1) / 3 {
          let index = row * columns + column
          guard cells.mask.isUsable(index) else { continue }
          let x = (Double(column) - centerX) * cells.pixel.x
          // Shared between two distances, so that the sums change steadily with the azimuth.
          let distance = (x * c + y * s + reach) / spacing
          let bin = min(max(Int(distance), 0), count - 2)
          let upper = min(max(distance - Double(bin), 0), 1)
          let (t, v) = (y * c - x * s, SIMD2(cells.x[index], cells.y[index]))
          sums[bin].add(along: t, v, weight: 1 - upper)
          sums[bin + 1].add(along: t, v, weight: upper)
        }
      }
      return sums
    }
  }
}

/// Weighted sums over the places at one distance across walls.
private struct SlopeSums: Sendable {
  var count = 0.0
  var along = 0.0
  var alongSquared = 0.0
  /// Of both components, and of their products with the place along the walls.
  var value = SIMD2(0.0, 0)
  var product = SIMD2(0.0, 0)

  @inline(__always)
  mutating func add(along t: Double, _ v: SIMD2<Double>, weight: Double) {
    let first = weight * t
    count += weight
    along += first
    alongSquared += first * t
    value += weight * v
    product += first * v
  }

  static func += (a: inout Self, b: Self) {
    a.count += b.count
    a.along += b.along
    a.alongSquared += b.alongSquared
    a.value += b.value
    a.product += b.product
  }

  /// Σ (t - mean)², and Σ (t - mean)(v - level), about a mean and a level of more than these places.
  func moments(
    about mean: Double, level: SIMD2<Double>
  ) -> (square: Double, product: SIMD2<Double>) {
    let first = along - count * mean
    return (
      alongSquared - 2 * mean * along + count * mean * mean,
      product - mean * value - first * level
    )
  }
}

/// By how much a profile wants to be turned.
private struct Turn {
  /// Rad.
  let angle: Double
  let error: Double?

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
    // Jackknife over the parts that hold anything.
    let others = shares.filter { $0.weight > 0 && $0.weight < weight }.map {
      (overlap - $0.overlap) / (weight - $0.weight) - overlap / weight
    }
    let count = Double(others.count)
    let mean = others.reduce(0, +) / max(1, count)
    let spread = others.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let jackknife = count > 1 ? (spread * (count - 1) / count).squareRoot() : 0
    error = jackknife > 0 ? jackknife : nil
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
    return values.indices.map { k in
      (max(0, k - reach)...min(values.count - 1, k + reach)).reduce(into: SIMD2(0.0, 0)) {
        $0 += bell[$1 - k + reach] * values[$1]
      }
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
