// How the power of a field divides between its Helmholtz parts, and the same without forming the parts.
internal import FFTW
public import STEMCore
internal import WorkSharing

/// Powers of the parts of a field: means over all pixels of the squared length, in the square of its unit.
public struct HelmholtzPowers: Sendable, Equatable {
  public let curlFree: Double
  public let divergenceFree: Double
  public let harmonic: Double
  public let mean: Double
  /// The number of waves that share the power, one per pixel.
  public let waveCount: Int

  /// Divergence-free power over the sum of curl-free and divergence-free power; 0 of no field.
  ///
  /// 0 for every electrostatic field; 1 for a field along infinitely long walls, which no
  /// potential explains. Mean and harmonic part belong to neither side.
  public var transverseFraction: Double {
    let power = curlFree + divergenceFree
    return power > 0 ? divergenceFree / power : 0
  }

  /// The ``transverseFraction`` that noise alone adds to an electrostatic field.
  ///
  /// White noise of variance σ² per component has the power 2σ², half of which is transverse: the
  /// fraction is 0.5 · 2σ² / (curl-free + divergence-free power), and 0.5 where all is noise.
  /// - Parameter meanVariance: Mean over the pixels and both components of the noise variance of
  ///   the field, in the square of its unit.
  public func transverseFractionFromNoise(meanVariance: Double) -> Double {
    precondition(meanVariance >= 0, "a variance is not negative")
    let power = curlFree + divergenceFree
    return power > 0 ? meanVariance / power : 0
  }
}

/// The powers of ``helmholtzParts(of:gaps:pixelSize:boundary:)`` for `periodic`, without the parts.
///
/// By Parseval's theorem they are sums over the spectrum: |k·E|²/k² is curl-free, |k×E|²/k²
/// divergence-free. Two forward transforms, none back.
/// - Parameters:
///   - field: Any unit, x along a row, y down.
///   - gaps: What stands in for its unusable pixels.
///   - pixelSize: m.
/// - Complexity: O(*n* log *n*), memory for two numbers a pixel.
public func periodicHelmholtzPowers(
  of field: VectorField, gaps: GapFilling = .none, pixelSize: PixelSize
) -> HelmholtzPowers {
  let shape = field.shape
  let mean = (x: gaps.mean(.x, of: field), y: gaps.mean(.y, of: field))
  var (curlFree, divergenceFree) = (0.0, 0.0)
  if shape.count > 0 {
    let transform = RealFourierTransform(rows: shape.rows, columns: shape.columns)
    let scale = 1 / (Double(shape.count) * Double(shape.count))
    let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
    let columns = transform.mapColumns(
      { gaps.copy(.x, of: field, rows: $0, minus: mean.x, to: $1) },
      { gaps.copy(.y, of: field, rows: $0, minus: mean.y, to: $1) }
    ) { x, y, column in
      let kx = derivativeFrequency(column, of: shape.columns, spacing: pixelSize.x)
      let powers = columnPowers(x, y, column: column, kx, ky)
      // The other columns stand for their mirror image as well.
      let weight = column == 0 || 2 * column == shape.columns ? 1.0 : 2
      return (along: weight * powers.along, across: weight * powers.across)
    }
    for (along, across) in columns {
      curlFree += scale * along
      divergenceFree += scale * across
    }
  }
  return HelmholtzPowers(
    curlFree: curlFree, divergenceFree: divergenceFree, harmonic: 0,
    mean: mean.x * mean.x + mean.y * mean.y, waveCount: shape.count)
}

/// Σ |k·E|²/k² and Σ |k×E|²/k² over a column of the spectrum.
private func columnPowers(
  _ x: Span<Complex>, _ y: Span<Complex>, column: Int, _ kx: Double, _ ky: [Double]
) -> (along: Double, across: Double) {
  var (along, across) = (0.0, 0.0)
  for row in ky.indices {
    let (a, b) = waveDirection(kx, ky[row], row: row, column: column)
    let k2 = a * a + b * b
    if k2 == 0 { continue }
    let (u, v) = (x[row], y[row])
    let (p, q) = (a * u.real + b * v.real, a * u.imaginary + b * v.imaginary)
    let (r, s) = (a * v.real - b * u.real, a * v.imaginary - b * u.imaginary)
    along += (p * p + q * q) / k2
    across += (r * r + s * s) / k2
  }
  return (along, across)
}

/// The direction of a wave's k.
///
/// Waves at the Nyquist frequency of one axis show no slope along it and count as uniform there.
/// Where that leaves k = 0, the axis of the Nyquist frequency is the direction of k; x for the
/// checkerboard, which has both.
func waveDirection(
  _ kx: Double, _ ky: Double, row: Int, column: Int
) -> (x: Double, y: Double) {
  if kx != 0 || ky != 0 { return (kx, ky) }
  return column > 0 ? (1, 0) : (0, row > 0 ? 1 : 0)
}
