// Noise that is alike at all pixels of a map, and its power by waves.
internal import Glibc
public import STEMCore

/// Noise of a vector map, alike at all pixels, white or smoothed.
public struct PixelNoise: Sendable, Equatable {
  /// Of the x component of one pixel, in the square of the map's unit.
  public var varianceX: Double
  /// Of the y component of one pixel, in the square of the map's unit.
  public var varianceY: Double
  /// Over how many pixels along x errors go together; 1 for independent pixels.
  public var correlationX: Double
  /// Over how many pixels along y errors go together; 1 for independent pixels.
  public var correlationY: Double

  public init(
    varianceX: Double, varianceY: Double, correlationX: Double = 1, correlationY: Double = 1
  ) {
    precondition(varianceX >= 0 && varianceY >= 0, "a variance is not negative")
    precondition(correlationX >= 1 && correlationY >= 1, "a pixel goes together with itself")
    self.varianceX = varianceX
    self.varianceY = varianceY
    self.correlationX = correlationX
    self.correlationY = correlationY
  }

  /// The mean over the usable pixels of a map; nil where the map has no covariance or no usable pixel.
  public init?(of map: VectorMap, correlationX: Double = 1, correlationY: Double = 1) {
    guard let covariance = map.covariance,
      let (x, y) = usableMeans(covariance.xx, covariance.yy, map.mask)
    else { return nil }
    guard x.isFinite, y.isFinite, x >= 0, y >= 0 else { return nil }
    self.init(
      varianceX: x, varianceY: y, correlationX: max(1, correlationX),
      correlationY: max(1, correlationY))
  }

  /// Power of waves of `phase` rad per pixel over that of white noise of the same variance: that of
  /// white noise smoothed by a Gaussian which averages over `correlation` pixels, 2√π of its sigma.
  /// The mean over `phases` is one.
  static func spectrum(_ phases: [Double], correlation: Double) -> [Double] {
    guard correlation > 1 else { return [Double](repeating: 1, count: phases.count) }
    let sigma = correlation / (2 * Double.pi.squareRoot())
    let raw = phases.map { exp(-$0 * $0 * sigma * sigma) }
    let mean = raw.reduce(0, +) / Double(raw.count)
    return raw.map { $0 / mean }
  }
}

extension PixelNoise {
  /// Frequencies of a periodic frame's columns and rows, cycles/m, and the noise power of each over that of
  /// white noise.
  func periodicWaves(
    _ shape: GridShape, _ pixelSize: PixelSize
  ) -> (kx: [Double], ky: [Double], powerX: [Double], powerY: [Double]) {
    let kx = derivativeFrequencies(shape.columns, spacing: pixelSize.x)
    let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
    return (
      kx, ky,
      Self.spectrum(
        kx.map { 2 * Double.pi * abs($0) * pixelSize.x }, correlation: correlationX),
      Self.spectrum(
        ky.map { 2 * Double.pi * abs($0) * pixelSize.y }, correlation: correlationY)
    )
  }
}
