// Which of two sets of walls explains a profile better, and which of their walls are significant.

internal import Glibc
internal import STEMCore

extension WallSearch {
  /// The fit with the lower criterion; the first one where rounding decides.
  func better(_ a: WallModelFit, _ b: WallModelFit) -> WallModelFit {
    criterion(b) < criterion(a) - 1e-6 * abs(criterion(a)) ? b : a
  }

  /// χ², or n ln χ² where the errors are unknown (``misfit(_:)``), plus per wall the gain that a detection needs at
  /// any of the samples. (The three parameters of a wall alone, as in the Bayesian information
  /// criterion, would admit one split in a thousand walls by noise.)
  private func criterion(_ fit: WallModelFit) -> Double {
    criterion(fit.chiSquare, walls: fit.walls.count)
  }

  func criterion(_ chiSquare: Double, walls: Int) -> Double {
    misfit(chiSquare) + Double(walls) * penalty
  }

  func misfit(_ chiSquare: Double) -> Double {
    samples.hasErrors ? chiSquare : Double(samples.count) * log(max(chiSquare, 1e-6))
  }

  var penalty: Double { WallFitOptions.costOfWall(samples: samples.count) }

  func imageHeight(_ wall: WallParameters) -> Double {
    abs(wall.amplitude) * model.geometry.projectedHeight(sechWidth: wall.sechWidth)
  }

  /// |E0| over its standard deviation at fixed shape, with the errors widened by the misfit.
  func significance(_ wall: WallParameters, in fit: WallModelFit) -> Double {
    let zero = [Double](repeating: 0, count: samples.count)
    let precision = samples.weight.map { $0 * $0 }
    let shape = ProjectedWall(geometry: model.geometry, sechWidth: wall.sechWidth)
    // Beyond, the wall is below 1e-9 of its height.
    let reach = ProjectedWall.reach(model.geometry, sechWidth: wall.sechWidth, widths: 12)
    let information = WallMatch(
      shape, at: wall.position, reach: reach, samples, precision: precision, weighted: zero,
      totals: (precision.reduce(0, +), 0)
    ).information
    return abs(wall.amplitude) * (information / errorScale(fit)).squareRoot()
  }

  /// The threshold on the gain in χ²: that of one trial, raised by the number of places where a
  /// wall of this width could have been found.
  func requiredGain(_ wall: WallParameters) -> Double {
    let width = model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    let places = max(1, samples.span / width)
    return WallFitOptions.detectionGain + 2 * log(places)
  }

  func isSignificant(_ index: Int, in fit: WallModelFit) -> Bool {
    let wall = fit.walls[index]
    let highest = fit.walls.map(imageHeight).max() ?? 0
    return significance(wall, in: fit) >= requiredGain(wall).squareRoot()
      && imageHeight(wall) >= fraction * highest
  }

  /// By what the variances of the samples are multiplied: see ``fitWalls(profile:geometry:options:isInterrupted:)``.
  func errorScale(_ fit: WallModelFit) -> Double {
    let freedom = Double(max(1, samples.count - fit.parameterCount))
    if samples.hasErrors { return max(1, fit.chiSquare / freedom) }
    let largest = samples.value.reduce(0.0) { max($0, abs($1)) }
    let rounding = 4 * Double.ulpOfOne * largest / samples.assumedError
    return max(fit.chiSquare / freedom, rounding * rounding)
  }
}
