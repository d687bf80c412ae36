// How well one pixel of a map is known: the median of its pixels' standard deviations.
public import STEMCore

/// The median over usable pixels of one component's standard deviation, in the map's unit: the root of the mean
/// variance of x and y. nil where errors are unknown or no pixel is usable.
/// - Complexity: O(*n*) on average.
public func medianDeviation(_ map: VectorMap) -> Double? {
  guard let covariance = map.covariance else { return nil }
  let (xx, yy) = (covariance.xx, covariance.yy)
  return medianDeviation(map.mask) { places, variances in
    let (xx, yy) = (xx.span.extracting(places), yy.span.extracting(places))
    for index in 0..<places.count { variances[index] = (xx[index] + yy[index]) / 2 }
  }
}

/// The median over usable pixels of the root of their variance, in the root of its unit; nil where no pixel is usable.
///
/// - Parameters:
///   - mask: Of the map.
///   - variance: One number for each pixel, row after row.
/// - Complexity: O(*n*) on average.
public func medianDeviation(_ mask: PixelMask, of variance: [Double]) -> Double? {
  medianDeviation(mask) { places, variances in
    let values = variance.span.extracting(places)
    for index in 0..<places.count { variances[index] = values[index] }
  }
}

/// The roots of the two variances in the middle: roots are in the order of their squares.
private func medianDeviation(_ mask: PixelMask, _ write: NumberWriter) -> Double? {
  let unusable = PixelFlags.unusable.rawValue
  let variances = middle(count: mask.shape.count) { places, numbers in
    write(places, &numbers)
    let flags = mask.bytes.span.extracting(places)
    for index in 0..<places.count {
      numbers[index] = flags[index] & unusable == 0 ? numbers[index] : .nan
    }
  }
  guard let (lower, upper) = variances else { return nil }
  let (low, high) = (lower.squareRoot(), upper.squareRoot())
  return low == high ? high : (low + high) / 2
}
