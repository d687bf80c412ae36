// Where another wall would explain most of what a fit leaves: matched filtering with walls of every width.

internal import STEMCore
internal import WorkSharing

extension WallSearch {
  /// For each limit on the width the trial wall that lowers χ² most; nil where none is significant and high enough.
  func strongestCandidates(
    beside fit: WallModelFit, widthLimits: [Double], holdsBaseline: Bool
  ) -> [WallParameters?] {
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let residual = zip(samples.value, curve).map { $0 - $1 }
    let totals = totals(of: residual)
    let range = model.sechWidthRange
    let widths = Array(
      sequence(first: 2 * range.lowest) { $0 * 1.3 }.prefix { $0 < range.highest })
    @Sendable func candidate(_ w: Double) -> Match? {
      bestMatch(w, beside: fit, residual, totals, holdsBaseline: holdsBaseline)
    }
    let narrow = widthLimits.map { limit in
      widths.prefix { model.geometry.projectedWidth(sechWidth: $0) <= limit }.count
    }
    let tried = concurrentMap(narrow.max() ?? 0) { candidate(widths[$0]) }
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return narrow.map { count in
      var best: Match?
      for case .some(let found) in tried.prefix(count) where found.gain > (best?.gain ?? 0) {
        best = found
      }
      // Wider ones only where none of these shows anything.
      for index in count..<max(count, widths.count) where best == nil {
        best = index < tried.count ? tried[index] : candidate(widths[index])
      }
      guard let best, best.gain > requiredGain(best.wall) else { return nil }
      return imageHeight(best.wall) > fraction * highest ? best.wall : nil
    }
  }

  /// A trial wall, and by how much it lowers χ².
  private typealias Match = (gain: Double, wall: WallParameters)

  /// The place at which a wall of one width lowers χ² most; nil where it does nowhere.
  private func bestMatch(
    _ w: Double, beside fit: WallModelFit, _ residual: [Double], _ totals: (w: Double, r: Double),
    holdsBaseline: Bool
  ) -> Match? {
    var best: Match?
    let shape = TrialShape(model.geometry, sechWidth: w)
    let step = max(samples.spacing / 2, model.geometry.projectedWidth(sechWidth: w) / 8)
    for k in 0...max(0, Int(samples.span / step)) {
      let position = samples.distance[0] + Double(k) * step
      if fit.walls.contains(where: { isShadowed(position, by: $0) }) { continue }
      let match = match(
        at: position, reach: shape.reach, residual: residual, totals: totals,
        holdsBaseline: holdsBaseline, shape.height(at:))
      if match.gain > (best?.gain ?? 0) {
        best = (
          match.gain, WallParameters(amplitude: match.amplitude, sechWidth: w, position: position)
        )
      }
    }
    return best
  }

  /// Within the core of a wall the residual shows that wall's misfit, not another wall.
  private func isShadowed(_ position: Double, by wall: WallParameters) -> Bool {
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return abs(position - wall.position) < 0.7 * width
  }

  /// Sums over all samples that every trial wall shares.
  func totals(of residual: [Double]) -> (w: Double, r: Double) {
    var total = (w: 0.0, r: 0.0)
    for i in 0..<samples.count {
      let weight = samples.weight[i] * samples.weight[i]
      total.w += weight
      total.r += weight * residual[i]
    }
    return total
  }

  /// The amplitude of a unit wall in the residual, beside a free offset or none, and the gain in χ².
  ///
  /// - Parameters:
  ///   - position: Of the wall, m.
  ///   - reach: Beyond this distance the wall is left out.
  ///   - height: Of the unit wall at a distance.
  @inline(__always)
  func match(
    at position: Double, reach: Double, residual: [Double], totals total: (w: Double, r: Double),
    holdsBaseline: Bool = false, _ height: (_ distance: Double) -> Double
  ) -> (amplitude: Double, gain: Double, information: Double) {
    var sums = (t: 0.0, tt: 0.0, tr: 0.0)
    var i = samples.firstIndex(from: position - reach)
    while i < samples.count, samples.distance[i] <= position + reach {
      let weight = samples.weight[i] * samples.weight[i]
      let t = height(samples.distance[i] - position)
      sums.t += weight * t
      sums.tt += weight * t * t
      sums.tr += weight * t * residual[i]
      i += 1
    }
    if holdsBaseline {
      return sums.tt > 0 ? (sums.tr / sums.tt, sums.tr * sums.tr / sums.tt, sums.tt) : (0, 0, 0)
    }
    let information = sums.tt - sums.t * sums.t / total.w
    let overlap = sums.tr - sums.t * total.r / total.w
    guard information > 1e-6 * sums.tt else { return (0, 0, 0) }
    return (overlap / information, overlap * overlap / information, information)
  }
}
