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
/// Every sample is tried as its place, and widths s from a quarter of a sample to half the profile. Of long profiles
/// means of neighboring samples tell first about where and how wide it is.
/// - Returns: nil without errors, and for fewer than eight samples.
public func bestStep(in profile: LineProfile, on baseline: WallBaseline) -> ProfileStep? {
  guard let errors = profile.error, profile.distance.count >= 8, errors.allSatisfy({ $0 > 0 })
  else { return nil }
  let samples = StepSamples(
    distance: profile.distance, value: profile.value, weight: errors.map { 1 / ($0 * $0) })
  guard samples.span > 0 else { return nil }
  let together = (samples.distance.count + mostPlaces - 1) / mostPlaces
  let rough = samples.averaged(together)
  let first = rough.best(on: baseline, places: rough.distance.dropFirst().dropLast()) { _ in true }
  guard together > 1, let first else { return first?.step }
  let reach = 2 * rough.span / Double(rough.distance.count)
  return samples.best(
    on: baseline,
    places: samples.distance.dropFirst().dropLast().filter { abs($0 - first.step.position) < reach }
  ) { $0 < 4 * first.width }?.step
}

/// More samples are averaged before a step is sought.
private let mostPlaces = 256

/// Samples of a profile with the weights 1/σ², in ascending order.
private struct StepSamples {
  var distance: [Double] = []
  var value: [Double] = []
  var weight: [Double] = []

  var span: Double { (distance.last ?? 0) - (distance.first ?? 0) }

  /// Means of so many neighbors.
  func averaged(_ together: Int) -> StepSamples {
    if together == 1 { return self }
    var means = StepSamples()
    for first in stride(from: 0, to: distance.count, by: together) {
      let range = first..<min(first + together, distance.count)
      let total = range.reduce(0) { $0 + weight[$1] }
      means.distance.append(range.reduce(0) { $0 + weight[$1] * distance[$1] } / total)
      means.value.append(range.reduce(0) { $0 + weight[$1] * value[$1] } / total)
      means.weight.append(total)
    }
    return means
  }

  /// The best step at one of the places, of those widths that are wanted.
  func best(
    on baseline: WallBaseline, places: some Sequence<Double>, _ isWanted: (Double) -> Bool
  ) -> (step: ProfileStep, width: Double)? {
    let widths = sequence(first: span / Double(4 * distance.count)) { 2 * $0 }
      .prefix { $0 < span / 2 }
    var best: (step: ProfileStep, width: Double)?
    for width in widths where isWanted(width) {
      for place in places {
        let step = step(at: place, width: width, on: baseline)
        if step.chiSquare < best?.step.chiSquare ?? .infinity { best = (step, width) }
      }
    }
    return best
  }

  private func step(at place: Double, width: Double, on baseline: WallBaseline) -> ProfileStep {
    let size = baseline == .linear ? 3 : 2
    var design: [Double] = []
    design.reserveCapacity(size * distance.count)
    let roots = weight.map { $0.squareRoot() }
    for k in distance.indices {
      design.append(roots[k] * erf((distance[k] - place) / width) / 2)
      design.append(roots[k])
      if size == 3 { design.append(roots[k] * (distance[k] - distance[0]) / span) }
    }
    let values = zip(value, roots).map { $0 * $1 }
    let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
    let solution = LeastSquares.solve(matrix, right)
    var chiSquare = 0.0
    for k in values.indices {
      var rest = values[k]
      for a in 0..<size { rest -= design[size * k + a] * solution[a] }
      chiSquare += rest * rest
    }
    let variance = LeastSquares.inverse(of: matrix, size: size)[0]
    return ProfileStep(
      position: place, height: Measurement(solution[0], error: variance.squareRoot()),
      chiSquare: chiSquare)
  }
}
