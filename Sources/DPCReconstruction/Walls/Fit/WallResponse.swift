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

/// The walls of a fit, fitted anew through another specimen.
private struct WallRefit {
  struct State {
    var fit: WallModelFit
    var inclination: Double
  }

  private let samples: ProfileSamples
  private let kind: WallBaseline
  private let walls: [WallParameters]
  private let baseline: [Double]

  init(_ fit: WallFit, _ profile: LineProfile) {
    samples = ProfileSamples(profile)
    kind = fit.baseline
    walls = fit.fitted.map {
      WallParameters(
        amplitude: $0.wall.field.value, sechWidth: $0.sechWidth.value,
        position: $0.wall.position.value)
    }
    let model = WallModel(samples: samples, geometry: .imagePlane, baseline: kind)
    baseline =
      [fit.offset.value] + (fit.slope.map { [model.slopeParameter(of: $0.value)] } ?? [])
  }

  var none: WallChanges {
    WallChanges(
      walls: walls.map { _ in WallChange(field: 0, sechWidth: 0, position: 0, product: 0) },
      offset: 0, inclination: 0)
  }

  func at(_ geometry: InclinationGeometry) -> State {
    let model = WallModel(samples: samples, geometry: geometry, baseline: kind)
    return State(
      fit: model.fit(from: walls, baseline: baseline), inclination: geometry.inclination)
  }

  /// With the angle of least χ²: near the one that leaves the box t tan a as wide as it is.
  func atBestAngle(near: InclinationGeometry, _ other: InclinationGeometry) -> State {
    let expected = atan(near.thickness * tan(near.inclination) / other.thickness)
    let reach = 2 * abs(expected - near.inclination) + 0.5 * Double.pi / 180
    let bracket = (
      max(expected - reach, InclinationSearch.lowest),
      min(expected + reach, InclinationSearch.highest)
    )
    let best = goldenMinimum(bracket, tolerance: InclinationSearch.resolution) {
      at(other.inclined(by: $0))
    } of: {
      $0.fit.chiSquare
    }
    return best
  }

  /// - Parameters:
  ///   - low: The walls at one deviation below, and `high` above.
  ///   - inclination: Of the fit, rad.
  ///   - relativeScale: What the profile itself changes by from the fit to the upper end.
  func changes(
    _ low: State, _ high: State, from inclination: Double, relativeScale: Double
  ) -> WallChanges {
    let changes = walls.indices.map { k -> WallChange in
      let sides = [change(to: low, wall: k, sign: -1), change(to: high, wall: k, sign: 1)].map {
        WallChange(
          field: $0.field + relativeScale * walls[k].amplitude, sechWidth: $0.sechWidth,
          position: $0.position,
          product: $0.product + relativeScale * walls[k].amplitude * walls[k].sechWidth)
      }
      // One side as a whole, so that the correlations are those of changes that belong together.
      func size(_ change: WallChange) -> Double {
        hypot(change.field / walls[k].amplitude, change.sechWidth / walls[k].sechWidth)
      }
      return size(sides[0]) > size(sides[1]) ? sides[0] : sides[1]
    }
    let offsets = [baseline[0] - low.fit.baseline[0], high.fit.baseline[0] - baseline[0]]
      .map { $0 + relativeScale * baseline[0] }
    let angles = [inclination - low.inclination, high.inclination - inclination]
    return WallChanges(
      walls: changes, offset: Self.larger(offsets), inclination: Self.larger(angles))
  }

  private func change(to state: State, wall k: Int, sign: Double) -> WallChange {
    let (before, after) = (walls[k], state.fit.walls[k])
    return WallChange(
      field: sign * (after.amplitude - before.amplitude),
      sechWidth: sign * (after.sechWidth - before.sechWidth),
      position: sign * (after.position - before.position),
      product: sign
        * (after.amplitude * after.sechWidth - before.amplitude * before.sechWidth))
  }

  private static func larger(_ sides: [Double]) -> Double {
    abs(sides[0]) > abs(sides[1]) ? sides[0] : sides[1]
  }
}
