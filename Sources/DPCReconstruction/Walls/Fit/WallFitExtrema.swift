// First guesses for walls: the significant extrema of a smoothed profile.

internal import Glibc
internal import STEMCore

extension WallSearch {
  /// One wall for every extremum whose height above the median and whose prominence over the
  /// saddles on both sides stand four standard deviations above the smoothed noise.
  ///
  /// - Parameter smoothing: Standard deviation of the Gaussian, samples.
  func extrema(smoothing: Double) -> [WallParameters] {
    let (smooth, sigma) = smoothed(by: smoothing)
    let level = median(samples.value) ?? 0
    let height = smooth.map { $0 - level }
    let floor = max(4 * sigma, fraction * (height.map(abs).max() ?? 0))
    var walls: [WallParameters] = []
    for sign in [1.0, -1] {
      let h = height.map { sign * $0 }
      for k in h.indices where h[k] > floor && isPeak(k, of: h) {
        let left = descent(from: k, step: -1, in: h)
        let right = descent(from: k, step: 1, in: h)
        guard min(left.prominence, right.prominence) > floor / 2 else { continue }
        let halfWidth = min(left.halfWidth, right.halfWidth)
        walls.append(start(at: k, height: sign * h[k], width: 2 * halfWidth))
      }
    }
    return walls
  }

  private func isPeak(_ k: Int, of h: [Double]) -> Bool {
    (k == 0 || h[k] > h[k - 1]) && (k + 1 == h.count || h[k] >= h[k + 1])
  }

  /// How far the profile falls before it rises above this peak again, and where it has fallen
  /// to half of its height.
  private func descent(
    from peak: Int, step: Int, in h: [Double]
  ) -> (prominence: Double, halfWidth: Double) {
    var lowest = h[peak]
    var halfWidth: Double?
    var k = peak + step
    while h.indices.contains(k), h[k] <= h[peak] {
      lowest = min(lowest, h[k])
      let reach = abs(samples.distance[k] - samples.distance[peak])
      if halfWidth == nil, h[k] < h[peak] / 2 { halfWidth = reach }
      k += step
    }
    let reach = abs(samples.distance[k - step] - samples.distance[peak])
    // A peak at the end of the profile is a wall cut by the rim: nothing to fall beyond.
    if k == peak + step { return (.infinity, samples.span / 4) }
    return (h[peak] - lowest, halfWidth ?? reach / 2)
  }

  /// The wall whose projection has the given height and width, or the narrowest plausible one.
  private func start(at index: Int, height: Double, width: Double) -> WallParameters {
    let range = model.sechWidthRange
    var w = 2 * range.lowest
    while w < range.highest / 2, model.geometry.projectedWidth(sechWidth: w * 1.1) < width {
      w *= 1.1
    }
    return WallParameters(
      amplitude: height / model.geometry.projectedHeight(sechWidth: w), sechWidth: w,
      position: samples.distance[index])
  }

  /// The profile under a Gaussian of the given width, and the standard deviation of its noise.
  private func smoothed(by width: Double) -> (values: [Double], sigma: Double) {
    let radius = Int((3 * width).rounded(.up))
    let kernel = (-radius...radius).map { exp(-Double($0 * $0) / (2 * width * width)) }
    let values = samples.value.indices.map { i -> Double in
      var sum = 0.0
      var weight = 0.0
      for k in max(0, i - radius)...min(samples.count - 1, i + radius) {
        let w = kernel[k - i + radius]
        sum += w * samples.value[k]
        weight += w
      }
      return sum / weight
    }
    let total = kernel.reduce(0, +)
    let squares = kernel.reduce(0) { $0 + $1 * $1 }
    let error = 1 / (median(samples.weight) ?? 1)
    return (values, error * squares.squareRoot() / total)
  }
}
