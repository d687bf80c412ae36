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
/// holds the baseline at the median until all walls are found. It wins with more walls and less
/// misfit where the others' offset lies far from that median.
struct WallSearch {
  let model: WallModel
  let options: WallFitOptions

  var samples: ProfileSamples { model.samples }
  var fraction: Double {
    samples.hasErrors ? options.minimumFraction : options.minimumFractionWithoutErrors
  }

  func run() -> WallFit {
    // Guesses are independent of each other; which of two wins depends on their order alone.
    let limits = [3.0, 8, 20].map { samples.span / $0 }
    let scales = [1.0, 2, 4]
    let guesses = concurrentMap(limits.count + scales.count + 1) { guess -> WallModelFit? in
      if guess < limits.count { return settled(search(widthLimit: limits[guess])) }
      if guess == limits.count + scales.count {
        return settled(search(widthLimit: limits[0], holdsBaseline: true))
      }
      let walls = extrema(smoothing: scales[guess - limits.count])
      if walls.isEmpty || walls.count > options.maximumWalls { return nil }
      return settled(model.fit(from: walls, baseline: levelBaseline))
    }
    let free = guesses.dropLast().compactMap { $0 }
    var best = improved(free.dropFirst().reduce(free[0], better))
    if let held = guesses[guesses.count - 1], isPreferred(held, to: best) { best = held }
    return report(best)
  }

  /// The fit with the lower criterion; the first one where rounding decides.
  func better(_ a: WallModelFit, _ b: WallModelFit) -> WallModelFit {
    criterion(b) < criterion(a) - 1e-6 * abs(criterion(a)) ? b : a
  }

  private func isPreferred(_ held: WallModelFit, to free: WallModelFit) -> Bool {
    let level = levelBaseline[0]
    let highest = held.walls.map(imageHeight).max() ?? 0
    let distance = abs(free.baseline[0] - level)
    return held.walls.count > free.walls.count && held.chiSquare < free.chiSquare
      && distance > 0.2 * highest && abs(held.baseline[0] - level) < distance / 2
  }

  private var levelBaseline: [Double] {
    var baseline = [Double](repeating: 0, count: model.baselineCount)
    baseline[0] = ProfileSamples.median(samples.value) ?? 0
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

  /// Two walls nearer than half a width are one wall whose shape noise has split.
  private func isShadow(_ index: Int, in fit: WallModelFit) -> Bool {
    let wall = fit.walls[index]
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return fit.walls.contains { other in
      let otherWidth = model.geometry.projectedWidth(sechWidth: other.sechWidth)
      return other != wall && abs(other.position - wall.position) < min(width, otherWidth) / 2
        && imageHeight(other) >= imageHeight(wall)
    }
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

  private func search(widthLimit: Double, holdsBaseline: Bool = false) -> WallModelFit {
    let held = holdsBaseline ? 0..<model.baselineCount : 0..<0
    var fit = model.fit(from: [], baseline: levelBaseline, held: held)
    while fit.walls.count < options.maximumWalls,
      samples.count > fit.parameterCount + 4,
      let candidate = strongestCandidate(
        beside: fit, widthLimit: widthLimit, holdsBaseline: holdsBaseline)
    {
      let next = model.fit(
        from: fit.walls + [candidate], baseline: fit.baseline, held: held)
      if !(next.chiSquare < fit.chiSquare) { break }
      fit = next
    }
    return holdsBaseline ? model.fit(from: fit.walls, baseline: fit.baseline) : fit
  }

  /// χ², or n ln χ² where the errors are unknown, plus per wall the gain that a detection needs at
  /// any of the samples. (The three parameters of a wall alone, as in the Bayesian information
  /// criterion, would admit one split in a thousand walls by noise.)
  private func criterion(_ fit: WallModelFit) -> Double {
    criterion(fit.chiSquare, walls: fit.walls.count)
  }

  func criterion(_ chiSquare: Double, walls: Int) -> Double {
    let n = Double(samples.count)
    let misfit = samples.hasErrors ? chiSquare : n * log(max(chiSquare, 1e-6))
    return misfit + Double(walls) * penalty
  }

  var penalty: Double {
    options.detectionThreshold * options.detectionThreshold + log(Double(samples.count))
  }

  /// The trial wall that lowers χ² most; nil where none is significant and high enough.
  private func strongestCandidate(
    beside fit: WallModelFit, widthLimit: Double, holdsBaseline: Bool
  ) -> WallParameters? {
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let residual = zip(samples.value, curve).map { $0 - $1 }
    let totals = totals(of: residual)
    let range = model.sechWidthRange
    let widths = Array(
      sequence(first: 2 * range.lowest) { $0 * 1.3 }.prefix { $0 < range.highest })
    func isNarrow(_ w: Double) -> Bool {
      model.geometry.projectedWidth(sechWidth: w) <= widthLimit
    }
    @Sendable func candidate(_ w: Double) -> (gain: Double, wall: WallParameters)? {
      bestMatch(w, beside: fit, residual, totals, holdsBaseline: holdsBaseline)
    }
    let narrow = widths.prefix(while: isNarrow)
    var best: (gain: Double, wall: WallParameters)?
    for found in concurrentMap(narrow.count, { candidate(narrow[$0]) }) {
      if let found, found.gain > (best?.gain ?? 0) { best = found }
    }
    // Wider ones only where none of these shows anything.
    for w in widths.dropFirst(narrow.count) where best == nil { best = candidate(w) }
    guard let best, best.gain > requiredGain(best.wall) else { return nil }
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return imageHeight(best.wall) > fraction * highest ? best.wall : nil
  }

  /// The place at which a wall of one width lowers χ² most; nil where it does nowhere.
  private func bestMatch(
    _ w: Double, beside fit: WallModelFit, _ residual: [Double], _ totals: (w: Double, r: Double),
    holdsBaseline: Bool
  ) -> (gain: Double, wall: WallParameters)? {
    var best: (gain: Double, wall: WallParameters)?
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

  private func imageHeight(_ wall: WallParameters) -> Double {
    abs(wall.amplitude) * model.geometry.projectedHeight(sechWidth: wall.sechWidth)
  }

  /// Within the core of a wall the residual shows that wall's misfit, not another wall.
  private func isShadowed(_ position: Double, by wall: WallParameters) -> Bool {
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return abs(position - wall.position) < 0.7 * width
  }

  /// Sums over all samples that every trial wall shares.
  private func totals(of residual: [Double]) -> (w: Double, r: Double) {
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
  private func match(
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

  /// |E0| over its standard deviation at fixed shape, with the errors widened by the misfit.
  func significance(_ wall: WallParameters, in fit: WallModelFit) -> Double {
    let zero = [Double](repeating: 0, count: samples.count)
    let shape = ProjectedWall(geometry: model.geometry, sechWidth: wall.sechWidth)
    // Beyond, the wall is below 1e-9 of its height.
    let reach = TrialShape.reach(model.geometry, sechWidth: wall.sechWidth, widths: 12)
    let information = match(
      at: wall.position, reach: reach, residual: zero, totals: totals(of: zero),
      shape.unitHeight(at:)
    ).information
    return abs(wall.amplitude) * (information / errorScale(fit)).squareRoot()
  }

  /// The threshold on the gain in χ²: that of one trial, raised by the number of places where a
  /// wall of this width could have been found.
  func requiredGain(_ wall: WallParameters) -> Double {
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    let places = max(1, samples.span / width)
    return options.detectionThreshold * options.detectionThreshold + 2 * log(places)
  }

  private func isSignificant(_ index: Int, in fit: WallModelFit) -> Bool {
    let wall = fit.walls[index]
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return significance(wall, in: fit) >= requiredGain(wall).squareRoot()
      && imageHeight(wall) >= fraction * highest
  }

  /// By what the variances of the samples are multiplied: see ``fitWalls(profile:geometry:options:)``.
  func errorScale(_ fit: WallModelFit) -> Double {
    let freedom = Double(max(1, samples.count - fit.parameterCount))
    if samples.hasErrors { return max(1, fit.chiSquare / freedom) }
    let largest = samples.value.reduce(0.0) { max($0, abs($1)) }
    let rounding = 4 * Double.ulpOfOne * largest / samples.assumedError
    return max(fit.chiSquare / freedom, rounding * rounding)
  }
}
