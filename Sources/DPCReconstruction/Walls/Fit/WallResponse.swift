// How fitted walls move with what all of them share: the thickness of the specimen and its inclination.

internal import Glibc
public import STEMCore

/// What one standard deviation upwards of a shared quantity does to a fitted wall, signs included.
public struct WallChange: Sendable, Equatable, Codable {
  /// Of E0, V/m.
  public var field: Double
  /// Of w in E0 sech²(u/w), m.
  public var sechWidth: Double
  /// Of X0, m.
  public var position: Double
  /// Of E0 w, V.
  public var product: Double

  public init(field: Double, sechWidth: Double, position: Double, product: Double) {
    self.field = field
    self.sechWidth = sechWidth
    self.position = position
    self.product = product
  }

  /// In the order of ``FittedWall/covariance``.
  public var parameters: [Double] { [field, sechWidth, position] }
}

/// How a joint fit of walls answers to one standard deviation of a shared quantity.
public struct WallChanges: Sendable, Equatable {
  /// One for each of ``WallFit/fitted``.
  public var walls: [WallChange]
  /// Of the constant under the walls, V/m.
  public var offset: Double
  /// Of the inclination, rad; zero where it is not fitted.
  public var inclination: Double
}

/// What an error of the thickness does to fitted walls.
///
/// The profile is a mean over the thickness and goes with 1/t; the path through inclined walls goes with t, so
/// that widths and positions depend on it too, and fields in both ways. All walls are fitted anew at
/// t ± σ(t): the larger of both differences to the fit is the change, for where a wrong thickness already spoils
/// the fit the field hardly moves to one side. For walls edge-on it is -σ(t)/t of the field alone.
///
/// - Parameters:
///   - fit: Of the profile at `geometry`.
///   - profile: What was fitted: mean field over the thickness, V/m.
///   - geometry: With the thickness that is stated.
///   - error: σ(t), m; below t.
///   - isInclinationFree: Whether the inclination was fitted with the walls, and follows the thickness.
public func wallChanges(
  of fit: WallFit, profile: LineProfile, geometry: InclinationGeometry,
  thicknessError error: Double,
  isInclinationFree: Bool = false
) -> WallChanges {
  let refit = WallRefit(fit, profile)
  let thicknesses = [geometry.thickness - error, geometry.thickness + error]
  guard error > 0, thicknesses[0] > 0 else { return refit.none }
  let ends = thicknesses.map { thickness -> WallRefit.State in
    let other = geometry.with(thickness: thickness)
    return isInclinationFree ? refit.atBestAngle(near: geometry, other) : refit.at(other)
  }
  return refit.changes(
    ends[0], ends[1], from: geometry.inclination, relativeScale: -error / geometry.thickness)
}

/// What an error of the inclination does to fitted walls: the larger of both differences at a ± σ(a).
///
/// - Parameters:
///   - fit: Of the profile at `geometry`.
///   - profile: What was fitted.
///   - geometry: With the inclination that is stated.
///   - error: σ(a), rad. Where a - σ(a) is no inclination, or a + σ(a) is 90° and more, as much of it as there
///     is on both sides is taken and the change enlarged in proportion.
public func wallChanges(
  of fit: WallFit, profile: LineProfile, geometry: InclinationGeometry,
  inclinationError error: Double
) -> WallChanges {
  let refit = WallRefit(fit, profile)
  let step = min(
    error, geometry.inclination / 2, (Double.pi / 2 - geometry.inclination) / 2)
  guard step > 1e-9 else { return refit.none }
  let ends = [-step, step].map { refit.at(geometry.inclined(by: geometry.inclination + $0)) }
  return refit.changes(ends[0], ends[1], from: geometry.inclination, relativeScale: 0)
    .enlarged(by: error / step)
}

extension WallChanges {
  fileprivate func enlarged(by factor: Double) -> WallChanges {
    WallChanges(
      walls: walls.map {
        WallChange(
          field: factor * $0.field, sechWidth: factor * $0.sechWidth,
          position: factor * $0.position, product: factor * $0.product)
      }, offset: factor * offset, inclination: factor * inclination)
  }
}
