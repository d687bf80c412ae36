// Whether the walls of a profile stand on a slope.

internal import Glibc
internal import STEMCore

/// Walls on a constant, or on a slope where the profile shows one.
///
/// A remaining descan, or a field that rises across the frame, puts a ramp under the walls. A fit that knows
/// constants only explains it by walls at the rims, or lends it to the walls it has.
struct SlopeChoice {
  let level: WallSearch
  let sloping: WallSearch

  func run() -> WallFit {
    let flat = level.best()
    guard mayHide(in: flat) else { return level.report(flat) }
    let ramp = sloping.best()
    return isPreferred(ramp, to: flat) ? sloping.report(ramp) : level.report(flat)
  }

  /// Whether a search with a slope is worth its time: there are walls at the rims, or the walls that there are
  /// leave a slope.
  private func mayHide(in flat: WallModelFit) -> Bool {
    if flat.walls.contains(where: level.isCutByRim) { return true }
    let ramp = sloping.model.fit(from: flat.walls, baseline: flat.baseline + [0])
    return gain(of: ramp, over: flat) > 0
  }

  private func isPreferred(_ ramp: WallModelFit, to flat: WallModelFit) -> Bool {
    shows(ramp) && gain(of: ramp, over: flat) > 0
  }

  /// Whether the slope stands above its error as a wall must.
  private func shows(_ ramp: WallModelFit) -> Bool {
    let variance = ramp.covariance[ramp.parameterCount + 1] * sloping.errorScale(ramp)
    return abs(ramp.baseline[1]) > WallFitOptions.detectionThreshold * variance.squareRoot()
  }

  /// What a slope gains in χ², less what it must: the threshold of a wall's detection beside as many walls. Where
  /// it spares walls, or walls cut by the rim, it must explain the profile as well, but for the ln n that the Bayesian
  /// information criterion asks for each parameter.
  ///
  /// Where neighboring samples agree in what is left, as many of them count as one (Bayley & Hammersley, J. R.
  /// Stat. Soc. Suppl. 8 (1946) 184): a shape that is not quite that of a wall is no sign of a slope.
  private func gain(of ramp: WallModelFit, over flat: WallModelFit) -> Double {
    let scale = level.samples.hasErrors ? sloping.errorScale(ramp) : 1
    let explained =
      (level.misfit(flat.chiSquare) - level.misfit(ramp.chiSquare)) / (scale * repetition(ramp))
    let spared = flat.parameterCount - ramp.parameterCount
    let atRim = [flat, ramp].map { $0.walls.count(where: level.isCutByRim) }
    if spared > 0 || atRim[1] < atRim[0] {
      return explained + Double(spared) * log(Double(level.samples.count))
    }
    return explained - WallFitOptions.detectionGain
  }

  private func repetition(_ fit: WallModelFit) -> Double {
    let samples = sloping.samples
    let curve = sloping.model.curve(fit.walls, baseline: fit.baseline)
    let rest = samples.value.indices.map { (samples.value[$0] - curve[$0]) * samples.weight[$0] }
    let products = zip(rest, rest.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    let squares = rest.reduce(0) { $0 + $1 * $1 }
    guard squares > 0 else { return 1 }
    let correlation = min(max(products / squares, 0), 0.95)
    return (1 + correlation) / (1 - correlation)
  }
}
