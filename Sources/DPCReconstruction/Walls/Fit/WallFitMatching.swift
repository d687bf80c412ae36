// Where another wall would explain most of what a fit leaves: matched filtering with walls of every width.

internal import STEMCore
internal import WorkSharing

/// The trials of one search, which go on with every fit.
struct WallTrialSet {
  private var trials: [WallTrials]
  private var residual: WallResidual?

  init(_ model: WallModel) {
    let range = model.sechWidthRange
    trials = sequence(first: 2 * range.lowest) { $0 * 1.3 }.prefix { $0 < range.highest }.map {
      WallTrials(model, sechWidth: $0)
    }
  }
}

extension WallTrialSet {
  /// For each limit on the width the trial wall that lowers χ² most; nil where none is significant and high enough.
  mutating func strongestCandidates(
    in search: WallSearch, beside fit: WallModelFit, widthLimits: [Double], holdsBaseline: Bool
  ) -> [WallParameters?] {
    let (model, samples) = (search.model, search.samples)
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let left = WallResidual(
      zip(samples.value, curve).map { $0 - $1 }, samples, after: residual)
    residual = left
    let cores = WallCores(fit.walls, model.geometry)
    let narrow = widthLimits.map { limit in
      trials.prefix { model.geometry.projectedWidth(sechWidth: $0.sechWidth) <= limit }.count
    }
    let most = narrow.max() ?? 0
    let before = trials
    var tried = concurrentMap(trials.count) { index in
      var trials = before[index]
      trials.allow(for: left, samples)
      let best =
        index < most
        ? trials.best(left, outside: cores, samples, holdsBaseline: holdsBaseline) : nil
      return (trials: trials, best: best)
    }
    let highest = fit.walls.map(search.imageHeight).max() ?? 0
    let candidates = narrow.map { count -> WallParameters? in
      var best: (gain: Double, wall: WallParameters)?
      for case .some(let found) in tried.prefix(count).map(\.best)
      where found.gain > (best?.gain ?? 0) {
        best = found
      }
      // Wider ones only where none of these shows anything.
      for index in count..<max(count, tried.count) where best == nil {
        if index >= most {
          tried[index].best = tried[index].trials.best(
            left, outside: cores, samples, holdsBaseline: holdsBaseline)
        }
        best = tried[index].best
      }
      guard let best, best.gain > search.requiredGain(best.wall) else { return nil }
      return search.imageHeight(best.wall) > search.fraction * highest ? best.wall : nil
    }
    trials = tried.map(\.trials)
    return candidates
  }
}

/// A unit wall held against a residual, beside a free offset or none.
struct WallMatch {
  /// Of the wall that lowers χ² most.
  let amplitude: Double
  /// By how much it lowers χ².
  let gain: Double
  /// One over the variance of the amplitude; 0 where the offset explains all of the wall.
  let information: Double
  /// Σ w t and Σ w t², t being the unit wall.
  let area: Double
  let power: Double

  /// - Parameters:
  ///   - shape: Of the unit wall.
  ///   - position: Of the wall, m.
  ///   - reach: Beyond this distance the wall is left out.
  ///   - samples: Of the profile.
  ///   - precision: w = 1/σ² of each sample.
  ///   - weighted: w r at each sample.
  ///   - total: Σ w and Σ w r over all samples.
  ///   - holdsBaseline: Whether there is no offset.
  init(
    _ shape: ProjectedWall, at position: Double, reach: Double, _ samples: ProfileSamples,
    precision: [Double], weighted: [Double], totals total: (w: Double, r: Double),
    holdsBaseline: Bool = false
  ) {
    precondition(precision.count == samples.count && weighted.count == samples.count)
    let first = samples.firstIndex(from: position - reach)
    let end = max(first, samples.firstIndex { $0 > position + reach })
    let sums = shape.match(
      at: position, samples.distance, precision: precision, weighted: weighted, in: first..<end)
    (area, power) = (sums.t, sums.tt)
    let free = sums.tt - sums.t * sums.t / total.w
    let isSeen = holdsBaseline ? sums.tt > 0 : free > 1e-6 * sums.tt
    guard isSeen else {
      (amplitude, gain, information) = (0, 0, 0)
      return
    }
    information = holdsBaseline ? sums.tt : free
    let overlap = sums.tr - (holdsBaseline ? 0 : sums.t * total.r / total.w)
    amplitude = overlap / information
    gain = overlap * overlap / information
  }
}
