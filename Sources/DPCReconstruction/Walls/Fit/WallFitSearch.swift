// Which walls a profile holds: matched filtering on the residual, one wall after the other.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// Finds the set of walls that explains a profile best.
///
/// Several first guesses compete: the extrema of the smoothed profile, and matched filtering,
/// one wall after the other, with three limits on the width, because a wide trial wall can
/// swallow several narrow ones. They compete by χ² plus a penalty for every wall; the best one is
/// then improved by removing or splitting walls as long as this criterion falls.
///
/// A free offset can in turn swallow one wall of a pair that fills the frame; hence a last search
/// holds the baseline at the median until all walls are found. It competes as the others do, and where
/// the best fit's offset lies far from that median, any of them that has more walls needs less gain.
struct WallSearch {
  let model: WallModel
  let options: WallFitOptions

  var samples: ProfileSamples { model.samples }
  var fraction: Double {
    samples.hasErrors ? options.minimumFraction : options.minimumFractionWithoutErrors
  }

  func run() -> WallFit { report(best()) }

  /// The set of walls with the lowest criterion.
  func best() -> WallModelFit {
    // Guesses are independent of each other; which of two wins depends on their order alone.
    let limits = [3.0, 8, 20].map { samples.span / $0 }
    let scales = [1.0, 2, 4]
    let guesses = concurrentMap(scales.count + 2) { guess -> [WallModelFit] in
      if guess == 0 { return searches(widthLimits: limits).map(settled) }
      if guess > scales.count {
        return searches(widthLimits: [limits[0]], holdsBaseline: true).map(settled)
      }
      let walls = extrema(smoothing: scales[guess - 1])
      if walls.isEmpty || walls.count > options.largestCount { return [] }
      let fit = model.fit(from: walls, baseline: levelBaseline)
      let split = fit.walls.flatMap { wall in
        let pair = options.splitsWalls ? boxes(wall) : []
        return pair.isEmpty ? [wall] : pair
      }
      if split.count == walls.count || split.count > options.largestCount {
        return [settled(fit)]
      }
      return [settled(fit), settled(model.fit(from: split, baseline: fit.baseline))]
    }
    let fits = guesses.flatMap { $0 }
    let free = improved(fits.dropFirst().reduce(fits[0], better))
    let preferred = fits.filter { isPreferred($0, to: free) }
    return preferred.isEmpty ? free : preferred.dropFirst().reduce(preferred[0], better)
  }

  /// Whether the offset of a fit is far from the median, and that of another one nearer to it or to zero, the field's
  /// own where the descan has been removed.
  private func isLeveler(_ rival: WallModelFit, than free: WallModelFit) -> Bool {
    let distance = abs(free.baseline[0] - levelBaseline[0])
    return distance > 0.2 * (rival.walls.map(imageHeight).max() ?? 0)
      && (isNearLevel(rival, beside: free)
        || abs(rival.baseline[0]) < abs(free.baseline[0]) / 2)
  }

  private func isNearLevel(_ rival: WallModelFit, beside free: WallModelFit) -> Bool {
    let level = levelBaseline[0]
    return abs(rival.baseline[0] - level) < abs(free.baseline[0] - level) / 2
  }

  /// Whether more walls are there rather than an offset in their place.
  ///
  /// An offset far from the median is a claim as a wall is, so that walls need not show against noise once more.
  /// But where one wide wall fills the frame the median is its flank, and beside it two walls at the rims, which
  /// are little else than an offset themselves, explain the profile about as well. Of two fits alike the one is
  /// taken whose offset is nearer to zero and to the median. Against it, walls more that the rim cuts need the gain
  /// that the Bayesian information criterion asks for three parameters each, and so do all that are more where
  /// only zero is nearer.
  private func isPreferred(_ rival: WallModelFit, to free: WallModelFit) -> Bool {
    let more = rival.walls.count - free.walls.count
    guard more > 0, isLeveler(rival, than: free) else { return false }
    let gain = misfit(free.chiSquare) - misfit(rival.chiSquare)
    var charged = more
    if isNearLevel(rival, beside: free) {
      if abs(rival.baseline[0]) <= abs(free.baseline[0]) { return gain > 0 }
      charged = min(more, rival.walls.count(where: isCutByRim))
    }
    return gain > 3 * log(Double(samples.count)) * Double(charged)
  }

  private var levelBaseline: [Double] {
    var baseline = [Double](repeating: 0, count: model.baselineCount)
    baseline[0] = median(samples.value) ?? 0
    return baseline
  }

  /// Refines a fit and drops what turns out insignificant or to be the shadow of another wall;
  /// the others, and the offset, are sharper without.
  func settled(_ fit: WallModelFit) -> WallModelFit {
    var fit = refined(fit)
    while let shadow = fit.walls.indices.first(where: { isShadow($0, in: fit) }) {
      var walls = fit.walls
      walls.remove(at: shadow)
      fit = model.fit(from: walls, baseline: fit.baseline)
    }
    let kept = fit.walls.indices.filter { isSignificant($0, in: fit) }
    if kept.count == fit.walls.count { return fit }
    return model.fit(from: kept.map { fit.walls[$0] }, baseline: fit.baseline)
  }

  /// Two walls nearer than half a width are one wall whose shape noise has split, and nearer than a whole width where
  /// the model has not the shape of a wall: the flat top of an inclined one looks like two. Of opposite signs they
  /// imitate a step; only as wide as the walls themselves are, for the path through them leaves four edges.
  private func isShadow(_ index: Int, in fit: WallModelFit) -> Bool {
    let wall = fit.walls[index]
    return fit.walls.contains { other in
      other != wall && abs(other.position - wall.position) < shadow(of: wall, other)
        && imageHeight(other) >= imageHeight(wall)
    }
  }

  /// How near two walls must be to count as one.
  private func shadow(of wall: WallParameters, _ other: WallParameters) -> Double {
    let isPair = other.amplitude * wall.amplitude < 0
    let widths = [wall.sechWidth, other.sechWidth].map {
      isPair
        ? InclinationGeometry.widthFactor * $0 / model.geometry.cosine
        : model.geometry.projectedWidth(sechWidth: $0)
    }
    return isPair || options.splitsWalls
      ? min(widths[0], widths[1]) / 2 : (widths[0] + widths[1]) / 2
  }

  /// The lowest χ² from three starting widths.
  private func refined(_ fit: WallModelFit) -> WallModelFit {
    var best = fit
    if fit.walls.isEmpty { return best }
    for factor in [0.5, 2.0] {
      let start = fit.walls.map { wall -> WallParameters in
        var changed = wall
        // The product E0 w keeps the projected area.
        changed.sechWidth *= factor
        changed.amplitude /= factor
        return changed
      }
      let other = model.fit(from: start, baseline: fit.baseline)
      if other.chiSquare < best.chiSquare * (1 - 1e-9) { best = other }
    }
    // Edges sharper than the samples follow their noise, and no step of the fit leads away from there.
    let box = model.geometry.thickness * model.geometry.sine
    for k in best.walls.indices where best.walls[k].sechWidth < box / 8 {
      var start = best.walls
      start[k].amplitude *= start[k].sechWidth / (box / 3)
      start[k].sechWidth = box / 3
      let other = model.fit(from: start, baseline: best.baseline)
      if other.chiSquare < best.chiSquare * (1 - 1e-9) { best = other }
    }
    return best
  }

  /// The searches with several limits on the width: what they find, each different fit once, that of the first
  /// limit first.
  ///
  /// Where walls are narrower than all limits they are one search.
  private func searches(widthLimits limits: [Double], holdsBaseline: Bool = false) -> [WallModelFit]
  {
    let held = holdsBaseline ? 0..<model.baselineCount : 0..<0
    var trials = WallTrialSet(model)
    var found: [(first: Int, fit: WallModelFit)] = []
    var open = [
      (
        members: Array(limits.indices),
        fit: model.fit(from: [], baseline: levelBaseline, held: held)
      )
    ]
    while let (members, fit) = open.popLast() {
      let mayGrow =
        fit.walls.count < options.largestCount && samples.count > fit.parameterCount + 4
        && !model.isInterrupted()
      let candidates =
        mayGrow
        ? trials.strongestCandidates(
          in: self, beside: fit, widthLimits: members.map { limits[$0] },
          holdsBaseline: holdsBaseline)
        : members.map { _ in nil }
      var rest = Array(zip(members, candidates))
      while let (first, candidate) = rest.first {
        let together = rest.filter { $0.1 == candidate }.map(\.0)
        rest.removeAll { $0.1 == candidate }
        let next = candidate.map {
          model.fit(from: fit.walls + [$0], baseline: fit.baseline, held: held)
        }
        if let next, next.chiSquare < fit.chiSquare {
          open.append((together, next))
        } else {
          found.append((first, fit))
        }
      }
    }
    return found.sorted { $0.first < $1.first }.map { _, fit in
      holdsBaseline ? model.fit(from: fit.walls, baseline: fit.baseline) : fit
    }
  }
}
