// How far the specimen has moved between two frames: likelihoods of shifts from the waves that both hold.
internal import FFTW
internal import Glibc
internal import STEMCore

/// What spectra of one stack have in common: noise, and how far each wave stands out of it.
struct FrameSignal: Sendable {
  /// A wave is taken where the mean power around it exceeds noise by more than so many standard deviations.
  private static let threshold = 5.0

  let band: FrameBand
  /// Which waves of the band stand out, their signal over noise, and their frequencies.
  let waves: [Int]
  let ratios: [Double]
  let frequencies: [SIMD2<Double>]
  /// Mean power of a wave of noise.
  let noise: Double

  init(_ spectra: [FrameSpectrum], _ band: FrameBand) {
    self.band = band
    let count = Double(spectra.count)
    noise = spectra.reduce(0) { $0 + $1.noise } / count
    let (rows, columns) = (band.shape.rows, band.shape.columns)
    var powers = [Double](repeating: 0, count: rows * columns)
    for (index, wave) in band.waves.enumerated() {
      powers[wave] = spectra.reduce(0) { $0 + power($1.values[index]) } / count
    }
    let means = meansAround(powers, rows: rows, columns: columns)
    let least = Self.threshold / (25 * count).squareRoot()
    var (waves, ratios, frequencies) = ([Int](), [Double](), [SIMD2<Double>]())
    if noise > 0 {
      for (index, wave) in band.waves.enumerated() where means[wave] / noise - 1 > least {
        waves.append(index)
        ratios.append(means[wave] / noise - 1)
        frequencies.append(band.frequencies[index])
      }
    }
    (self.waves, self.ratios, self.frequencies) = (waves, ratios, frequencies)
  }

  /// The weights of waves with which correlating a spectrum with the mean of others gives the logarithm of the likelihood
  /// of a shift (C. H. Knapp & G. C. Carter, IEEE Trans. ASSP 24 (1976) 320).
  func weights(others: Int) -> [Double] {
    let part = 1 / Double(others)
    return ratios.map { $0 / ($0 * (1 + part) + part) / noise }
  }

  /// Of the correlation with the mean of others: what is expected of the same structure, and the scatter by noise.
  func expected(_ weights: [Double], others: Int) -> (peak: Double, scatter: Double) {
    let part = 1 / Double(others)
    var (peak, variance) = (0.0, 0.0)
    for (weight, ratio) in zip(weights, ratios) {
      peak += weight * ratio * noise
      variance += weight * weight * noise * noise * (ratio * (1 + part) + part) / 2
    }
    return (peak, variance.squareRoot())
  }

  /// Weighted products of a spectrum with the conjugate of another.
  func products(_ spectrum: [Complex], _ other: [Complex], _ weights: [Double]) -> [Complex] {
    waves.indices.map { index in
      let (a, b) = (spectrum[waves[index]], other[waves[index]])
      let weight = weights[index]
      return Complex(
        weight * (a.real * b.real + a.imaginary * b.imaginary),
        weight * (a.imaginary * b.real - a.real * b.imaginary))
    }
  }
}

/// Means over five by five waves, whose ends meet.
private func meansAround(_ powers: [Double], rows: Int, columns: Int) -> [Double] {
  var along = powers
  for row in 0..<rows {
    for column in 0..<columns {
      along[row * columns + column] = (-2...2).reduce(0.0) {
        $0 + powers[row * columns + (column + $1 + 2 * columns) % columns]
      }
    }
  }
  var means = along
  for row in 0..<rows {
    for column in 0..<columns {
      means[row * columns + column] =
        (-2...2).reduce(0.0) {
          $0 + along[(row + $1 + 2 * rows) % rows * columns + column]
        } / 25
    }
  }
  return means
}

/// The directions in which a structure tells shifts: both, or the one across straight walls.
struct ShiftDirections: Sendable, Equatable {
  let first: SIMD2<Double>
  let second: SIMD2<Double>?

  var count: Int { second == nil ? 1 : 2 }

  /// A shift's components; the second is zero where there is one direction.
  func components(_ shift: SIMD2<Double>) -> SIMD2<Double> {
    SIMD2((shift * first).sum(), second.map { (shift * $0).sum() } ?? 0)
  }

  func shift(_ components: SIMD2<Double>) -> SIMD2<Double> {
    components.x * first + components.y * (second ?? .zero)
  }
}

/// Where a correlation has its peak.
struct ShiftPeak: Sendable {
  /// In a position's mean sides.
  var shift: SIMD2<Double>
  var height: Double
  /// Of the components: what a quadratic peak and the scatter of its waves make of it. `xy` and `yy` are zero where there
  /// is one direction.
  var covariance: Matrix2
}

extension ShiftDirections {
  /// Climbs from a shift to the peak of Σ Re(product exp(i k shift)) by Newton's method.
  func peak(
    near start: SIMD2<Double>, _ products: [Complex], _ frequencies: [SIMD2<Double>],
    cell: SIMD2<Double>
  ) -> ShiftPeak {
    let waves = frequencies.map(components)
    var place = components(start)
    var curvature = Matrix2.zero
    var (scores, height) = (curvature, 0.0)
    for _ in 0..<20 {
      var gradient = SIMD2<Double>.zero
      (curvature, scores, height) = (.zero, .zero, 0)
      for (wave, product) in zip(waves, products) {
        let phase = (wave * place).sum()
        let (c, s) = (cos(phase), sin(phase))
        let real = product.real * c - product.imaginary * s
        let imaginary = product.real * s + product.imaginary * c
        height += real
        gradient -= imaginary * wave
        curvature.add(real, wave)
        scores.add(imaginary * imaginary, wave)
      }
      guard let inverse = inverse(curvature) else { break }
      let newton = inverse(gradient.x, gradient.y)
      var step = SIMD2(newton.x, newton.y)
      let size = length(shift(step) / cell)
      if size > 0.5 { step *= 0.5 / size }
      place += step
      if size < 1e-4 { break }
    }
    let inverse = inverse(curvature) ?? .zero
    return ShiftPeak(
      shift: shift(place), height: height, covariance: inverse.after(scores).after(inverse))
  }

  /// Of a symmetric matrix of components; nil where it is not positive.
  func inverse(_ matrix: Matrix2) -> Matrix2? {
    if matrix.xx <= 0 { return nil }
    if count == 1 { return Matrix2(xx: 1 / matrix.xx, xy: 0, yx: 0, yy: 0) }
    return matrix.xx * matrix.yy > matrix.xy * matrix.yx ? matrix.inverse : nil
  }
}
