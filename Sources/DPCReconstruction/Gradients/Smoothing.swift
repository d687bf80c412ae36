// Gaussian smoothing of maps that leaves masked pixels out, with the errors it leads to.
internal import Glibc
public import STEMCore
internal import WorkSharing

/// The map convolved with a Gaussian, over its usable pixels only.
///
/// Each pixel becomes Σ w v / Σ w over the usable pixels, w = exp(-dx²/2σx² - dy²/2σy²), cut off
/// beyond 4σ along each axis: a constant stays the same up to the rim and up to every masked
/// pixel (normalized convolution, H. Knutsson & C.-F. Westin, CVPR 1993, 515).
///
/// Masked pixels remain masked. Those that are filled in receive the mean of the usable pixels in
/// reach and keep their filling where there is none; the others remain zero.
///
/// The covariance becomes Σ w² C / (Σ w)², exact for pixels that are independent of each other
/// before. Errors that go together over ℓ pixels along an axis are taken for white ones after a Gaussian of
/// ℓ = 2√π s: both Gaussians in turn are one of hypot(s, σ), so that a variance is larger by ℓ L/hypot(ℓ, L), with
/// L = 2√π σ. Afterwards pixels are not independent: errors of neighbors within some σ are alike, and a mean over
/// pixels of the smoothed map has a larger error than the square-root rule says.
/// - Parameters:
///   - map: Any unit.
///   - sigma: Standard deviation along x and y, px; 0 leaves an axis alone.
///   - correlation: Over how many pixels along x and y errors go together before; 1 for independent pixels.
/// - Complexity: O(pixels · σ).
public func smoothed(
  _ map: VectorMap, sigma: (x: Double, y: Double), correlation: (x: Double, y: Double) = (1, 1)
) -> VectorMap {
  let window = MaskedGaussian(mask: map.mask, sigma: sigma)
  let covariance = map.covariance
  let means = [map.field.x, map.field.y]
  var planes = window.smoothed(
    means: means, variances: covariance.map { [$0.xx, $0.yy, $0.xy] } ?? [])
  var result = map
  if let covariance {
    let errors = planes.suffix(3)
    planes.removeLast(3)
    result.covariance = VectorCovariance(
      shape: covariance.shape, xx: errors[2], yy: errors[3], xy: errors[4])
    let factor =
      varianceFactor(sigma.x, correlation: correlation.x)
      * varianceFactor(sigma.y, correlation: correlation.y)
    if factor > 1 { result.covariance?.scale(by: factor) }
  }
  (result.field.x, result.field.y) = (planes[0], planes[1])
  return result
}

/// Over how many pixels errors go together that a Gaussian of this standard deviation, px, has smoothed.
///
/// - Parameter correlation: The same before; 1 for independent pixels.
/// - Returns: At least 1; white noise smoothed by σ averages like 2√π σ pixels.
public func correlationLength(sigma: Double, correlation: Double) -> Double {
  let length = 2 * Double.pi.squareRoot() * sigma
  return max(1, correlation > 1 ? hypot(correlation, length) : length)
}

/// By how much the variance after smoothing by σ pixels is larger for errors that go together than for independent ones.
private func varianceFactor(_ sigma: Double, correlation: Double) -> Double {
  let length = 2 * Double.pi.squareRoot() * sigma
  if correlation <= 1 || length == 0 { return 1 }
  return max(1, correlation * length / hypot(correlation, length))
}

extension VectorCovariance {
  fileprivate mutating func scale(by factor: Double) {
    for index in xx.indices {
      xx[index] *= factor
      yy[index] *= factor
      xy[index] *= factor
    }
  }
}

/// A separable window over the usable pixels of one frame.
struct MaskedGaussian: Sendable {
  private let mask: PixelMask
  private let kernelX: [Double]
  private let kernelY: [Double]

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
  }

  /// The means of the usable pixels in reach at every pixel, by the rules of the smoothed vector map, and the
  /// variances of such means.
  ///
  /// Bands of rows on all threads: what lies between the two passes stays in the cache, and the sums of
  /// weights are formed once for all planes.
  /// - Parameters:
  ///   - means: Planes to average.
  ///   - variances: Planes of the pixels' variances.
  /// - Returns: One plane for each, in their order.
  func smoothed(means: [[Double]], variances: [[Double]] = []) -> [[Double]] {
    let (shape, planes) = (mask.shape, means + variances)
    let reach = kernelY.count / 2
    let height = max(64, 4 * reach)
    let squares = (x: kernelX.map { $0 * $0 }, y: kernelY.map { $0 * $0 })
    return formed(planes.count) { results in
      shareWork((shape.rows + height - 1) / height) { piece in
        var band = SmoothingBand(
          mask, rows: piece * height..<min(shape.rows, (piece + 1) * height), reach: reach)
        band.formWeights(kernelX, kernelY)
        for (index, values) in planes.enumerated() {
          let isMean = index < means.count
          band.form(
            values, isMean ? kernelX : squares.x, isMean ? kernelY : squares.y, isMean: isMean,
            to: results[index])
        }
      }
    }
  }

  /// So many planes, filled by `body`.
  private func formed(
    _ count: Int, _ lent: [SharedPlane<Double>] = [], _ body: ([SharedPlane<Double>]) -> Void
  ) -> [[Double]] {
    if lent.count == count {
      body(lent)
      return []
    }
    var plane = [Double](uninitializedCount: mask.shape.count)
    let others = plane.share { formed(count, lent + [$0], body) }
    return [plane] + others
  }
}

/// Some rows of a frame, and what is needed of the rows around them.
private struct SmoothingBand {
  private let mask: PixelMask
  private let rows: Range<Int>
  private let sources: Range<Int>
  private let columns: Int
  /// Which of the sources have masked pixels.
  private let isMasked: [Bool]
  /// Sums along the source rows, of one plane after the other.
  private var alongX: [Double]
  /// Σ w over the usable pixels, at every pixel of the rows.
  private var weights: [Double]
  /// The same over both axes, of the plane at hand.
  private var sums: [Double]

  init(_ mask: PixelMask, rows: Range<Int>, reach: Int) {
    self.mask = mask
    self.rows = rows
    columns = mask.shape.columns
    let columns = columns
    sources = max(0, rows.lowerBound - reach)..<min(mask.shape.rows, rows.upperBound + reach)
    isMasked = sources.map { row in
      (row * columns..<(row + 1) * columns).contains { !mask.isUsable($0) }
    }
    alongX = [Double](repeating: 0, count: sources.count * columns)
    sums = [Double](repeating: 0, count: rows.count * columns)
    weights = []
  }

  mutating func formWeights(_ kernelX: [Double], _ kernelY: [Double]) {
    sumUp(nil, kernelX, kernelY)
    weights = sums
  }

  /// Smooths a plane, ``formWeights(_:_:)`` done.
  ///
  /// - Parameters:
  ///   - values: The plane.
  ///   - kernelX: Weights, squared where variances are formed.
  ///   - kernelY: The same.
  ///   - isMean: Whether means are formed, not their variances.
  ///   - result: Where the rows go.
  mutating func form(
    _ values: [Double], _ kernelX: [Double], _ kernelY: [Double], isMean: Bool,
    to result: SharedPlane<Double>
  ) {
    sumUp(values, kernelX, kernelY)
    let first = rows.lowerBound * columns
    let target = result[first..<first + rows.count * columns]
    let (sums, weights) = (sums.span, weights.span)
    for row in rows {
      let line = (row - rows.lowerBound) * columns..<(row - rows.lowerBound + 1) * columns
      if isMean {
        for index in line { target[index] = sums[index] / weights[index] }
      } else {
        for index in line { target[index] = sums[index] / (weights[index] * weights[index]) }
      }
      guard isMasked[row - sources.lowerBound] else { continue }
      for index in line where !mask.isUsable(first + index) {
        let isFilledIn = mask.bytes[first + index] & PixelFlags.filledIn.rawValue != 0
        if !isMean || !isFilledIn {
          target[index] = 0
        } else if weights[index] == 0 {
          target[index] = values[first + index]
        }
      }
    }
  }

  /// Σ kernelX(dx) kernelY(dy) values over the usable pixels, 1 for values without an array.
  private mutating func sumUp(_ values: [Double]?, _ kernelX: [Double], _ kernelY: [Double]) {
    let (reachX, reachY) = (kernelX.count / 2, kernelY.count / 2)
    let (mask, rows, sources, columns, isMasked) = (mask, rows, sources, columns, isMasked)
    // A row between zeros as wide as the kernel, so that no sum has to ask for the rim.
    var padded = [Double](repeating: 0, count: columns + 2 * reachX)
    // Out of their owner for the while, so that both can be lent at once.
    var (alongX, sums) = (self.alongX, self.sums)
    (self.alongX, self.sums) = ([], [])
    defer { (self.alongX, self.sums) = (alongX, sums) }
    var lines = alongX.mutableSpan
    for (line, row) in sources.enumerated() {
      Self.fill(&padded, from: reachX, values, mask, row: row, isMasked: isMasked[line])
      formLineSums(
        kernelX.span, padded.span, from: 0, step: 1, to: &lines, at: line * columns, count: columns)
    }
    var target = sums.mutableSpan
    for row in rows {
      let near = max(0, row - reachY)..<min(mask.shape.rows, row + reachY + 1)
      let weights = kernelY.span.extracting(
        (near.lowerBound - row + reachY)..<(near.upperBound - row + reachY))
      formLineSums(
        weights, alongX.span, from: (near.lowerBound - sources.lowerBound) * columns, step: columns,
        to: &target, at: (row - rows.lowerBound) * columns, count: columns)
    }
  }

  /// Puts a row's usable numbers in their place, zero for the others.
  private static func fill(
    _ padded: inout [Double], from start: Int, _ values: [Double]?, _ mask: PixelMask, row: Int,
    isMasked: Bool
  ) {
    let columns = mask.shape.columns
    let first = row * columns
    if let values {
      for column in 0..<columns { padded[start + column] = values[first + column] }
    } else {
      for column in 0..<columns { padded[start + column] = 1 }
    }
    guard isMasked else { return }
    for column in 0..<columns where !mask.isUsable(first + column) { padded[start + column] = 0 }
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
