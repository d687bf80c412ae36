// The walls of a fit, fitted anew through another specimen.
internal import Glibc
internal import STEMCore

/// The walls of a fit, fitted anew through another specimen.
struct WallRefit {
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
