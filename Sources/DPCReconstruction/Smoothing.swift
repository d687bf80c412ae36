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
  var window = MaskedGaussian(mask: map.mask, sigma: sigma)
  var result = map
  result.field.x = window.means(of: map.field.x)
  result.field.y = window.means(of: map.field.y)
  if let covariance = map.covariance {
    result.covariance = VectorCovariance(
      shape: covariance.shape, xx: window.variances(of: covariance.xx),
      yy: window.variances(of: covariance.yy), xy: window.variances(of: covariance.xy))
  }
  return result
}

/// A separable window over the usable pixels of one frame.
struct MaskedGaussian {
  private let mask: PixelMask
  private let kernelX: [Double]
  private let kernelY: [Double]
  /// Σ w over the usable pixels, at every pixel.
  private var weightSums: [Double]
  /// Sums along rows, of one plane after the other.
  private var alongX: [Double]

  /// - Parameters:
  ///   - mask: Which pixels count.
  ///   - sigma: Standard deviation along x and y, px; 0 leaves an axis alone.
  init(mask: PixelMask, sigma: (x: Double, y: Double)) {
    precondition(
      sigma.x >= 0 && sigma.y >= 0 && sigma.x.isFinite && sigma.y.isFinite,
      "a standard deviation is a finite number and not negative")
    self.mask = mask
    kernelX = gaussianKernel(sigma: sigma.x, limit: mask.shape.columns)
    kernelY = gaussianKernel(sigma: sigma.y, limit: mask.shape.rows)
    alongX = [Double](repeating: 0, count: mask.shape.count)
    weightSums = []
    weightSums = convolved(nil, kernelX, kernelY) { _, sum in sum }
  }

  /// The mean of the usable pixels in reach at every pixel, by the rules of the smoothed vector map.
  mutating func means(of values: [Double]) -> [Double] {
    let (mask, weights) = (mask, weightSums)
    return convolved(values, kernelX, kernelY) { index, sum in
      if mask.isUsable(index) { return sum / weights[index] }
      if mask.bytes[index] & PixelFlags.filledIn.rawValue == 0 { return 0 }
      return weights[index] == 0 ? values[index] : sum / weights[index]
    }
  }

  /// The variance of ``means(of:)``, from that of the pixels.
  mutating func variances(of values: [Double]) -> [Double] {
    let (mask, weights) = (mask, weightSums)
    return convolved(values, kernelX.map { $0 * $0 }, kernelY.map { $0 * $0 }) { index, sum in
      mask.isUsable(index) ? sum / (weights[index] * weights[index]) : 0
    }
  }

  /// What `finish` makes of Σ kernelX(dx) kernelY(dy) values over the usable pixels, 1 for values without
  /// an array.
  @inline(__always)
  private mutating func convolved(
    _ values: [Double]?, _ kernelX: [Double], _ kernelY: [Double],
    _ finish: @Sendable (_ index: Int, _ sum: Double) -> Double
  ) -> [Double] {
    let (mask, shape) = (mask, mask.shape)
    let columns = shape.columns
    let reachX = kernelX.count / 2
    forEachLine(of: &alongX, shape) { row, start, band in
      // A row between zeros as wide as the kernel, so that no sum has to ask for the rim.
      var padded = [Double](repeating: 0, count: columns + 2 * reachX)
      if let values {
        for column in 0..<columns where mask.isUsable(row * columns + column) {
          padded[reachX + column] = values[row * columns + column]
        }
      } else {
        for column in 0..<columns where mask.isUsable(row * columns + column) {
          padded[reachX + column] = 1
        }
      }
      clear(&band, at: start, count: columns)
      accumulate(
        kernelX.span, padded.span, from: 0, step: 1, to: &band, at: start, count: columns)
    }
    var result = [Double](repeating: 0, count: shape.count)
    let (lines, reachY) = (alongX, kernelY.count / 2)
    forEachLine(of: &result, shape) { row, start, band in
      let sources = max(0, row - reachY)..<min(shape.rows, row + reachY + 1)
      let weights = kernelY.span.extracting(
        (sources.lowerBound - row + reachY)..<(sources.upperBound - row + reachY))
      accumulate(
        weights, lines.span, from: sources.lowerBound * columns, step: columns, to: &band,
        at: start, count: columns)
      for column in 0..<columns {
        band[start + column] = finish(row * columns + column, band[start + column])
      }
    }
    return result
  }
}

/// Weights exp(-d²/2σ²) for d up to 4σ to both sides, and not beyond a side of `limit` pixels.
private func gaussianKernel(sigma: Double, limit: Int) -> [Double] {
  let reach = Int(min(4 * sigma, Double(max(0, limit - 1))))
  return (-reach...reach).map { distance in
    let ratio = sigma > 0 ? Double(abs(distance)) / sigma : 0
    return exp(-ratio * ratio / 2)
  }
}
