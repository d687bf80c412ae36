// What of an image is not periodic: the smooth part that jumps across the rim, and the noise in it.

internal import FFTW
internal import Glibc
internal import STEMCore

/// The smooth part of an image whose rest is periodic: the solution of a periodic Poisson equation with
/// the jumps across the rim as sources (L. Moisan 2011, eq. 10), mean zero.
///
/// A jump is the difference of what both sides foretell half a step beyond the rim, by a cubic through four
/// samples each, so that a periodic image has none: Moisan's own, between the outermost samples, would
/// take its step for one. Along the rim they are smoothed.
/// - Parameter smoothing: Standard deviation of the Gaussian along either side, pixels; 0 for none.
func smoothComponent(
  of image: ScalarField, smoothing: (x: Double, y: Double) = (0, 0)
) -> ScalarField {
  let (rows, columns) = (image.shape.rows, image.shape.columns)
  let vertical = smoothedLine(
    (0..<columns).map { column in
      beyondRim(rows) { image[rows - 1 - $0, column] } - beyondRim(rows) { image[$0, column] }
    }, sigma: smoothing.x)
  let horizontal = smoothedLine(
    (0..<rows).map { row in
      beyondRim(columns) { image[row, columns - 1 - $0] } - beyondRim(columns) { image[row, $0] }
    }, sigma: smoothing.y)
  var jumps = [Double](repeating: 0, count: image.shape.count)
  for column in 0..<columns {
    jumps[column] += vertical[column]
    jumps[(rows - 1) * columns + column] -= vertical[column]
  }
  for row in 0..<rows {
    jumps[row * columns] += horizontal[row]
    jumps[row * columns + columns - 1] -= horizontal[row]
  }
  let transform = RealFourierTransform(rows: rows, columns: columns)
  var plane = TransformBuffer<Double>(copying: jumps)
  var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
  transform.forward(plane, into: &spectrum)
  let width = transform.spectrumColumns
  let scale = 1 / Double(image.shape.count)
  spectrum.withMutableSpan { waves in
    for p in 0..<rows {
      for q in 0..<width {
        let index = p * width + q
        let laplacian =
          2 * cos(2 * Double.pi * Double(p) / Double(rows))
          + 2 * cos(2 * Double.pi * Double(q) / Double(columns)) - 4
        let factor = p + q == 0 ? 0 : scale / laplacian
        waves[index] = Complex(factor * waves[index].real, factor * waves[index].imaginary)
      }
    }
  }
  transform.inverse(&spectrum, into: &plane)
  return ScalarField(shape: image.shape, values: plane.array())
}

/// The value half a step before sample 0.
private func beyondRim(_ count: Int, _ sample: (Int) -> Double) -> Double {
  let weights =
    count >= 4 ? [35.0 / 16, -35.0 / 16, 21.0 / 16, -5.0 / 16] : count > 1 ? [1.5, -0.5] : [1]
  return weights.indices.reduce(0) { $0 + weights[$1] * sample($1) }
}

/// A line convolved with a Gaussian, continued by its mirror image.
private func smoothedLine(_ values: [Double], sigma: Double) -> [Double] {
  if sigma < 0.3 || values.count < 2 { return values }
  let reach = Int((4 * sigma).rounded(.up))
  let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
  let total = weights.reduce(0, +)
  let period = 2 * values.count
  return values.indices.map { center in
    var sum = 0.0
    for (offset, weight) in weights.enumerated() {
      let place = ((center + offset - reach) % period + period) % period
      sum += weight * values[place < values.count ? place : period - 1 - place]
    }
    return sum / total
  }
}

/// What counting noise makes of the jumps across the rim, and so of the smooth part's slope.
///
/// The phase integrated from slopes of variance s² per pixel of area a has the density s² a/k along the rim for
/// waves k; its jump is of two such sides, and a wave of the smooth part that is J/2 high at the rim falls as
/// exp(-k d) inwards: either component of its slope has the variance s² a/(2π) ∫ k exp(-k²σ² - 2kd) dk.
struct RimNoise {
  /// (rad/m)².
  let slopeVariance: Double
  let pixelSize: PixelSize
  /// Standard deviation of the Gaussian along the rim, m.
  let smoothing: Double

  /// Added to xx and yy of every pixel, (rad/m)².
  func variance(_ shape: GridShape) -> [Double] {
    let left = profile(shape.columns, across: pixelSize.x, along: pixelSize.y)
    let top = profile(shape.rows, across: pixelSize.y, along: pixelSize.x)
    return (0..<shape.count).map { index in
      let (row, column) = (index / shape.columns, index % shape.columns)
      return left[column] + left[shape.columns - 1 - column] + top[row]
        + top[shape.rows - 1 - row]
    }
  }

  /// By distance from one side, up to the Nyquist frequency along it.
  private func profile(_ count: Int, across: Double, along: Double) -> [Double] {
    let steps = 256
    let width = Double.pi / along / Double(steps)
    let scale = slopeVariance * pixelSize.x * pixelSize.y / (2 * Double.pi)
    return (0..<count).map { sample in
      // The outermost sample lies half a pixel inside.
      let distance = (Double(sample) + 0.5) * across
      return (0..<steps).reduce(0) { sum, step in
        let k = (Double(step) + 0.5) * width
        return sum + scale * width * k
          * exp(-k * k * smoothing * smoothing - 2 * k * distance)
      }
    }
  }
}
