// From the fitted parameters to walls with errors and flags.

internal import Glibc
internal import STEMCore
internal import WorkSharing

extension WallSearch {
  func report(_ fit: WallModelFit) -> WallFit {
    let scale = errorScale(fit)
    let size = fit.parameterCount
    func variance(_ i: Int) -> Double { scale * fit.covariance[i * size + i] }
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let squares = zip(samples.value, curve).map { ($0 - $1) * ($0 - $1) }
    let freedom = Double(max(1, samples.count - size))
    let order = fit.walls.indices.sorted { fit.walls[$0].position < fit.walls[$1].position }
    return WallFit(
      fitted: concurrentMap(order.count) { fittedWall(order[$0], in: fit, scale: scale) },
      offset: Measurement(fit.baseline[0], error: variance(0).squareRoot()),
      slope: model.baselineCount == 2
        ? Measurement(
          model.slope(of: fit.baseline[1]), error: model.slope(of: variance(1).squareRoot())) : nil,
      reducedChiSquare: samples.hasErrors ? fit.chiSquare / freedom : nil,
      distance: samples.distance, curve: curve,
      residual: (squares.reduce(0, +) / Double(samples.count)).squareRoot())
  }

  /// Whether an end of the profile is nearer than ``WallFitOptions/rimDistance`` of the wall's width there.
  func isCutByRim(_ wall: WallParameters) -> Bool {
    let first = samples.distance[0] - samples.spacing / 2
    let last = first + samples.span + samples.spacing
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return min(wall.position - first, last - wall.position) < WallFitOptions.rimDistance * width
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
    let w = p.sechWidth
    var error = (0..<3).map { covariance[4 * $0].squareRoot() }
    let deviations = deviations(
      index, in: fit, errors: (error[0], error[1] / w), scale: scale)
    (error[0], error[1]) = (deviations.fieldError, deviations.sechWidthError)
    let productVariance =
      w * w * covariance[0] + 2 * w * p.amplitude * covariance[1]
      + p.amplitude * p.amplitude * covariance[4]
    let imageWidth = model.geometry.projectedWidth(sechWidth: w)
    let significance = significance(p, in: fit)

    var flags: WallFlags = []
    if isCutByRim(p) { flags.insert(.cutByRim) }
    if fit.isAtBound[base + 1] || fit.isAtBound[base + 2] { flags.insert(.atBound) }
    if error[0] > abs(p.amplitude) || error[1] > w { flags.insert(.uncertain) }
    if !model.geometry.separatesWidth(sechWidth: deviations.leastSechWidth) {
      flags.insert(.widthIllDetermined)
    }
    if significance < requiredGain(p).squareRoot() { flags.insert(.insignificant) }
    let factor = InclinationGeometry.widthFactor
    return FittedWall(
      wall: Wall(
        position: Measurement(p.position, error: error[2]),
        field: Measurement(p.amplitude, error: error[0]),
        width: Measurement(factor * w, error: factor * error[1])),
      sechWidth: Measurement(w, error: error[1]),
      product: Measurement(p.amplitude * w, error: max(productVariance, 0).squareRoot()),
      fieldInterval: deviations.field, fieldReach: deviations.fieldReach,
      widthInterval: WallInterval(
        lower: deviations.sechWidth.lower.map { factor * $0 },
        upper: deviations.sechWidth.upper.map { factor * $0 }),
      covariance: covariance,
      imageHeight: p.amplitude * model.geometry.projectedHeight(sechWidth: w),
      imageWidth: imageWidth, significance: significance, flags: flags)
  }
}
