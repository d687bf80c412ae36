// A plane below the walls of a map, such as descan leaves, told from a step between two levels.
internal import Glibc
internal import STEMCore

/// What a search for walls takes off first.
enum PlanarBackground {
  private static let binCount = 48
  /// What the plane must explain, over the variance of one pixel: five standard deviations.
  private static let leastGain = 25.0

  /// The plane of a map with errors, fitted so that walls are left out as what does not lie on it.
  ///
  /// A step between two levels has a plane too, and less it a map is full of slopes that look like walls: the plane
  /// counts where the profile along it lies closer to the plane than to any two levels. Distances are added, not their
  /// squares, so that walls, which lie on neither, decide nothing.
  ///
  /// - Returns: nil where there is no plane beyond the noise.
  static func plane(of map: VectorMap) -> DescanSurface? {
    guard let fit = try? fitDescan(to: map, degree: .plane, weights: .robust),
      let variance = meanVariance(of: map), variance > 0
    else { return nil }
    let plane = fit.surface
    let profile = Profile(of: map, along: plane)
    return profile.power > leastGain * variance
      && profile.distanceFromPlane < profile.distanceFromStep ? plane : nil
  }

  /// Sums over bins along the direction in which a plane rises most, of the component that rises.
  private struct Profile {
    private var count = [Double](repeating: 0, count: binCount)
    private var sum = [Double](repeating: 0, count: binCount)
    /// Of the plane, from bin to bin.
    private var slope = 0.0

    init(of map: VectorMap, along plane: DescanSurface) {
      let (a, b) = (plane.perColumn, plane.perRow)
      // The first right and left singular vectors of the plane's derivative.
      let angle =
        atan2(2 * (a.x * b.x + a.y * b.y), a.x * a.x + a.y * a.y - b.x * b.x - b.y * b.y) / 2
      let direction = (u: cos(angle), v: sin(angle))
      let rise = (
        x: a.x * direction.u + b.x * direction.v, y: a.y * direction.u + b.y * direction.v
      )
      let length = hypot(rise.x, rise.y)
      if length == 0 { return }
      let field = (x: rise.x / length, y: rise.y / length)
      let shape = map.shape
      let reach =
        (abs(direction.u) * Double(shape.columns) + abs(direction.v) * Double(shape.rows)) / 2
      slope = length * 2 * reach / Double(binCount)
      for position in 0..<shape.count where map.mask.isUsable(position) {
        let u = Double(position % shape.columns) - Double(shape.columns - 1) / 2
        let v = Double(position / shape.columns) - Double(shape.rows - 1) / 2
        let place = (direction.u * u + direction.v * v) / (2 * reach) + 0.5
        let bin = min(max(Int(place * Double(binCount)), 0), binCount - 1)
        count[bin] += 1
        sum[bin] += field.x * map.field.x[position] + field.y * map.field.y[position]
      }
    }

    /// Σ over the pixels of the square of the plane about its mean. Walls may slope against it.
    var power: Double {
      let total = count.reduce(0, +)
      if total == 0 { return 0 }
      let center = count.indices.reduce(0) { $0 + count[$1] * Double($1) } / total
      return count.indices.reduce(0) { sum, bin in
        let value = slope * (Double(bin) - center)
        return sum + count[bin] * value * value
      }
    }

    /// Σ over the pixels of the distance from the plane's slope, at its best height.
    var distanceFromPlane: Double { distance(of: count.indices) { Double($0) * slope } }

    /// The same for the two levels that come closest.
    var distanceFromStep: Double {
      count.indices.reduce(.infinity) { best, split in
        min(best, distance(of: 0..<split) { _ in 0 } + distance(of: split..<binCount) { _ in 0 })
      }
    }

    private func distance(of bins: Range<Int>, from model: (Int) -> Double) -> Double {
      let rests = bins.filter { count[$0] > 0 }.map { bin in
        (rest: sum[bin] / count[bin] - model(bin), weight: count[bin])
      }.sorted { $0.rest < $1.rest }
      var left = rests.reduce(0) { $0 + $1.weight } / 2
      // The weighted median.
      let middle = rests.first { rest in
        left -= rest.weight
        return left <= 0
      }?.rest
      guard let middle else { return 0 }
      return rests.reduce(0) { $0 + $1.weight * abs($1.rest - middle) }
    }
  }
}
