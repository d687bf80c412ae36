// Walls whose inclination is fitted with them: one angle for all walls of a profile.

internal import Glibc
public import STEMCore

/// A fit of walls and of the angle between them and the beam.
public struct InclinedWallFit: Sendable, Equatable {
  /// The walls at the best angle; their errors contain that of the angle.
  public var fit: WallFit
  /// The geometry at the best angle.
  public var geometry: InclinationGeometry
  /// rad; the error is half the interval in which χ² rises by one.
  public var inclination: Measurement
  /// The angles at which χ² has risen by one, rad; nil where it does not within 1° to 80°.
  public var lower: Double?
  public var upper: Double?

  /// An angle known to some degrees on both sides; else the profile does not tell it.
  public var isDetermined: Bool {
    guard lower != nil, upper != nil, let error = inclination.error else { return false }
    return error < Self.largestError
  }

  /// 15° in rad.
  static let largestError = 0.262
}

/// Fits walls together with the one inclination that they share.
///
/// The shape of a projected wall has two parameters, cos a/w and t sin a/w: where the box t tan a is
/// as wide as the wall, width and angle can be told apart. The angle is found by its profile
/// likelihood: for every angle all walls are fitted anew, and χ² is followed down to its least and up
/// by one on both sides, so that the interval holds where the likelihood is skew.
/// The errors of the walls are those at the best angle and what the angle's error adds,
/// dE0/da and so on, taken from the fits at both ends of the interval.
/// - Parameters:
///   - profile: Mean field over the thickness, V/m, with errors.
///   - start: Thickness, field direction, and an angle to begin with.
///   - options: As for ``fitWalls(profile:geometry:options:)``.
/// - Returns: nil where no wall is found or the profile has no errors.
/// - Throws: ``WallError`` as the fit at a fixed angle.
public func fitInclinedWalls(
  profile: LineProfile, start: InclinationGeometry, options: WallFitOptions = WallFitOptions()
) throws(WallError) -> InclinedWallFit? {
  guard abs(start.directionFactor) >= 1e-9 else {
    throw .invisibleField(start.direction, inclination: start.inclination)
  }
  // Which walls there are is seen in the image itself: at a wrong angle misfit would pass for walls.
  let seen = try fitImageWalls(profile: profile)
  guard !seen.reported.isEmpty, profile.error != nil else { return nil }
  return InclinationSearch(
    profile: profile, start: start, walls: seen.reported, options: options
  ).run()
}

private struct InclinationSearch {
  private let samples: ProfileSamples
  private let start: InclinationGeometry
  private let walls: [WallParameters]
  private let options: WallFitOptions

  private static let lowest = 1 * Double.pi / 180
  private static let highest = 80 * Double.pi / 180

  init(
    profile: LineProfile, start: InclinationGeometry, walls: [FittedWall], options: WallFitOptions
  ) {
    samples = ProfileSamples(profile)
    self.start = start
    self.options = options
    // In the image plane: heights and widths as they are seen.
    self.walls = walls.map {
      WallParameters(
        amplitude: $0.wall.field.value, sechWidth: $0.sechWidth.value,
        position: $0.wall.position.value)
    }
  }

  private func model(_ angle: Double) -> WallModel {
    WallModel(
      samples: samples, geometry: start.inclined(by: angle), baseline: options.baseline)
  }

  /// All walls fitted at one angle: from a fit nearby, else from several widths that look alike.
  private func fit(_ angle: Double, from near: WallModelFit?) -> WallModelFit {
    let model = model(angle)
    if let near { return model.fit(from: near.walls, baseline: near.baseline) }
    let baseline = [Double](repeating: 0, count: model.baselineCount)
    let fits = [0.4, 0.8].map { share -> WallModelFit in
      let guess = walls.map { wall in
        let w = share * wall.sechWidth * cos(angle)
        return WallParameters(
          amplitude: wall.amplitude / model.geometry.projectedHeight(sechWidth: w), sechWidth: w,
          position: wall.position)
      }
      return model.fit(from: guess, baseline: baseline)
    }
    return fits[1].chiSquare < fits[0].chiSquare ? fits[1] : fits[0]
  }

  func run() -> InclinedWallFit {
    let grid = stride(from: Self.lowest, through: Self.highest, by: 5 * Double.pi / 180)
    var fits: [(angle: Double, fit: WallModelFit)] = []
    for angle in grid { fits.append((angle, fit(angle, from: nil))) }
    let best = fits.indices.min { fits[$0].fit.chiSquare < fits[$1].fit.chiSquare } ?? 0
    let bracket = (
      fits[max(0, best - 1)].angle, fits[min(fits.count - 1, best + 1)].angle
    )
    let minimum = golden(bracket, near: fits[best].fit)
    // A misfit widens the interval as it widens all errors.
    let freedom = Double(max(1, samples.count - minimum.fit.parameterCount - 1))
    let rise = max(1, minimum.fit.chiSquare / freedom)
    let lower = crossing(minimum, towards: Self.lowest, rise: rise)
    let upper = crossing(minimum, towards: Self.highest, rise: rise)
    let half: Double? =
      if let lower, let upper { (upper.angle - lower.angle) / 2 } else { nil }
    let search = WallSearch(model: model(minimum.angle), options: options)
    var report = search.report(minimum.fit)
    widen(&report, minimum, lower?.fit, upper?.fit, search)
    return InclinedWallFit(
      fit: report, geometry: start.inclined(by: minimum.angle),
      inclination: Measurement(minimum.angle, error: half), lower: lower?.angle,
      upper: upper?.angle)
  }

  /// The least χ² within a bracket, to 0.01°.
  private func golden(
    _ bracket: (Double, Double), near: WallModelFit
  ) -> (angle: Double, fit: WallModelFit) {
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = bracket
    func at(_ angle: Double) -> (angle: Double, fit: WallModelFit) {
      (angle, fit(angle, from: near))
    }
    var left = at(high - ratio * (high - low))
    var right = at(low + ratio * (high - low))
    while high - low > 1.7e-4 {
      if left.fit.chiSquare <= right.fit.chiSquare {
        high = right.angle
        right = left
        left = at(high - ratio * (high - low))
      } else {
        low = left.angle
        left = right
        right = at(low + ratio * (high - low))
      }
    }
    return left.fit.chiSquare <= right.fit.chiSquare ? left : right
  }

  /// Where χ² has risen by `rise` on one side; nil where it has not by the end.
  private func crossing(
    _ minimum: (angle: Double, fit: WallModelFit), towards end: Double, rise: Double
  ) -> (angle: Double, fit: WallModelFit)? {
    let target = minimum.fit.chiSquare + rise
    var inside = minimum
    var outside: (angle: Double, fit: WallModelFit)?
    var step = 0.5 * Double.pi / 180
    let direction = end < minimum.angle ? -1.0 : 1
    while outside == nil {
      let angle = inside.angle + direction * step
      if (angle - end) * direction > 0 { return nil }
      let found = (angle, fit(angle, from: inside.fit))
      if found.1.chiSquare > target { outside = found } else { inside = found }
      step *= 1.5
    }
    guard var outer = outside else { return nil }
    while abs(outer.angle - inside.angle) > 3.5e-4 {
      let middle = (outer.angle + inside.angle) / 2
      let found = (middle, fit(middle, from: inside.fit))
      if found.1.chiSquare > target { outer = found } else { inside = found }
    }
    return inside
  }

  /// Adds to each wall's variances what the angle's error makes of it.
  private func widen(
    _ report: inout WallFit, _ minimum: (angle: Double, fit: WallModelFit),
    _ lower: WallModelFit?, _ upper: WallModelFit?, _ search: WallSearch
  ) {
    guard let lower, let upper else { return }
    let order = minimum.fit.walls.indices.sorted {
      minimum.fit.walls[$0].position < minimum.fit.walls[$1].position
    }
    for (place, index) in order.enumerated() where place < report.fitted.count {
      let (low, high) = (lower.walls[index], upper.walls[index])
      func widened(_ measurement: Measurement, _ half: Double) -> Measurement {
        Measurement(
          measurement.value,
          error: measurement.error.map { ($0 * $0 + half * half).squareRoot() })
      }
      let field = (high.amplitude - low.amplitude) / 2
      let width = (high.sechWidth - low.sechWidth) / 2
      let position = (high.position - low.position) / 2
      let product = (high.amplitude * high.sechWidth - low.amplitude * low.sechWidth) / 2
      var wall = report.fitted[place]
      wall.wall.field = widened(wall.wall.field, field)
      wall.wall.width = widened(wall.wall.width, InclinationGeometry.widthFactor * width)
      wall.wall.position = widened(wall.wall.position, position)
      wall.sechWidth = widened(wall.sechWidth, width)
      wall.product = widened(wall.product, product)
      wall.fieldInterval = wall.fieldInterval.stretched(about: wall.wall.field.value) {
        hypot($0, field)
      }
      wall.widthInterval = wall.widthInterval.stretched(about: wall.wall.width.value) {
        hypot($0, InclinationGeometry.widthFactor * width)
      }
      let change = [field, width, position]
      for i in 0..<3 { for j in 0..<3 { wall.covariance[3 * i + j] += change[i] * change[j] } }
      report.fitted[place] = wall
    }
  }
}
