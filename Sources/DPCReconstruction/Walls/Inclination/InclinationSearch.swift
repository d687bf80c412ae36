// The search for the one inclination that the walls of a profile share.

internal import Glibc
internal import STEMCore

struct InclinationSearch {
  private let samples: ProfileSamples
  private let start: InclinationGeometry
  private let walls: [WallParameters]
  private let baseline: WallBaseline
  private let isInterrupted: @Sendable () -> Bool

  static let lowest = 1 * Double.pi / 180
  static let highest = 80 * Double.pi / 180
  /// 0.01°.
  static let resolution = 1.7e-4
  /// Fits at two angles explain a profile alike below this difference in χ². Both have as many parameters, of
  /// which noise fills some three in each in its own way: the wrong one is ahead by 4 in one case of ten, by 12
  /// in one of some hundreds.
  static let likeness = 12.0

  /// - Parameter walls: As they appear in the image.
  init(
    profile: LineProfile, start: InclinationGeometry, walls: [FittedWall], baseline: WallBaseline,
    isInterrupted: @escaping @Sendable () -> Bool
  ) {
    self.isInterrupted = isInterrupted
    samples = ProfileSamples(profile)
    self.start = start
    self.baseline = baseline
    // In the image plane: heights and widths as they are seen.
    self.walls = walls.map {
      WallParameters(
        amplitude: $0.wall.field.value, sechWidth: $0.sechWidth.value,
        position: $0.wall.position.value)
    }
  }

  private func model(_ angle: Double) -> WallModel {
    WallModel(
      samples: samples, geometry: start.inclined(by: angle), baseline: baseline,
      isInterrupted: isInterrupted)
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

  typealias State = (angle: Double, fit: WallModelFit)

  func run(stated: Double?) -> InclinedWallFit {
    let minima = gridMinima()
    let least = minima[0]
    // A misfit widens the interval as it widens all errors.
    let freedom = Double(max(1, samples.count - least.fit.parameterCount - 1))
    let rise = max(1, least.fit.chiSquare / freedom)
    var equals: [State] = []
    let limit = least.fit.chiSquare + Self.likeness * rise
    for state in minima where state.fit.chiSquare < limit {
      if !equals.contains(where: { isSame($0, state, rise: rise) }) { equals.append(state) }
    }
    equals.sort { abs($0.angle - (stated ?? 0)) < abs($1.angle - (stated ?? 0)) }
    let results = equals.map { result($0, rise: rise) }
    var best = results[0]
    best.alternatives = Array(results.dropFirst())
    return best
  }

  /// The least χ² on a grid of angles, each minimum refined; the deepest first. There is one at least.
  ///
  /// The profile of an antiparallel pair has two: four edges make it, at ±(d + t tan a)/2 and ±(d - t tan a)/2 from its
  /// middle, all as wide as w/cos a, which stays as it is where the distance d and the box t tan a change places.
  private func gridMinima() -> [State] {
    let step = 5 * Double.pi / 180
    let grid = Array(stride(from: Self.lowest, to: Self.highest, by: step)) + [Self.highest]
    let fits = grid.map { fit($0, from: nil) }
    let minima = fits.indices.filter { k in
      (k == 0 || fits[k].chiSquare <= fits[k - 1].chiSquare)
        && (k + 1 == fits.count || fits[k].chiSquare <= fits[k + 1].chiSquare)
    }
    return minima.map {
      golden((grid[max(0, $0 - 1)], grid[min(grid.count - 1, $0 + 1)]), near: fits[$0])
    }.sorted { $0.fit.chiSquare < $1.fit.chiSquare }
  }

  /// Whether two minima are one: half-way between them χ² has not risen.
  private func isSame(_ a: State, _ b: State, rise: Double) -> Bool {
    let middle = (a.angle + b.angle) / 2
    let between = [a, b].map { fit(middle, from: $0.fit).chiSquare }
    return between.allSatisfy { $0 < min(a.fit.chiSquare, b.fit.chiSquare) + rise }
      || abs(a.angle - b.angle) < 2 * Self.resolution
  }

  private func result(_ minimum: State, rise: Double) -> InclinedWallFit {
    let lower = crossing(minimum, towards: Self.lowest, rise: rise)
    let upper = crossing(minimum, towards: Self.highest, rise: rise)
    let half: Double? =
      if let lower, let upper { (upper.angle - lower.angle) / 2 } else { nil }
    let search = WallSearch(model: model(minimum.angle), options: WallFitOptions())
    var report = search.report(minimum.fit)
    widen(&report, minimum, lower?.fit, upper?.fit)
    return InclinedWallFit(
      fit: report, geometry: start.inclined(by: minimum.angle),
      inclination: Measurement(minimum.angle, error: half), lower: lower?.angle,
      upper: upper?.angle,
      excludedBelow: crossing(minimum, towards: Self.lowest, rise: 4 * rise)?.angle,
      excludedAbove: crossing(minimum, towards: Self.highest, rise: 4 * rise)?.angle)
  }

  /// The least χ² within a bracket, to 0.01°.
  private func golden(
    _ bracket: (Double, Double), near: WallModelFit
  ) -> (angle: Double, fit: WallModelFit) {
    goldenMinimum(bracket, tolerance: Self.resolution) {
      ($0, fit($0, from: near))
    } of: {
      $0.fit.chiSquare
    }
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
      if inside.angle == end { return nil }
      let angle =
        direction < 0 ? max(end, inside.angle - step) : min(end, inside.angle + step)
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
    _ lower: WallModelFit?, _ upper: WallModelFit?
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
