// Which walls a profile holds: matched filtering on the residual, one wall after the other.

internal import Glibc
internal import STEMCore

/// Adds the most significant wall to the model until none is left, and refits all each time.
///
/// A wide trial wall can swallow several narrow ones, so the search is made with three limits on
/// the trial width, and the outcome with the lowest Bayesian information criterion wins (Schwarz,
/// Ann. Statist. 6, 461 (1978)). A free offset can in turn swallow one wall of a pair that fills
/// the frame; hence a fourth search holds the baseline at the median until all walls are found,
/// and wins if it leaves less misfit with more walls, every one of them significant.
struct WallSearch {
  let model: WallModel
  let options: WallFitOptions

  private var samples: ProfileSamples { model.samples }
  private var fraction: Double {
    samples.hasErrors ? options.minimumFraction : options.minimumFractionWithoutErrors
  }

  func run() -> WallFit {
    var best = search(widthLimit: samples.span / 3)
    for divisor in [8.0, 20.0] {
      let other = search(widthLimit: samples.span / divisor)
      if criterion(other) < criterion(best) - 1e-6 * abs(criterion(best)) { best = other }
    }
    best = settled(best)
    let held = settled(search(widthLimit: samples.span / 3, holdsBaseline: true))
    let isClearlyBetter = criterion(held) < criterion(best) - 1e-6 * abs(criterion(best))
    if isClearlyBetter || (held.walls.count > best.walls.count && held.chiSquare < best.chiSquare) {
      best = held
    }
    return report(best)
  }

  /// Refines a fit and drops what turns out insignificant; the others, and the offset, are
  /// sharper without.
  private func settled(_ fit: WallModelFit) -> WallModelFit {
    let fit = refined(fit)
    let kept = fit.walls.indices.filter { isSignificant($0, in: fit) }
    if kept.count == fit.walls.count { return fit }
    return model.fit(from: kept.map { fit.walls[$0] }, baseline: fit.baseline)
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
    return best
  }

  private func search(widthLimit: Double, holdsBaseline: Bool = false) -> WallModelFit {
    let level = ProfileSamples.median(samples.value) ?? 0
    var baseline = [Double](repeating: 0, count: model.baselineCount)
    baseline[0] = level
    var fit = model.fit(from: [], baseline: baseline, holdsBaseline: holdsBaseline)
    while fit.walls.count < options.maximumWalls,
      samples.count > fit.parameterCount + 4,
      let candidate = strongestCandidate(
        beside: fit, widthLimit: widthLimit, holdsBaseline: holdsBaseline)
    {
      let next = model.fit(
        from: fit.walls + [candidate], baseline: fit.baseline, holdsBaseline: holdsBaseline)
      if !(next.chiSquare < fit.chiSquare) { break }
      fit = next
    }
    return holdsBaseline ? model.fit(from: fit.walls, baseline: fit.baseline) : fit
  }

  private func criterion(_ fit: WallModelFit) -> Double {
    let n = Double(samples.count)
    let misfit = samples.hasErrors ? fit.chiSquare : n * log(max(fit.chiSquare, 1e-6))
    return misfit + Double(fit.parameterCount) * log(n)
  }

  /// The trial wall that lowers χ² most; nil where none is significant and high enough.
  private func strongestCandidate(
    beside fit: WallModelFit, widthLimit: Double, holdsBaseline: Bool
  ) -> WallParameters? {
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let residual = zip(samples.value, curve).map { $0 - $1 }
    let geometry = model.geometry
    let range = model.sechWidthRange
    var best: (gain: Double, wall: WallParameters)?
    var w = 2 * range.lowest
    while w < range.highest {
      let imageWidth = geometry.projectedWidth(sechWidth: w)
      if imageWidth > widthLimit && best != nil { break }
      let step = max(samples.spacing / 2, imageWidth / 8)
      let first = samples.distance[0]
      for k in 0...max(0, Int(samples.span / step)) {
        let position = first + Double(k) * step
        if fit.walls.contains(where: { isShadowed(position, by: $0) }) { continue }
        let trial = WallParameters(amplitude: 1, sechWidth: w, position: position)
        let match = match(trial, residual: residual, holdsBaseline: holdsBaseline)
        if match.gain > (best?.gain ?? 0) {
          let wall = WallParameters(amplitude: match.amplitude, sechWidth: w, position: position)
          best = (match.gain, wall)
        }
      }
      w *= 1.3
    }
    guard let best, best.gain > options.detectionThreshold * options.detectionThreshold
    else { return nil }
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return imageHeight(best.wall) > fraction * highest ? best.wall : nil
  }

  private func imageHeight(_ wall: WallParameters) -> Double {
    abs(wall.amplitude) * model.geometry.projectedHeight(sechWidth: wall.sechWidth)
  }

  /// Within the core of a wall the residual shows that wall's misfit, not another wall.
  private func isShadowed(_ position: Double, by wall: WallParameters) -> Bool {
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return abs(position - wall.position) < 0.7 * width
  }

  /// The amplitude of a unit wall in the residual, beside a free offset or none, and the gain in χ².
  private func match(
    _ trial: WallParameters, residual: [Double], holdsBaseline: Bool = false
  ) -> (amplitude: Double, gain: Double, information: Double) {
    let geometry = model.geometry
    var total = (w: 0.0, r: 0.0)
    var sums = (t: 0.0, tt: 0.0, tr: 0.0)
    // Beyond, the trial is below 1e-9 of its height.
    let reach =
      (geometry.thickness * geometry.sine / 2 + 12 * trial.sechWidth) / geometry.cosine
    for i in 0..<samples.count {
      let weight = samples.weight[i] * samples.weight[i]
      total.w += weight
      total.r += weight * residual[i]
      let x = samples.distance[i] - trial.position
      if abs(x) > reach { continue }
      let t = geometry.meanField(
        at: x, amplitude: 1, sechWidth: trial.sechWidth, position: 0
      ).value
      sums.t += weight * t
      sums.tt += weight * t * t
      sums.tr += weight * t * residual[i]
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
  private func significance(_ wall: WallParameters, in fit: WallModelFit) -> Double {
    let zero = [Double](repeating: 0, count: samples.count)
    let information = match(wall, residual: zero).information
    return abs(wall.amplitude) * (information / errorScale(fit)).squareRoot()
  }

  private func isSignificant(_ index: Int, in fit: WallModelFit) -> Bool {
    let wall = fit.walls[index]
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return significance(wall, in: fit) >= options.detectionThreshold
      && imageHeight(wall) >= fraction * highest
  }

  /// By what the variances of the samples are multiplied: see ``fitWalls(profile:geometry:options:)``.
  private func errorScale(_ fit: WallModelFit) -> Double {
    let freedom = Double(max(1, samples.count - fit.parameterCount))
    if samples.hasErrors { return max(1, fit.chiSquare / freedom) }
    let largest = samples.value.reduce(0.0) { max($0, abs($1)) }
    let rounding = 4 * Double.ulpOfOne * largest / samples.assumedError
    return max(fit.chiSquare / freedom, rounding * rounding)
  }

  private func report(_ fit: WallModelFit) -> WallFit {
    let scale = errorScale(fit)
    let size = fit.parameterCount
    func variance(_ i: Int) -> Double { scale * fit.covariance[i * size + i] }
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let squares = zip(samples.value, curve).map { ($0 - $1) * ($0 - $1) }
    let freedom = Double(max(1, samples.count - size))
    let order = fit.walls.indices.sorted { fit.walls[$0].position < fit.walls[$1].position }
    return WallFit(
      fitted: order.map { fittedWall($0, in: fit, scale: scale) },
      offset: Measurement(fit.baseline[0], error: variance(0).squareRoot()),
      slope: model.baselineCount == 2
        ? Measurement(
          model.slope(of: fit.baseline[1]), error: model.slope(of: variance(1).squareRoot())) : nil,
      reducedChiSquare: samples.hasErrors ? fit.chiSquare / freedom : nil,
      distance: samples.distance, curve: curve,
      residual: (squares.reduce(0, +) / Double(samples.count)).squareRoot())
  }

  private func fittedWall(_ index: Int, in fit: WallModelFit, scale: Double) -> FittedWall {
    let p = fit.walls[index]
    let size = fit.parameterCount
    let base = model.baselineCount + 3 * index
    // From (E0, ln w, X0) to (E0, w, X0).
    let unit = [1, p.sechWidth, 1]
    var covariance = [Double](repeating: 0, count: 9)
    for i in 0..<3 {
      for j in 0..<3 {
        covariance[3 * i + j] =
          scale * unit[i] * unit[j] * fit.covariance[(base + i) * size + base + j]
      }
    }
    let error = (0..<3).map { covariance[4 * $0].squareRoot() }
    let w = p.sechWidth
    let productVariance =
      w * w * covariance[0] + 2 * w * p.amplitude * covariance[1]
      + p.amplitude * p.amplitude * covariance[4]
    let imageWidth = model.geometry.projectedWidth(sechWidth: w)
    let significance = significance(p, in: fit)

    var flags: WallFlags = []
    let first = samples.distance[0] - samples.spacing / 2
    let last = first + samples.span + samples.spacing
    if min(p.position - first, last - p.position) < options.rimDistance * imageWidth {
      flags.insert(.cutByRim)
    }
    if fit.isAtBound[base + 1] || fit.isAtBound[base + 2] { flags.insert(.atBound) }
    if error[0] > abs(p.amplitude) || error[1] > w { flags.insert(.uncertain) }
    if !model.geometry.separatesWidth(sechWidth: w) { flags.insert(.widthIllDetermined) }
    if significance < options.detectionThreshold { flags.insert(.insignificant) }
    let factor = InclinationGeometry.widthFactor
    return FittedWall(
      wall: Wall(
        position: Measurement(p.position, error: error[2]),
        field: Measurement(p.amplitude, error: error[0]),
        width: Measurement(factor * w, error: factor * error[1])),
      sechWidth: Measurement(w, error: error[1]),
      product: Measurement(p.amplitude * w, error: max(productVariance, 0).squareRoot()),
      covariance: covariance,
      imageHeight: p.amplitude * model.geometry.projectedHeight(sechWidth: w),
      imageWidth: imageWidth, significance: significance, flags: flags)
  }
}
