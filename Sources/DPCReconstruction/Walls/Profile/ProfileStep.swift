// A step between two levels, which walls one after the other can imitate.

internal import Glibc
public import STEMCore

/// The step that explains a profile best.
public struct ProfileStep: Sendable, Equatable {
  /// Along the normal from the scan's center, m.
  public var position: Double
  /// The level beyond the step less that before it, in the profile's unit.
  public var height: Measurement
  /// Of the whole profile beside the step.
  public var chiSquare: Double
}

/// The step offset + height erf((u - u0)/s)/2 with the lowest χ², on a slope or none.
///
/// Places are tried at every sample or at some 400 of them, widths s from a quarter of a sample to half
/// the profile.
/// - Returns: nil without errors, and for fewer than eight samples.
public func bestStep(in profile: LineProfile, on baseline: WallBaseline) -> ProfileStep? {
  guard let errors = profile.error, profile.distance.count >= 8, let first = profile.distance.first,
    let last = profile.distance.last, last > first, errors.allSatisfy({ $0 > 0 })
  else { return nil }
  let (count, span) = (profile.distance.count, last - first)
  let size = baseline == .linear ? 3 : 2
  let values = zip(profile.value, errors).map { $0 / $1 }
  let widths = sequence(first: span / Double(4 * count)) { 2 * $0 }.prefix { $0 < span / 2 }
  var best: ProfileStep?
  var design = [Double](repeating: 0, count: size * count)
  for width in widths {
    for place in stride(from: 1, to: count - 1, by: max(1, count / mostPlaces)) {
      let position = profile.distance[place]
      for k in 0..<count {
        let (u, weight) = (profile.distance[k], 1 / errors[k])
        design[size * k] = weight * erf((u - position) / width) / 2
        design[size * k + 1] = weight
        if size == 3 { design[size * k + 2] = weight * (u - first) / span }
      }
      let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
      let solution = LeastSquares.solve(matrix, right)
      var chiSquare = 0.0
      for k in 0..<count {
        var rest = values[k]
        for a in 0..<size { rest -= design[size * k + a] * solution[a] }
        chiSquare += rest * rest
      }
      guard chiSquare < best?.chiSquare ?? .infinity else { continue }
      let variance = LeastSquares.inverse(of: matrix, size: size)[0]
      best = ProfileStep(
        position: position, height: Measurement(solution[0], error: variance.squareRoot()),
        chiSquare: chiSquare)
    }
  }
  return best
}

private let mostPlaces = 400
