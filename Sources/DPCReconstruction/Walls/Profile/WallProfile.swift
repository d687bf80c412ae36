// The mean of a vector component along a wall, as a function of the distance across it.

public import STEMCore
internal import WorkSharing

/// The profile of one field component across walls of a known normal.
///
/// Where values change along the wall, as descan that is left has them, the samples of a slanting frame would be means
/// over different stretches of it. What the pixels of the samples, each about its own mean, have in common as a
/// linear function of the distance along the wall is therefore taken off, where it stands above its error.
///
/// Every usable pixel enters exactly one sample, so the samples' errors are uncorrelated. Where
/// the normal lies along an axis the samples are whole rows or columns. Otherwise the pixels are
/// binned by their distance u along the normal in steps of half the smaller pixel side; the
/// distance of a bin is the mean u of its pixels, and what the profile's curvature within the bin
/// adds to the mean, f″ Var(u)/2, is removed with f″ from a local fourth-order polynomial. What
/// remains is below 1e-5 of the peak for walls of ten pixels FWHM, and nil where all pixels of
/// a bin share one distance, as at 45° with square pixels.
///
/// - Parameters:
///   - map: A vector per scan position in the scan frame; any unit, which is the profile's.
///   - direction: `parallel` and `normal` select the component along the normal's azimuth,
///     `perp` the one along azimuth + 90°.
///   - normalAzimuth: Of the wall normal, from +x (right) towards +y (down), rad.
/// - Returns: Distances from the scan's center, (n-1)/2 pixels on each axis, m. Samples with less
///   than a fortieth of the largest sample count are dropped. Errors are those of the mean from the
///   pixels' covariance or, without one, from the scatter along the wall; absent where the
///   scatter is mere rounding.
/// - Throws: ``WallError`` without a pixel size, a finite azimuth, or usable pixels.
public func wallProfile(
  of map: VectorMap, direction: FieldDirection, normalAzimuth: Double
) throws(WallError) -> LineProfile {
  try wallProfile(
    of: map, direction: direction, normalAzimuth: normalAzimuth, alongShift: nil,
    leastPart: 1.0 / 40)
}

/// The profile across a wall that is not straight, at the distances from where it is.
///
/// - Parameters:
///   - shift: By how far it leaves a straight line along its normal; places along it are counted from the scan's center.
///   - leastPart: Samples with a smaller part of the largest sample count are dropped.
func wallProfile(
  of map: VectorMap, direction: FieldDirection, normalAzimuth: Double, alongShift shift: WallShift?,
  leastPart: Double
) throws(WallError) -> LineProfile {
  guard let pixel = map.pixelSize else { throw .pixelSizeMissing }
  guard normalAzimuth.isFinite else { throw .badAzimuth(normalAzimuth) }
  let normal = unitVector(azimuth: normalAzimuth)
  let component = direction == .perp ? (x: -normal.y, y: normal.x) : normal
  var bins = ProfileBins(
    map: map, pixel: pixel, normal: normal, component: component, shift: shift)
  bins.dropSparseBins(below: leastPart)
  guard !bins.bins.isEmpty else { throw .tooFewSamples(0, needed: 1) }
  bins.removeSlopeAlong()
  bins.removeCurvature(within: 3 * min(pixel.x, pixel.y))
  var profile = LineProfile(
    distance: bins.bins.map(\.distance), value: bins.bins.map(\.value), error: bins.errors(),
    sampleCount: bins.bins.map(\.count))
  profile.slopeAlong = bins.slopeAlong
  return profile
}

/// Pixels gathered by their distance along the normal, in ascending order.
private struct ProfileBins {
  var bins: [ProfileBin] = []
  private var slopes: [Double] = []
  private let hasCovariance: Bool
  /// Taken off along the wall, per m.
  private(set) var slopeAlong: Measurement?
  /// A slope is taken off where it is so many times its error.
  private static let clearSlope = 5.0
  /// The samples' own slopes have a common one where their χ² about it exceeds that of noise by no more of its
  /// standard deviations.
  private static let clearScatter = 4.0

  init(
    map: VectorMap, pixel: PixelSize, normal: (x: Double, y: Double),
    component: (x: Double, y: Double), shift: WallShift?
  ) {
    let frame = ProfileFrame(
      shape: map.shape, pixel: pixel, normal: normal, component: component, shift: shift)
    let rows = map.shape.rows
    hasCovariance = map.covariance != nil
    let height = 128
    let bands = concurrentMap((rows + height - 1) / height) { band in
      frame.bins(of: map, rows: band * height..<min(rows, (band + 1) * height))
    }
    bins = frame.noBins
    for band in bands {
      for k in bins.indices { bins[k].add(band[k], tolerance: frame.tolerance) }
    }
    for k in bins.indices where bins[k].count > 0 {
      bins[k].value = bins[k].reference + bins[k].valueSum / Double(bins[k].count)
    }
  }

  mutating func dropSparseBins(below leastPart: Double) {
    let least = leastPart * Double(bins.map(\.count).max() ?? 0)
    bins.removeAll { $0.count == 0 || Double($0.count) < least }
    bins.sort { $0.distance < $1.distance }
    slopes = [Double](repeating: 0, count: bins.count)
  }

  /// Takes off what changes along the wall, in the same way at every distance across it.
  ///
  /// The slopes of the samples scatter about a common one as their errors say, where it is a plane's. Where charges
  /// or the ends of walls make them, they scatter by more, and no common one is taken off.
  mutating func removeSlopeAlong() {
    let used = bins.filter { $0.alongSpread > 0 }
    let spread = used.reduce(0) { $0 + $1.alongSpread }
    guard used.count > 1 else { return }
    let slope = used.reduce(0) { $0 + $1.alongCovariance } / spread
    let pooled = hasCovariance ? 0 : scatterAbout(slope)
    // With errors known, each pixel's variance is taken for the mean one of its bin.
    let variances = used.map { hasCovariance ? $0.varianceSum / Double($0.count) : pooled }
    let (variance, misfit) = zip(used, variances).reduce((0.0, 0.0)) { sums, next in
      let (bin, variance) = next
      let rest = bin.alongCovariance - slope * bin.alongSpread
      return (
        sums.0 + bin.alongSpread * variance,
        sums.1 + (variance > 0 ? rest * rest / (bin.alongSpread * variance) : 0)
      )
    }
    let error = variance.squareRoot() / spread
    let freedom = Double(used.count - 1)
    guard abs(slope) > Self.clearSlope * error,
      misfit <= freedom + Self.clearScatter * (2 * freedom).squareRoot()
    else { return }
    slopeAlong = Measurement(slope, error: error)
    for b in bins.indices { bins[b].value -= slope * bins[b].alongMean }
  }

  /// The variance of a pixel about its bin's mean and a slope along the wall.
  private func scatterAbout(_ slope: Double) -> Double {
    let freedom = bins.reduce(0) { $0 + $1.count - 1 } - 1
    guard freedom > 0 else { return .infinity }
    let sum = bins.reduce(0) {
      $0 + $1.scatter(slope: 0) - 2 * slope * $1.alongCovariance + slope * slope * $1.alongSpread
    }
    return max(0, sum) / Double(freedom)
  }

  /// Takes f″ Var(u)/2 off each mean, f″ from a fourth-order polynomial through the bins around.
  mutating func removeCurvature(within radius: Double) {
    guard bins.contains(where: { $0.spread > 0 }) else { return }
    let raw = bins.map(\.value)
    for b in bins.indices where bins[b].spread > 0 {
      let center = bins[b].distance
      var first = b
      while first > 0, center - bins[first - 1].distance <= radius { first -= 1 }
      var last = b
      while last + 1 < bins.count, bins[last + 1].distance - center <= radius { last += 1 }
      guard last - first >= 6 else { continue }
      let order = 5
      var design: [Double] = []
      var values: [Double] = []
      for k in first...last {
        let x = (bins[k].distance - center) / radius
        let weight = Double(bins[k].count).squareRoot()
        var power = weight
        for _ in 0..<order {
          design.append(power)
          power *= x
        }
        values.append((raw[k] - raw[b]) * weight)
      }
      let (matrix, right) = LeastSquares.normalEquations(design, values, size: order)
      let coefficients = LeastSquares.solve(matrix, right)
      slopes[b] = coefficients[1] / radius
      bins[b].value = raw[b] - coefficients[2] * bins[b].spread / (radius * radius)
    }
  }

  /// Standard errors of the means; nil where there is no scatter beyond rounding.
  func errors() -> [Double]? {
    if hasCovariance {
      let errors = bins.map { bin in
        let ofSlope = (slopeAlong?.error ?? 0) * bin.alongMean
        return (bin.varianceSum / Double(bin.count * bin.count) + ofSlope * ofSlope).squareRoot()
      }
      return errors.allSatisfy { $0 > 0 && $0.isFinite } ? errors : nil
    }
    // A variance from few samples is itself uncertain: each bin is weighed with the pooled
    // variance as if that had been seen in `prior` samples of its own.
    let prior = 8.0
    let slope = slopeAlong?.value ?? 0
    let scatters = bins.indices.map {
      max(
        0,
        bins[$0].scatter(slope: slopes[$0]) - 2 * slope * bins[$0].alongCovariance
          + slope * slope * bins[$0].alongSpread)
    }
    let freedom = bins.reduce(0.0) { $0 + Double($1.count - 1) }
    guard freedom >= 4 else { return nil }
    let pooled = scatters.reduce(0, +) / freedom
    let largest = bins.reduce(0.0) { max($0, abs($1.value)) }
    guard pooled.squareRoot() > 1e-9 * largest, pooled > 0 else { return nil }
    return bins.indices.map { b in
      let n = Double(bins[b].count)
      return ((scatters[b] + prior * pooled) / (n - 1 + prior) / n).squareRoot()
    }
  }
}
