// Gaussian smoothing of maps that leaves masked pixels out, with the errors it leads to.
internal import Glibc
public import STEMCore

/// The map convolved with a Gaussian, over its usable pixels only.
///
/// Each pixel becomes Σ w v / Σ w over the usable pixels, w = exp(-dx²/2σx² - dy²/2σy²), cut off
/// beyond 4σ along each axis: a constant stays the same up to the rim and up to every masked
/// pixel (normalised convolution, H. Knutsson & C.-F. Westin, CVPR 1993, 515).
///
/// Masked pixels remain masked. Those that are filled in receive the mean of the usable pixels in
/// reach and keep their filling where there is none; the others remain zero.
///
/// The covariance becomes Σ w² C / (Σ w)², exact for pixels that are independent of each other
/// before. Afterwards they are not: errors of neighbors within some σ are alike, and a mean over
/// pixels of the smoothed map has a larger error than the square-root rule says.
/// - Parameters:
///   - map: Any unit.
///   - sigma: Standard deviation along x and y, px; 0 leaves an axis alone.
/// - Complexity: O(pixels · σ).
public func smoothed(_ map: VectorMap, sigma: (x: Double, y: Double)) -> VectorMap {
  let window = MaskedGaussian(mask: map.mask, sigma: sigma)
  var result = map
  result.field.x = window.means(of: map.field.x)
  result.field.y = window.means(of: map.field.y)
  result.covariance = map.covariance.map { covariance in
    VectorCovariance(
      shape: covariance.shape, xx: window.variances(of: covariance.xx),
      yy: window.variances(of: covariance.yy), xy: window.variances(of: covariance.xy))
  }
  return result
}

/// The map convolved with a Gaussian, over its usable pixels only; the rules and the errors are
/// those of the smoothed vector map.
/// - Parameters:
///   - map: Any unit.
///   - sigma: Standard deviation along x and y, px; 0 leaves an axis alone.
public func smoothed(_ map: ScalarMap, sigma: (x: Double, y: Double)) -> ScalarMap {
  let window = MaskedGaussian(mask: map.mask, sigma: sigma)
  var result = map
  result.field.values = window.means(of: map.field.values)
  result.variance = map.variance.map { window.variances(of: $0) }
  return result
}

/// A separable window over the usable pixels of one frame.
private struct MaskedGaussian {
  private let mask: PixelMask
  private let isUsable: [Double]
  private let kernelX: [Double]
  private let kernelY: [Double]
  /// Σ w over the usable pixels, at every pixel.
  private let weightSums: [Double]

  init(mask: PixelMask, sigma: (x: Double, y: Double)) {
    precondition(
      sigma.x >= 0 && sigma.y >= 0 && sigma.x.isFinite && sigma.y.isFinite,
      "a standard deviation is a finite number and not negative")
    self.mask = mask
    isUsable = (0..<mask.shape.count).map { mask.isUsable($0) ? 1 : 0 }
    kernelX = gaussianKernel(sigma: sigma.x, limit: mask.shape.columns)
    kernelY = gaussianKernel(sigma: sigma.y, limit: mask.shape.rows)
    weightSums = convolved(isUsable, mask.shape, kernelX, kernelY)
  }

  func means(of values: [Double]) -> [Double] {
    let sums = convolved(masked(values), mask.shape, kernelX, kernelY)
    return values.indices.map { index in
      let flags = PixelFlags(rawValue: mask.bytes[index])
      if isUsable[index] == 0 {
        if !flags.contains(.filledIn) { return 0 }
        if weightSums[index] == 0 { return values[index] }
      }
      return sums[index] / weightSums[index]
    }
  }

  func variances(of values: [Double]) -> [Double] {
    let sums = convolved(
      masked(values), mask.shape, kernelX.map { $0 * $0 }, kernelY.map { $0 * $0 })
    return values.indices.map { index in
      isUsable[index] == 0 ? 0 : sums[index] / (weightSums[index] * weightSums[index])
    }
  }

  private func masked(_ values: [Double]) -> [Double] {
    values.indices.map { isUsable[$0] == 0 ? 0 : values[$0] }
  }
}

/// Weights exp(-d²/2σ²) for d = 0, 1, ... up to 4σ, and not beyond a side of `limit` pixels.
private func gaussianKernel(sigma: Double, limit: Int) -> [Double] {
  let reach = Int(min(4 * sigma, Double(max(0, limit - 1))))
  return (0...reach).map { distance in
    let ratio = sigma > 0 ? Double(distance) / sigma : 0
    return exp(-ratio * ratio / 2)
  }
}

/// Σ kernelX(|dx|) kernelY(|dy|) values over the frame, nothing beyond its rim.
private func convolved(
  _ values: [Double], _ shape: GridShape, _ kernelX: [Double], _ kernelY: [Double]
) -> [Double] {
  let columns = shape.columns
  let alongX = convolvedAlongX(values, shape, kernelX)
  let reach = kernelY.count - 1
  var result: [Double] = []
  result.reserveCapacity(shape.count)
  for row in 0..<shape.rows {
    var sums = [Double](repeating: 0, count: columns)
    for source in max(0, row - reach)...min(shape.rows - 1, row + reach) {
      let line = alongX.span.extracting((source * columns)..<((source + 1) * columns))
      add(line, times: kernelY[abs(source - row)], to: &sums)
    }
    result += sums
  }
  return result
}

private func convolvedAlongX(
  _ values: [Double], _ shape: GridShape, _ kernel: [Double]
) -> [Double] {
  let columns = shape.columns
  let reach = kernel.count - 1
  var result: [Double] = []
  result.reserveCapacity(shape.count)
  // A row between zeros as wide as the kernel, so that no sum has to ask for the rim.
  var padded = [Double](repeating: 0, count: columns + 2 * reach)
  for row in 0..<shape.rows {
    for column in 0..<columns { padded[reach + column] = values[row * columns + column] }
    var sums = [Double](repeating: 0, count: columns)
    for offset in 0...(2 * reach) {
      let line = padded.span.extracting(offset..<(offset + columns))
      add(line, times: kernel[abs(offset - reach)], to: &sums)
    }
    result += sums
  }
  return result
}
