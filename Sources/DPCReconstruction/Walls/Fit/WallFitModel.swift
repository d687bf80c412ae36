// The model of a profile with walls, as residuals and derivatives for the least-squares engine.

internal import Glibc
internal import STEMCore

/// The usable samples of a profile and the weight of each.
struct ProfileSamples {
  var distance: [Double] = []
  var value: [Double] = []
  /// 1/σ.
  var weight: [Double] = []
  let hasErrors: Bool
  /// σ of a sample without errors of its own.
  let assumedError: Double
  let spacing: Double

  var count: Int { distance.count }
  var span: Double { (distance.last ?? 0) - (distance.first ?? 0) }

  /// The first sample at this distance or beyond; distances ascend.
  func firstIndex(from start: Double) -> Int { firstIndex { $0 >= start } }

  /// The first sample whose distance passes a test that all beyond it pass too.
  func firstIndex(_ passes: (_ distance: Double) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if passes(distance[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  init(_ profile: LineProfile) {
    hasErrors = profile.error != nil
    for i in profile.distance.indices {
      guard profile.distance[i].isFinite, profile.value[i].isFinite else { continue }
      if let error = profile.error?[i] {
        guard error > 0, error.isFinite else { continue }
        weight.append(1 / error)
      }
      distance.append(profile.distance[i])
      value.append(profile.value[i])
    }
    let gaps = zip(distance.dropFirst(), distance).map { $0 - $1 }
    spacing = median(gaps) ?? 0
    assumedError = Self.noise(of: value)
    if !hasErrors {
      weight = [Double](repeating: 1 / assumedError, count: distance.count)
    }
  }

  /// σ of white noise from the median absolute third difference, whose variance is 20 σ².
  private static func noise(of value: [Double]) -> Double {
    let largest = value.reduce(0.0) { max($0, abs($1)) }
    guard largest > 0 else { return 1 }
    var differences: [Double] = []
    for i in value.indices.dropLast(3) {
      let third = value[i + 3] - 3 * value[i + 2] + 3 * value[i + 1] - value[i]
      differences.append(abs(third))
    }
    let sigma = 1.4826 * (median(differences) ?? 0) / 20.0.squareRoot()
    return max(sigma, 1e-12 * largest)
  }
}

/// The parameters of one wall as they are fitted.
struct WallParameters: Equatable {
  /// E0, V/m.
  var amplitude: Double
  /// w, m.
  var sechWidth: Double
  /// X0, m.
  var position: Double
}

/// A fitted state of the model.
struct WallModelFit {
  var walls: [WallParameters]
  var baseline: [Double]
  var chiSquare: Double
  /// Of (baseline..., then E0, ln w, X0 per wall), before any scaling.
  var covariance: [Double]
  var isAtBound: [Bool]
  var parameterCount: Int { baseline.count + 3 * walls.count }
}

/// Offset (and slope) plus the projected profile of every wall.
///
/// The fit is in ln w: the width stays positive, and a factor is the natural step.
struct WallModel {
  var samples: ProfileSamples
  let geometry: InclinationGeometry
  let baselineCount: Int
  /// Once it says so, fits end where they start.
  let isInterrupted: @Sendable () -> Bool

  init(
    samples: ProfileSamples, geometry: InclinationGeometry, baseline: WallBaseline,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) {
    self.isInterrupted = isInterrupted
    self.samples = samples
    self.geometry = geometry
    self.baselineCount = baseline == .linear ? 2 : 1
  }

  /// The narrowest and the widest w that the samples could show.
  var sechWidthRange: (lowest: Double, highest: Double) {
    let narrow = 0.3 * samples.spacing * geometry.cosine
    return (narrow, max(samples.span * geometry.cosine, 4 * narrow))
  }

  /// The slope's lever: it multiplies the distance over half the profile's length.
  var halfSpan: Double { max(samples.span / 2, .leastNormalMagnitude) }

  /// The slope in V/m² of a fitted slope parameter.
  func slope(of parameter: Double) -> Double { parameter / halfSpan }

  /// The slope parameter of a slope in V/m².
  func slopeParameter(of slope: Double) -> Double { slope * halfSpan }

  func curve(_ walls: [WallParameters], baseline: [Double]) -> [Double] {
    let shapes = walls.map { ProjectedWall(geometry: geometry, sechWidth: $0.sechWidth) }
    return samples.distance.map { x in
      var value = baseline[0] + (baselineCount == 2 ? baseline[1] * x / halfSpan : 0)
      for (wall, shape) in zip(walls, shapes) {
        value += wall.amplitude * shape.unitHeight(at: x - wall.position)
      }
      return value
    }
  }

  /// The same model of what is left of the samples once some walls are taken off.
  func without(_ walls: [WallParameters]) -> WallModel {
    if walls.isEmpty { return self }
    var rest = self
    let curve = curve(walls, baseline: [Double](repeating: 0, count: baselineCount))
    for i in rest.samples.value.indices { rest.samples.value[i] -= curve[i] }
    return rest
  }

  /// Fits all walls and the baseline from the given start.
  ///
  /// - Parameter held: Parameters, in the order of ``WallModelFit/covariance``, that stay at their start.
  func fit(
    from walls: [WallParameters], baseline: [Double], held: Range<Int> = 0..<0
  ) -> WallModelFit {
    var start = baseline
    var lower = [Double](repeating: -.infinity, count: baselineCount)
    var upper = [Double](repeating: .infinity, count: baselineCount)
    let widths = sechWidthRange
    for wall in walls {
      let w = min(max(wall.sechWidth, 1.01 * widths.lowest), 0.99 * widths.highest)
      let reach = max(geometry.projectedWidth(sechWidth: w), 2 * samples.spacing)
      start += [wall.amplitude, log(w), wall.position]
      lower += [-.infinity, log(widths.lowest), wall.position - reach]
      upper += [.infinity, log(widths.highest), wall.position + reach]
    }
    for k in held { (lower[k], upper[k]) = (start[k], start[k]) }
    let solution = LeastSquares.minimize(
      WallProblem(self, wallCount: walls.count), from: start, lower: lower, upper: upper,
      iterationLimit: isInterrupted() ? 0 : 200)
    let p = solution.parameters
    let fitted = walls.indices.map { k -> WallParameters in
      let base = baselineCount + 3 * k
      return WallParameters(amplitude: p[base], sechWidth: exp(p[base + 1]), position: p[base + 2])
    }
    return WallModelFit(
      walls: fitted, baseline: Array(p.prefix(baselineCount)), chiSquare: solution.sumOfSquares,
      covariance: LeastSquares.inverse(of: solution.normalMatrix, size: p.count),
      isAtBound: solution.isAtBound)
  }
}
