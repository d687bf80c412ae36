// The variance of what stands in for an unusable pixel: that of a mean of its neighbors.
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// Variances of filled pixels, from those of the usable ones around them.
struct GapNoise {
  private let covariance: VectorCovariance
  /// Means over the map's pixels that have a variance: those of neighbors that are gaps themselves.
  private let mean: (x: Double, y: Double)
  /// Of the neighbors along x and y in the mean; twice both is one.
  private let weightX: Double
  private let weightY: Double
  /// Between neighbors on either side along x, along y, and on two sides of a corner.
  private let acrossX: Double
  private let acrossY: Double
  private let corner: Double

  /// - Parameters:
  ///   - covariance: Of the field, zero at unusable pixels.
  ///   - pixelSize: m.
  ///   - correlation: As in ``projectedChargeDensityVariance(of:gaps:pixelSize:correlation:)``.
  init(
    _ covariance: VectorCovariance, _ pixelSize: PixelSize, _ correlation: (x: Double, y: Double)
  ) {
    self.covariance = covariance
    mean = (Self.mean(covariance.xx), Self.mean(covariance.yy))
    let ratio = (pixelSize.x / pixelSize.y) * (pixelSize.x / pixelSize.y)
    (weightX, weightY) = (0.5 / (1 + ratio), 0.5 * ratio / (1 + ratio))
    func alike(_ distance: Double, _ correlation: Double) -> Double {
      guard correlation > 1 else { return 0 }
      let ratio = distance * Double.pi.squareRoot() / correlation
      return exp(-ratio * ratio)
    }
    (acrossX, acrossY) = (alike(2, correlation.x), alike(2, correlation.y))
    corner = alike(1, correlation.x) * alike(1, correlation.y)
  }

  private static func mean(_ variances: [Double]) -> Double {
    let sums = mapPieces(variances.count) { positions in
      var (sum, count) = (0.0, 0)
      for position in positions where variances[position] > 0 {
        sum += variances[position]
        count += 1
      }
      return (sum: sum, count: count)
    }
    let count = sums.reduce(0) { $0 + $1.count }
    return count == 0 ? 0 : sums.reduce(0) { $0 + $1.sum } / Double(count)
  }

  /// How far a pixel's components vary beyond what the covariance says of it, the field's unit squared.
  ///
  /// At the rim a neighbor that is not there leaves its weight to the others.
  func excess(at pixel: Int) -> (x: Double, y: Double) {
    let shape = covariance.shape
    let (row, column) = (pixel / shape.columns, pixel % shape.columns)
    let (left, right) = (column > 0 ? weightX : 0, column + 1 < shape.columns ? weightX : 0)
    let (up, down) = (row > 0 ? weightY : 0, row + 1 < shape.rows ? weightY : 0)
    let sum = left + right + up + down
    let shared =
      2 * (left * right * acrossX + up * down * acrossY + (left + right) * (up + down) * corner)
    func variance(_ variances: [Double], _ mean: Double) -> Double {
      var (own, weighted) = (0.0, 0.0)
      func add(_ weight: Double, _ neighbor: Int) {
        if weight == 0 { return }
        let variance = variances[neighbor] > 0 ? variances[neighbor] : mean
        own += weight * weight * variance
        weighted += weight * variance
      }
      add(left, pixel - 1)
      add(right, pixel + 1)
      add(up, pixel - shape.columns)
      add(down, pixel + shape.columns)
      return (own + shared * weighted / sum) / (sum * sum) - variances[pixel]
    }
    return sum == 0
      ? (0, 0) : (variance(covariance.xx, mean.x), variance(covariance.yy, mean.y))
  }
}
