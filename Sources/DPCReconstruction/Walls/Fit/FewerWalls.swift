// Walls that only a wrong thickness or inclination asks for.
public import STEMCore

/// A fit of fewer walls, and the specimen through which these explain the profile.
public struct FewerWalls: Sendable {
  /// Through the specimen that is stated.
  public let fit: WallFit
  /// With the thickness or the inclination that explains the profile best.
  public let geometry: InclinationGeometry
  /// By how many of its errors that lies from the stated one.
  public let deviation: Double
}

/// Fewer walls that explain a profile as well as those of a fit, if the thickness or the inclination may be another
/// within its error; nil where there are none.
///
/// The path t tan a through an inclined wall shapes it in the image. Where it is off by more than the noise, one wall
/// leaves residuals, and walls beside it take them up: of a profile that is known to some percent a thickness that is
/// off by a tenth makes three walls of one. The number of walls is therefore judged with t and a as free as they
/// are known: χ² + ((t - t₀)/σ)² with the same cost for each wall.
///
/// - Parameters:
///   - fit: Of the profile at `geometry`.
///   - profile: With errors; without them nothing is known to be explained.
///   - geometry: Stated thickness and inclination.
///   - thicknessError: One standard deviation, m; 0 where it is not known.
///   - inclinationError: One standard deviation, rad; 0 where it is not known.
/// - Throws: ``WallError/interrupted``.
public func fewerWalls(
  than fit: WallFit, profile: LineProfile, geometry: InclinationGeometry, thicknessError: Double,
  inclinationError: Double, isInterrupted: @escaping @Sendable () -> Bool = { false }
) throws(WallError) -> FewerWalls? {
  guard let cost = fit.cost, geometry.inclination > 1e-9, max(thicknessError, inclinationError) > 0
  else { return nil }
  let specimens = OtherSpecimens(
    geometry: geometry, thicknessError: thicknessError, inclinationError: inclinationError)
  for count in (1..<max(1, fit.fitted.count)).prefix(largestNumber) {
    var options = WallFitOptions()
    options.largestCount = count
    let fewer = try fitWalls(
      profile: profile, geometry: geometry, options: options, isInterrupted: isInterrupted)
    if fewer.fitted.isEmpty || fewer.fitted.count > count { continue }
    let best = specimens.best(WallRefit(fewer, profile))
    if let best, best.chiSquare + fewer.penalty < cost {
      return FewerWalls(fit: fewer, geometry: best.geometry, deviation: best.deviation)
    }
  }
  return nil
}

/// Of more walls none is asked for by a wrong specimen alone, and each number takes a search.
private let largestNumber = 6

extension WallFit {
  /// What its walls have to gain together.
  fileprivate var penalty: Double {
    Double(fitted.count) * WallFitOptions.costOfWall(samples: distance.count)
  }

  /// χ² and what its walls have to gain; nil where the profile has no errors.
  fileprivate var cost: Double? {
    let parameters = 3 * fitted.count + (slope == nil ? 1 : 2)
    let freedom = Double(max(1, distance.count - parameters))
    return reducedChiSquare.map { $0 * freedom + penalty }
  }
}

/// Specimens that differ from the stated one in thickness or inclination.
private struct OtherSpecimens {
  struct Candidate {
    let geometry: InclinationGeometry
    /// With the square of the deviation.
    let chiSquare: Double
    let deviation: Double
  }

  let geometry: InclinationGeometry
  let thicknessError: Double
  let inclinationError: Double
  /// In errors.
  private static let reach = 3.0
  private static let resolution = 0.02

  func best(_ refit: WallRefit) -> Candidate? {
    let thicknesses = best(
      refit, error: thicknessError, value: geometry.thickness, below: .infinity
    ) { geometry.with(thickness: $0) }
    let inclinations = best(
      refit, error: inclinationError, value: geometry.inclination, below: 1.5
    ) { geometry.inclined(by: $0) }
    return [thicknesses, inclinations].compactMap(\.self).min { $0.chiSquare < $1.chiSquare }
  }

  private func best(
    _ refit: WallRefit, error: Double, value: Double, below end: Double,
    _ other: (Double) -> InclinationGeometry
  ) -> Candidate? {
    // Both stay above a fifth of themselves.
    let lower = max(-Self.reach, -0.8 * value / error)
    let upper = min(Self.reach, (end - value) / error)
    guard error > 0, lower < upper else { return nil }
    return goldenMinimum((lower, upper), tolerance: Self.resolution) { deviation in
      let geometry = other(value + deviation * error)
      return Candidate(
        geometry: geometry,
        chiSquare: refit.at(geometry).fit.chiSquare + deviation * deviation, deviation: deviation)
    } of: {
      $0.chiSquare
    }
  }
}
