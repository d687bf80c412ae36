// What field a wall could have and still not show: the upper limit where none is found.
public import STEMCore

/// The largest field of a wall that a profile allows, with 95 % confidence at its worst place.
///
/// At each sample a wall of the given width is fitted in amplitude alone, on a constant. With Â and its
/// standard deviation σ the limit there is |Â| + 1.645 σ; the largest of all places is returned, so
/// that it holds wherever in the profile the wall may be.
/// - Parameters:
///   - profile: Mean field over the thickness, V/m, with errors.
///   - geometry: Of the wall; its direction factor must not vanish.
///   - width: Intrinsic full width at half maximum, m.
/// - Returns: V/m; nil without errors or where the profile is narrower than the wall.
public func wallUpperLimit(
  profile: LineProfile, geometry: InclinationGeometry, width: Double
) -> Double? {
  let samples = ProfileSamples(profile)
  let shape = ProjectedWall(geometry: geometry, sechWidth: width / InclinationGeometry.widthFactor)
  guard samples.hasErrors, samples.span > 2 * width, abs(geometry.directionFactor) > 1e-9 else {
    return nil
  }
  let weights = samples.weight.map { $0 * $0 }
  let total = weights.reduce(0, +)
  func mean(_ values: [Double]) -> Double {
    zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } / total
  }
  let level = mean(samples.value)
  var limit: Double?
  for center in samples.distance {
    let heights = samples.distance.map { shape.unitHeight(at: $0 - center) }
    let offset = mean(heights)
    var (power, overlap) = (0.0, 0.0)
    for index in heights.indices {
      let height = heights[index] - offset
      power += weights[index] * height * height
      overlap += weights[index] * height * (samples.value[index] - level)
    }
    guard power > 0 else { continue }
    limit = max(limit ?? 0, abs(overlap / power) + 1.645 / power.squareRoot())
  }
  return limit
}
