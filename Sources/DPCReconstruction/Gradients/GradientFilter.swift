// The filter of a map's gradients: its kernels, what it makes of noise, and what stands in for unusable pixels.

internal import Glibc
internal import STEMCore

/// Gaussian smoothing and its derivative, separable.
struct GradientFilter: Sendable {
  let radius: Int
  private let sigma: Double
  private let smooth: [Double]
  private let derivativeX: [Double]
  private let derivativeY: [Double]

  init(sigma: Double, pixel: PixelSize) {
    let reach = Int((3.5 * sigma).rounded(.up))
    let offsets = (-reach...reach).map(Double.init)
    let bell = offsets.map { exp(-$0 * $0 / (2 * sigma * sigma)) }
    let sum = bell.reduce(0, +)
    // Correlation with offset · Gaussian; exact for linear fields by its normalization.
    let raw = zip(offsets, bell).map { $0 * $1 }
    let moment = zip(offsets, raw).reduce(0) { $0 + $1.0 * $1.1 }
    radius = reach
    self.sigma = sigma
    smooth = bell.map { $0 / sum }
    derivativeX = raw.map { $0 / moment / pixel.x }
    derivativeY = raw.map { $0 / moment / pixel.y }
  }

  var tile: GradientTile {
    GradientTile(
      smoothX: smooth, derivativeX: derivativeX, smoothY: smooth, derivativeY: derivativeY)
  }

  /// The variances of the gradients of noise with unit variance: for independent positions the
  /// Σ kernel² of the gradient kernels, less by as much as a Gaussian damps them that has smoothed the noise.
  func noise(
    _ factor: Double, _ smoothness: (x: Double, y: Double)
  ) -> (x: Double, y: Double) {
    func squares(_ kernel: [Double]) -> Double { kernel.reduce(0) { $0 + $1 * $1 } }
    let damping = (x: sigma / width(smoothness.x), y: sigma / width(smoothness.y))
    let all = factor * damping.x * damping.y
    return (
      squares(derivativeX) * squares(smooth) * (all * damping.x * damping.x),
      squares(derivativeY) * squares(smooth) * (all * damping.y * damping.y)
    )
  }

  /// σx σy of the Gaussian that makes noise as smooth as it is once filtered.
  func area(_ smoothness: (x: Double, y: Double)) -> Double {
    width(smoothness.x) * width(smoothness.y)
  }

  private func width(_ smoothness: Double) -> Double {
    (sigma * sigma + smoothness * smoothness).squareRoot()
  }

  /// What unusable pixels take: the Gaussian-weighted mean of the usable ones around them.
  func fillings(
    _ plane: [Double], _ mask: PixelMask, _ unusable: [Int]
  ) -> [(index: Int, value: Double)] {
    let shape = mask.shape
    return unusable.map { pixel in
      let (row, column) = pixel.quotientAndRemainder(dividingBy: shape.columns)
      var weight = 0.0
      var sum = 0.0
      for r in max(0, row - radius)...min(shape.rows - 1, row + radius) {
        for c in max(0, column - radius)...min(shape.columns - 1, column + radius) {
          let i = r * shape.columns + c
          guard mask.isUsable(i) else { continue }
          let w = smooth[r - row + radius] * smooth[c - column + radius]
          weight += w
          sum += w * plane[i]
        }
      }
      return (pixel, weight > 0 ? sum / weight : 0)
    }
  }
}
