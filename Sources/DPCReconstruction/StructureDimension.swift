// Whether a vector map has structure in two directions anywhere, or only walls, each varying along one.
internal import Glibc
public import STEMCore

/// How much of a map's variation is two-dimensional where it happens.
public struct StructureDimension: Sendable, Equatable {
  /// Twice the smaller eigenvalue of the local gradient tensor over its trace, weighted by the
  /// trace, noise taken off: 0 for walls, straight over the window or meeting at corners; 1/3 and
  /// more around charges; 1 where no direction is preferred.
  public var twoDimensionalShare: Double
  /// The part of the pixels whose gradient stands five standard deviations above its noise.
  public var coveredShare: Double
  /// Standard deviation of the Gaussian at which the gradient was taken, in the finer pixels.
  public var smoothing: Double

  /// Whether charges, not walls, must have made the structure.
  ///
  /// Smoothing as wide as the walls themselves rounds their corners and blurs neighbors together:
  /// from three pixels on more is asked for.
  public var isTwoDimensional: Bool { twoDimensionalShare >= (smoothing < 3 ? 0.25 : 0.5) }
}

/// Looks for two-dimensional structure at the finest smoothing that lifts half of it above noise.
///
/// A wall, whatever its direction and the field it carries, varies along its normal only. A field
/// f(n·r) t is free of curl when t ∥ n and free of divergence when t ⟂ n, so that no rotation of the
/// vectors can be told from it. The tensor of gradients Σ (∂ᵢv·∂ⱼv), averaged over a window half as
/// wide again as the smoothing, has one eigenvalue there; around a charge it has two. What noise
/// adds to the tensor is alike everywhere and is taken off. The vectors of the map may be turned or
/// mirrored: the tensor does not change.
/// - Parameters:
///   - map: A vector per scan position, any unit, filled where masked.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: nil where no smoothing that fits the scan lifts the gradients above the noise.
public func structureDimension(
  of map: VectorMap, noiseFactor: Double = 1
) -> StructureDimension? {
  let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
  let finest = min(pixel.x, pixel.y)
  let variance = noiseFactor * (meanVariance(of: map) ?? varianceOfFinestStructure(of: map))
  for smoothing in [1.0, 1.5, 2, 3, 4, 6, 8] {
    let kernelX = GradientKernel(sigma: smoothing * finest / pixel.x, spacing: pixel.x)
    let kernelY = GradientKernel(sigma: smoothing * finest / pixel.y, spacing: pixel.y)
    guard 3 * kernelX.reach < map.shape.columns, 3 * kernelY.reach < map.shape.rows else { break }
    let tensor = GradientTensor(map, kernelX, kernelY, variance: variance)
    // With more noise than structure the eigenvalues of noise are what a window shows.
    guard let share = tensor.noiseShare, share <= 0.5 else { continue }
    return StructureDimension(
      twoDimensionalShare: tensor.twoDimensionalShare(
        window: (1.5 * kernelX.sigma, 1.5 * kernelY.sigma)),
      coveredShare: tensor.coveredShare, smoothing: smoothing)
  }
  return nil
}

/// The mean of xx + yy over usable pixels; nil without counting statistics.
func meanVariance(of map: VectorMap) -> Double? {
  guard let covariance = map.covariance else { return nil }
  let usable = (0..<map.shape.count).filter(map.mask.isUsable)
  guard !usable.isEmpty else { return nil }
  return orderedSum(usable.count) { covariance.xx[usable[$0]] + covariance.yy[usable[$0]] }
    / Double(usable.count)
}

/// An upper bound of the noise, xx + yy: the power of the second difference along both axes, to
/// which independent pixels contribute 36 times their variance and smooth structure next to nothing.
func varianceOfFinestStructure(of map: VectorMap) -> Double {
  let (rows, columns) = (map.shape.rows, map.shape.columns)
  guard rows >= 3, columns >= 3 else { return 0 }
  let count = (rows - 2) * (columns - 2)
  func power(_ plane: [Double]) -> Double {
    orderedSum(count) { place in
      let first = place / (columns - 2) * columns + place % (columns - 2)
      func second(_ index: Int) -> Double {
        plane[index] - 2 * plane[index + 1] + plane[index + 2]
      }
      let mixed =
        second(first) - 2 * second(first + columns) + second(first + 2 * columns)
      return mixed * mixed
    }
  }
  return (power(map.field.x) + power(map.field.y)) / (36 * Double(count))
}

/// A Gaussian and its derivative, sampled; the derivative is exact for linear fields.
private struct GradientKernel {
  let sigma: Double
  let reach: Int
  let smooth: [Double]
  let derivative: [Double]

  init(sigma: Double, spacing: Double) {
    self.sigma = sigma
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

/// Σ (∂ᵢv·∂ⱼv) at every pixel where the gradient needs none beyond the rim nor a masked one nearby.
private struct GradientTensor {
  private var xx: ScalarMap
  private var yy: ScalarMap
  private var xy: ScalarMap
  /// Of the trace, by noise alone.
  private let noise: Double
  /// Noise in the trace over the whole; nil where there is no gradient at all.
  let noiseShare: Double?
  let coveredShare: Double

  /// - Parameter variance: Mean of xx + yy of one pixel.
  init(
    _ map: VectorMap, _ kernelX: GradientKernel, _ kernelY: GradientKernel, variance: Double
  ) {
    let shape = map.shape
    func slopes(_ plane: [Double]) -> (x: [Double], y: [Double]) {
      (
        correlated(plane, shape, kernelX.derivative, kernelY.smooth),
        correlated(plane, shape, kernelX.smooth, kernelY.derivative)
      )
    }
    let (vx, vy) = (slopes(map.field.x), slopes(map.field.y))
    let noiseX =
      variance * GradientKernel.squares(kernelX.derivative)
      * GradientKernel.squares(kernelY.smooth)
    let noiseY =
      variance * GradientKernel.squares(kernelX.smooth)
      * GradientKernel.squares(kernelY.derivative)
    noise = noiseX + noiseY
    let mask = Self.inside(map, kernelX, kernelY)
    func plane(_ product: (Int) -> Double) -> ScalarMap {
      ScalarMap(
        field: ScalarField(
          shape: shape, values: (0..<shape.count).map { mask.isUsable($0) ? product($0) : 0 }),
        variance: nil, mask: mask, pixelSize: nil)
    }
    xx = plane { vx.x[$0] * vx.x[$0] + vy.x[$0] * vy.x[$0] - noiseX }
    yy = plane { vx.y[$0] * vx.y[$0] + vy.y[$0] * vy.y[$0] - noiseY }
    xy = plane { vx.x[$0] * vx.y[$0] + vy.x[$0] * vy.y[$0] }
    let inside = (0..<shape.count).filter(mask.isUsable)
    let (a, b, noise) = (xx.field.values, yy.field.values, noise)
    let power = orderedSum(inside.count) { a[inside[$0]] + b[inside[$0]] + noise }
    noiseShare = power > 0 ? noise * Double(inside.count) / power : nil
    let above = inside.count { a[$0] + b[$0] + noise > 25 * noise }
    coveredShare = inside.isEmpty ? 0 : Double(above) / Double(inside.count)
  }

  /// Usable pixels whose gradient is neither cut by the rim nor made of filled-in neighbors.
  private static func inside(
    _ map: VectorMap, _ kernelX: GradientKernel, _ kernelY: GradientKernel
  ) -> PixelMask {
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    var mask = PixelMask(
      shape: map.shape,
      bytes: [UInt8](repeating: PixelFlags.missing.rawValue, count: map.shape.count))
    for row in kernelY.reach..<(rows - kernelY.reach) {
      for column in kernelX.reach..<(columns - kernelX.reach) {
        mask.bytes[row * columns + column] = 0
      }
    }
    let (nearX, nearY) = (Int(kernelX.sigma.rounded(.up)), Int(kernelY.sigma.rounded(.up)))
    for index in 0..<map.shape.count where !map.mask.isUsable(index) {
      let (row, column) = (index / columns, index % columns)
      for r in max(0, row - nearY)...min(rows - 1, row + nearY) {
        for c in max(0, column - nearX)...min(columns - 1, column + nearX) {
          mask.bytes[r * columns + c] = PixelFlags.missing.rawValue
        }
      }
    }
    return mask
  }

  /// - Parameter window: Standard deviation along x and y, px.
  func twoDimensionalShare(window: (x: Double, y: Double)) -> Double {
    let a = smoothed(xx, sigma: window).field.values
    let b = smoothed(yy, sigma: window).field.values
    let c = smoothed(xy, sigma: window).field.values
    let traces = zip(a, b).map(+)
    // Weak places are left out: there the eigenvalues are those of noise.
    let least = 0.05 * traces.reduce(0, max)
    let strong = traces.indices.filter { traces[$0] > least }
    let total = orderedSum(strong.count) { traces[strong[$0]] * traces[strong[$0]] }
    guard total > 0 else { return 0 }
    let second = orderedSum(strong.count) { place in
      let i = strong[place]
      let half = (a[i] - b[i]) / 2
      return traces[i] * (traces[i] / 2 - (half * half + c[i] * c[i]).squareRoot())
    }
    // Frames with less noise than they state give a little less than nothing.
    return min(1, max(0, 2 * second / total))
  }
}

/// Correlation with kernelX along rows and kernelY along columns; right where both fit in the frame.
///
/// Line by line, in bands of lines on all threads; every sum runs over its kernel in order.
private func correlated(
  _ plane: [Double], _ shape: GridShape, _ kernelX: [Double], _ kernelY: [Double]
) -> [Double] {
  let (rows, columns) = (shape.rows, shape.columns)
  let (reachX, reachY) = (kernelX.count / 2, kernelY.count / 2)
  let inner = max(0, columns - 2 * reachX)
  let alongX = lines(rows, columns) { row, start, band in
    for (k, weight) in kernelX.enumerated() {
      add(weight, plane.span, from: row * columns + k, to: &band, at: start + reachX, count: inner)
    }
  }
  return lines(rows, columns) { row, start, band in
    if row < reachY || row >= rows - reachY { return }
    for (k, weight) in kernelY.enumerated() {
      add(
        weight, alongX.span, from: (row + k - reachY) * columns, to: &band, at: start,
        count: columns)
    }
  }
}

/// A plane whose lines, zero to begin with, are filled one by one.
private func lines(
  _ rows: Int, _ columns: Int,
  _ fill: @Sendable (_ row: Int, _ start: Int, inout MutableSpan<Double>) -> Void
) -> [Double] {
  let height = 64
  return concurrentMap((rows + height - 1) / height) { band in
    let (first, last) = (band * height, min(rows, (band + 1) * height))
    var values = [Double](repeating: 0, count: (last - first) * columns)
    var span = values.mutableSpan
    for row in first..<last {
      fill(row, (row - first) * columns, &span)
    }
    return values
  }.flatMap { $0 }
}

/// line[at + i] += weight · source[from + i] for 0 <= i < count.
private func add(
  _ weight: Double, _ source: borrowing Span<Double>, from: Int,
  to line: inout MutableSpan<Double>, at: Int, count: Int
) {
  precondition(from >= 0 && from + count <= source.count && at + count <= line.count)
  for i in 0..<count { line[at + i] += weight * source[from + i] }
}
