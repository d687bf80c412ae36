// Whether a vector map has structure in two directions anywhere, or only walls, each varying along one.
internal import Glibc
public import STEMCore

/// How much of a map's variation is two-dimensional where it happens.
public struct StructureDimension: Sendable, Equatable {
  /// Σ 2|det J| / Σ |J|² over the pixels whose gradient J stands above its noise: 0 for any
  /// arrangement of straight walls (det J = 0 along each), 1/2 and more around charges.
  public var twoDimensionalShare: Double
  /// The part of the pixels that stand out.
  public var coveredShare: Double
  /// Standard deviation of the Gaussian at which the gradient was taken, pixels.
  public var smoothing: Double
}

/// Looks for two-dimensional structure at the finest smoothing that lifts enough of it above noise.
///
/// A wall, whatever its direction and the field it carries, varies along its normal only, and
/// the gradient matrix of such a field has no determinant. For a field f(n·r) t that is free of
/// curl when t ∥ n and free of divergence when t ⟂ n no rotation of the vectors can be told from the
/// data; around a charge it can.
/// - Parameter map: A vector per scan position, any unit, filled where masked.
/// - Returns: nil where no gradient stands above the noise.
public func structureDimension(of map: VectorMap) -> StructureDimension? {
  let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
  let finest = min(pixel.x, pixel.y)
  for smoothing in [1.0, 1.5, 2, 3, 4, 6, 8, 12] {
    let kernelX = GradientKernel(sigma: smoothing * finest / pixel.x, spacing: pixel.x)
    let kernelY = GradientKernel(sigma: smoothing * finest / pixel.y, spacing: pixel.y)
    guard 3 * kernelX.reach < map.shape.columns, 3 * kernelY.reach < map.shape.rows else { break }
    let found = GradientStatistics(map, kernelX, kernelY)
    if found.coveredShare >= 0.05 {
      return StructureDimension(
        twoDimensionalShare: found.twoDimensionalShare, coveredShare: found.coveredShare,
        smoothing: smoothing)
    }
  }
  return nil
}

/// A Gaussian and its derivative, sampled; the derivative is exact for linear fields.
private struct GradientKernel {
  let reach: Int
  let smooth: [Double]
  let derivative: [Double]

  init(sigma: Double, spacing: Double) {
    reach = max(1, Int((4 * sigma).rounded(.up)))
    let offsets = (-reach...reach).map(Double.init)
    let bell = offsets.map { exp(-$0 * $0 / (2 * sigma * sigma)) }
    let sum = bell.reduce(0, +)
    smooth = bell.map { $0 / sum }
    let raw = zip(offsets, bell).map { $0 * $1 }
    let moment = zip(offsets, raw).reduce(0) { $0 + $1.0 * $1.1 }
    derivative = raw.map { $0 / (moment * spacing) }
  }

  static func squares(_ kernel: [Double]) -> Double { kernel.reduce(0) { $0 + $1 * $1 } }
}

private struct GradientStatistics {
  var twoDimensionalShare = 0.0
  var coveredShare = 0.0

  init(_ map: VectorMap, _ kernelX: GradientKernel, _ kernelY: GradientKernel) {
    let shape = map.shape
    func gradient(_ plane: [Double]) -> (x: [Double], y: [Double]) {
      (
        correlated(plane, shape, kernelX.derivative, kernelY.smooth),
        correlated(plane, shape, kernelX.smooth, kernelY.derivative)
      )
    }
    let (gx, gy) = (gradient(map.field.x), gradient(map.field.y))
    var variance = 0.0
    if let covariance = map.covariance {
      let usable = (0..<shape.count).filter(map.mask.isUsable)
      let mean =
        usable.reduce(0) { $0 + covariance.xx[$1] + covariance.yy[$1] }
        / Double(max(usable.count, 1))
      variance =
        mean
        * (GradientKernel.squares(kernelX.derivative) * GradientKernel.squares(kernelY.smooth)
          + GradientKernel.squares(kernelX.smooth) * GradientKernel.squares(kernelY.derivative))
    }
    var powers: [(power: Double, determinant: Double)] = []
    for row in kernelY.reach..<(shape.rows - kernelY.reach) {
      for column in kernelX.reach..<(shape.columns - kernelX.reach) {
        let i = row * shape.columns + column
        let power = gx.x[i] * gx.x[i] + gx.y[i] * gx.y[i] + gy.x[i] * gy.x[i] + gy.y[i] * gy.y[i]
        powers.append((power, abs(gx.x[i] * gy.y[i] - gx.y[i] * gy.x[i])))
      }
    }
    let largest = powers.reduce(0) { max($0, $1.power) }
    // Five standard deviations, or what is left of the largest gradient when there is no noise.
    let threshold = max(25 * variance, 0.02 * largest)
    let above = powers.filter { $0.power > threshold }
    guard !above.isEmpty else { return }
    let power = above.reduce(0) { $0 + $1.power }
    twoDimensionalShare = above.reduce(0) { $0 + 2 * $1.determinant } / power
    coveredShare = Double(above.count) / Double(powers.count)
  }
}

/// Correlation with kernelX along rows and kernelY along columns; right where both fit in the frame.
private func correlated(
  _ plane: [Double], _ shape: GridShape, _ kernelX: [Double], _ kernelY: [Double]
) -> [Double] {
  let (rows, columns) = (shape.rows, shape.columns)
  let (reachX, reachY) = (kernelX.count / 2, kernelY.count / 2)
  var alongX = [Double](repeating: 0, count: plane.count)
  for row in 0..<rows {
    for column in reachX..<max(reachX, columns - reachX) {
      var sum = 0.0
      for k in kernelX.indices { sum += kernelX[k] * plane[row * columns + column + k - reachX] }
      alongX[row * columns + column] = sum
    }
  }
  var result = [Double](repeating: 0, count: plane.count)
  for row in reachY..<max(reachY, rows - reachY) {
    for k in kernelY.indices {
      let (source, weight) = ((row + k - reachY) * columns, kernelY[k])
      for column in 0..<columns {
        result[row * columns + column] += weight * alongX[source + column]
      }
    }
  }
  return result
}
