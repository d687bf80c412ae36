// Intervals of fitted fields and widths by profile likelihood, where a parabola no longer describes χ².

internal import Glibc
internal import STEMCore

/// Where a parameter lies with 68 % confidence; nil on a side where the data set no bound.
public struct WallInterval: Sendable, Equatable, Codable {
  public var lower: Double?
  public var upper: Double?

  public init(lower: Double?, upper: Double?) {
    self.lower = lower
    self.upper = upper
  }

  /// Both bounds changed by the same function of a distance from the value.
  func stretched(about value: Double, _ change: (Double) -> Double) -> WallInterval {
    WallInterval(
      lower: lower.map { value - change(value - $0) },
      upper: upper.map { value + change($0 - value) })
  }
}

extension WallSearch {
  /// Below these relative standard deviations both sides of an interval differ by less than a tenth of it:
  /// the linearized errors hold.
  private static let parabolic = 0.03

  /// The intervals of E0 (V/m) and w (m) of one wall of a fit.
  ///
  /// - Parameters:
  ///   - errors: Of E0 (V/m) and ln w, linearized.
  ///   - scale: The rise of χ² that is one standard deviation.
  /// - Returns: Both intervals, and of w the deviation: the larger side of the 68 % interval or half of that
  ///   of the 95 % interval, whichever is more.
  func intervals(
    _ index: Int, in fit: WallModelFit, errors: (field: Double, logWidth: Double), scale: Double
  ) -> (field: WallInterval, sechWidth: WallInterval, sechWidthError: Double) {
    let wall = fit.walls[index]
    guard errors.logWidth > Self.parabolic || errors.field > Self.parabolic * abs(wall.amplitude)
    else {
      let half = wall.sechWidth * errors.logWidth
      return (
        WallInterval(lower: wall.amplitude - errors.field, upper: wall.amplitude + errors.field),
        WallInterval(lower: wall.sechWidth - half, upper: wall.sechWidth + half), half
      )
    }
    let likelihood = WallLikelihood(model: model, fit: fit, index: index, rise: scale)
    func field(_ direction: Double) -> Double? {
      let start = min(errors.field, 0.5 * abs(wall.amplitude))
      return likelihood.profile(.amplitude, direction: direction, start: start).crossing(1).map {
        wall.amplitude + direction * $0
      }
    }
    func width(_ direction: Double) -> [Double?] {
      let profile = likelihood.profile(
        .logWidth, direction: direction, start: min(errors.logWidth, 0.5))
      return [1, 4].map { level in
        profile.crossing(level).map { wall.sechWidth * exp(direction * $0) }
      }
    }
    let (lower, upper) = (width(-1), width(1))
    // A side without a bound reaches as far as a width can.
    let sides = [0, 1].flatMap { level -> [Double] in
      let highest = upper[level] ?? max(model.sechWidthRange.highest, 2 * wall.sechWidth)
      let part = Double(level + 1)
      return [(wall.sechWidth - (lower[level] ?? 0)) / part, (highest - wall.sechWidth) / part]
    }
    return (
      WallInterval(lower: field(-1), upper: field(1)),
      WallInterval(lower: lower[0], upper: upper[0]), sides.max() ?? errors.logWidth
    )
  }
}

/// χ² as a function of one parameter of one wall, all others fitted anew.
private struct WallLikelihood {
  enum Parameter: Int {
    case amplitude = 0
    case logWidth = 1
  }

  private let model: WallModel
  private let best: WallModelFit
  private let index: Int
  private let rise: Double

  /// Walls beyond the next neighbors share little but the baseline with this one and are held.
  init(model: WallModel, fit: WallModelFit, index: Int, rise: Double) {
    let order = fit.walls.indices.sorted { fit.walls[$0].position < fit.walls[$1].position }
    let place = order.firstIndex(of: index) ?? 0
    let near = order[max(0, place - 1)...min(order.count - 1, place + 1)]
    let far = fit.walls.indices.filter { !near.contains($0) }.map { fit.walls[$0] }
    let local = model.without(far)
    self.model = local
    best = local.fit(from: near.map { fit.walls[$0] }, baseline: fit.baseline)
    self.index = near.firstIndex(of: index).map { $0 - near.startIndex } ?? 0
    self.rise = rise
  }

  /// χ² above its least, in units of `rise`, outwards to three standard deviations or a bound of the fit.
  func profile(_ parameter: Parameter, direction: Double, start: Double) -> LikelihoodProfile {
    var samples = [LikelihoodProfile.Sample(distance: 0, rise: 0)]
    var near = best
    var distance = 0.5 * start
    while samples.count < 24, (samples.last?.rise ?? 9) < 9 {
      guard let fit = fit(parameter, moved: direction * distance, near: near) else { break }
      samples.append(
        LikelihoodProfile.Sample(
          distance: distance, rise: (fit.chiSquare - best.chiSquare) / rise))
      near = fit
      distance += max(0.5 * start, 0.3 * distance)
    }
    return LikelihoodProfile(samples: samples)
  }

  /// The fit with the parameter held at a distance from its best value; nil beyond the bounds of the width,
  /// where a rise would be that of the bound.
  private func fit(
    _ parameter: Parameter, moved distance: Double, near: WallModelFit
  ) -> WallModelFit? {
    var walls = near.walls
    let widths = model.sechWidthRange
    switch parameter {
    case .amplitude: walls[index].amplitude = best.walls[index].amplitude + distance
    case .logWidth:
      walls[index].sechWidth = best.walls[index].sechWidth * exp(distance)
      guard walls[index].sechWidth > 1.02 * widths.lowest,
        walls[index].sechWidth < 0.98 * widths.highest
      else { return nil }
    }
    let first = model.baselineCount + 3 * index
    let held = first + parameter.rawValue
    let fit = model.fit(from: walls, baseline: near.baseline, held: held..<(held + 1))
    return parameter == .amplitude && fit.isAtBound[first + 1] ? nil : fit
  }
}

/// χ² along one side of a parameter.
private struct LikelihoodProfile {
  struct Sample {
    var distance: Double
    var rise: Double
  }
  let samples: [Sample]

  /// The farthest distance at which χ² passes a level: edges of walls sharper than the samples make several
  /// minima. nil where it is below the level to the last sample.
  func crossing(_ level: Double) -> Double? {
    guard let inside = samples.lastIndex(where: { $0.rise < level }), inside + 1 < samples.count
    else { return nil }
    // The root of the rise is a straight line for a parabola.
    let (a, b) = (samples[inside], samples[inside + 1])
    let (low, high) = (max(0, a.rise).squareRoot(), b.rise.squareRoot())
    return a.distance + (b.distance - a.distance) * (level.squareRoot() - low) / (high - low)
  }
}
