// Intervals of fitted fields and widths by profile likelihood, where a parabola no longer describes χ².

internal import Glibc
internal import STEMCore

/// Where a parameter lies with 68 % confidence; nil on a side where the data set no bound.
public struct WallInterval: Sendable, Equatable, Codable {
  /// Its lower end, in the parameter's unit.
  public var lower: Double?
  /// Its upper end, in the parameter's unit.
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

/// What the likelihood says of E0 and w of one wall.
struct WallDeviations {
  /// Of E0 (V/m) and w (m), 68 %.
  var field: WallInterval
  var sechWidth: WallInterval
  /// One standard deviation of E0, V/m: the linearized one, or a quarter of the length of the 95 % interval.
  var fieldError: Double
  /// Half the distance from |E0| to the bound of its 95 % interval away from zero, at least `fieldError`, V/m; |E0|
  /// without a bound.
  var fieldReach: Double
  /// Of w, m: the linearized one, the larger side of the 68 % interval or half of that of the 95 % interval, whichever is
  /// most.
  var sechWidthError: Double
  /// The lower bound of w with 95 % confidence, m; zero without one.
  var leastSechWidth: Double
}

extension WallSearch {
  /// Below these relative standard deviations both sides of an interval differ by less than a tenth of it:
  /// the linearized errors hold.
  private static let parabolic = 0.03
  /// The rise of χ² at one and at two standard deviations.
  private static let levels = [1.0, 4]

  /// Intervals and deviations of E0 (V/m) and w (m) of one wall of a fit.
  ///
  /// - Parameters:
  ///   - errors: Of E0 (V/m) and ln w, linearized.
  ///   - scale: The rise of χ² that is one standard deviation.
  func deviations(
    _ index: Int, in fit: WallModelFit, errors: (field: Double, logWidth: Double), scale: Double
  ) -> WallDeviations {
    let wall = fit.walls[index]
    guard errors.logWidth > Self.parabolic || errors.field > Self.parabolic * abs(wall.amplitude)
    else {
      let half = wall.sechWidth * errors.logWidth
      return WallDeviations(
        field: WallInterval(
          lower: wall.amplitude - errors.field, upper: wall.amplitude + errors.field),
        sechWidth: WallInterval(lower: wall.sechWidth - half, upper: wall.sechWidth + half),
        fieldError: errors.field, fieldReach: errors.field, sechWidthError: half,
        leastSechWidth: wall.sechWidth - 2 * half)
    }
    let likelihood = WallLikelihood(model: model, fit: fit, index: index, rise: scale)
    func crossings(
      _ parameter: WallLikelihood.Parameter, _ direction: Double, start: Double
    ) -> [Double?] {
      let profile = likelihood.profile(parameter, direction: direction, start: start)
      return Self.levels.map(profile.crossing)
    }
    let size = abs(wall.amplitude)
    let outward = wall.amplitude < 0 ? -1.0 : 1
    let fields = [-outward, outward].map {
      crossings(.amplitude, $0, start: min(errors.field, 0.5 * size))
    }
    let widths = [-1.0, 1].map { direction in
      crossings(.logWidth, direction, start: min(errors.logWidth, 0.5)).map { distance in
        distance.map { wall.sechWidth * exp(direction * $0) }
      }
    }
    let (smaller, larger) = (
      fields[0][0].map { wall.amplitude - outward * $0 },
      fields[1][0].map { wall.amplitude + outward * $0 }
    )
    let fieldError = Self.fieldError(
      size, linearized: errors.field, inward: fields[0][1], outward: fields[1][1])
    return WallDeviations(
      field: outward < 0
        ? WallInterval(lower: larger, upper: smaller) : WallInterval(lower: smaller, upper: larger),
      sechWidth: WallInterval(lower: widths[0][0], upper: widths[1][0]),
      fieldError: fieldError, fieldReach: max(fieldError, (fields[1][1] ?? 2 * size) / 2),
      sechWidthError: max(
        wall.sechWidth * errors.logWidth,
        widthError(wall.sechWidth, lower: widths[0], upper: widths[1])),
      leastSechWidth: widths[0][1] ?? 0)
  }

  /// The deviation of a field from the distances to the bounds of its 95 % interval, towards zero and away from it.
  ///
  /// Where the fitted width came out too large the field is too small, with a linearized error that is too small
  /// as well: the truth lies away from zero, far out in a flat likelihood. That side counts for the field itself at
  /// most, so that one without a bound has a length too, and no field has an error above itself by it.
  private static func fieldError(
    _ size: Double, linearized: Double, inward: Double?, outward: Double?
  ) -> Double {
    max(linearized, (min(inward ?? size, size) + min(outward ?? size, size)) / 4)
  }

  /// The deviation of a w from its bounds at each level; a side without one reaches as far as a width can.
  private func widthError(_ w: Double, lower: [Double?], upper: [Double?]) -> Double {
    let widest = max(model.sechWidthRange.highest, 2 * w)
    return Self.levels.indices.reduce(0) { error, level in
      max(error, max(w - (lower[level] ?? 0), (upper[level] ?? widest) - w) / Double(level + 1))
    }
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

  /// Walls beyond the next two on each side share little but the baseline with this one and are held. (In a frame of three
  /// walls the outer ones share a baseline that is nowhere to be seen alone.)
  init(model: WallModel, fit: WallModelFit, index: Int, rise: Double) {
    let order = fit.walls.indices.sorted { fit.walls[$0].position < fit.walls[$1].position }
    let place = order.firstIndex(of: index) ?? 0
    let near = order[max(0, place - 2)...min(order.count - 1, place + 2)]
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
