// What field a wall could have and still not show: the upper limit where none is found.
public import STEMCore
internal import WorkSharing

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
  let sechWidth = width / InclinationGeometry.widthFactor
  let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
  guard samples.hasErrors, samples.span > 2 * width, abs(geometry.directionFactor) > 1e-9 else {
    return nil
  }
  let weights = samples.weight.map { $0 * $0 }
  let total = weights.reduce(0, +)
  let level = zip(weights, samples.value).reduce(0) { $0 + $1.0 * $1.1 } / total
  // Beyond, the wall is below 1e-9 of its height.
  let reach =
    (geometry.thickness * geometry.sine / 2 + 12 * sechWidth) / geometry.cosine
  let limits = concurrentMap(samples.count) { place -> Double? in
    let center = samples.distance[place]
    var sums = (height: 0.0, square: 0.0, overlap: 0.0)
    var index = samples.firstIndex(from: center - reach)
    while index < samples.count, samples.distance[index] <= center + reach {
      let height = shape.unitHeight(at: samples.distance[index] - center)
      sums.height += weights[index] * height
      sums.square += weights[index] * height * height
      sums.overlap += weights[index] * height * (samples.value[index] - level)
      index += 1
    }
    // The free constant takes the mean of the heights; what is left of the values has none.
    let power = sums.square - sums.height * sums.height / total
    guard power > 1e-9 * sums.square else { return nil }
    return abs(sums.overlap / power) + 1.645 / power.squareRoot()
  }
  return limits.compactMap { $0 }.max()
}
