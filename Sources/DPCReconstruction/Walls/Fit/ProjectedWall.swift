// The projected shape of a wall of one width: what every sample of a profile evaluates.

internal import CKernels
internal import Glibc

/// g P(c, d) of ``InclinationGeometry`` for one w, with all that does not depend on X at hand.
///
/// With q = exp(-|2|c| - d|) the denominator 2 cosh 2c + 2 cosh d, divided by its largest term,
/// needs no other exponential of X, and no term exceeds one.
struct ProjectedWall {
  private let factor: Double
  private let sechWidth: Double
  private let cosineOverWidth: Double
  private let d: Double
  private let decay: Double
  private let decaySquared: Double
  /// (1 - exp(-2d))/d, 2 at d = 0.
  private let average: Double
  /// coth d - 1/d.
  private let langevin: Double

  init(geometry: InclinationGeometry, sechWidth: Double) {
    factor = geometry.directionFactor
    self.sechWidth = sechWidth
    cosineOverWidth = geometry.cosine / sechWidth
    d = geometry.thickness * geometry.sine / sechWidth
    decay = exp(-d)
    decaySquared = exp(-2 * d)
    average = d == 0 ? 2 : -expm1(-2 * d) / d
    langevin = Self.langevin(d)
  }

  /// The distance from a wall at which its edges end and so many widths more.
  static func reach(_ geometry: InclinationGeometry, sechWidth: Double, widths: Double) -> Double {
    (geometry.thickness * geometry.sine / 2 + widths * sechWidth) / geometry.cosine
  }

  /// g P: the field in the image for E0 = 1.
  func unitHeight(at x: Double) -> Double {
    let twice = 2 * abs(x * cosineOverWidth)
    return factor * terms(twice).value
  }

  /// As the kernels take it.
  var inC: wall_shape {
    wall_shape(
      factor: factor, scale: 2 * cosineOverWidth, box: d, decay: decay, decay_squared: decaySquared,
      average: average, langevin: langevin)
  }

  /// The field in the image for E0 = 1 at many distances, in wide vectors: ``unitHeight(at:)`` but for the rounding.
  func unitHeights(at distances: [Double], width: KernelWidth = .widest) -> [Double] {
    var shape = inC
    return [Double](unsafeUninitializedCapacity: distances.count) { heights, count in
      count = distances.count
      guard let first = heights.baseAddress else { return }
      // SAFETY: the kernel reads the distances and writes as many heights, and keeps no pointer.
      wall_heights(&shape, distances, count, first, width.inC)
    }
  }

  /// Σ w t, Σ w t² and Σ w r t over some samples, t being the unit wall.
  ///
  /// - Parameters:
  ///   - position: Of the wall, m.
  ///   - precision: w of each sample.
  ///   - weighted: w r of each sample.
  func match(
    at position: Double, _ distances: [Double], precision: [Double], weighted: [Double],
    in samples: Range<Int>, width: KernelWidth = .widest
  ) -> (t: Double, tt: Double, tr: Double) {
    precondition(
      distances.indices.contains(samples) && precision.count == distances.count
        && weighted.count == distances.count, "one number per sample")
    var (shape, sums) = (inC, [0.0, 0, 0])
    // SAFETY: the kernel reads these samples, which are there, writes three sums, and keeps no pointer.
    wall_match(
      &shape, distances, position, precision, weighted, samples.lowerBound, samples.upperBound,
      &sums, width.inC)
    return (sums[0], sums[1], sums[2])
  }

  /// The field and its derivatives at the distance x from the wall.
  func sample(at x: Double, amplitude: Double) -> WallFieldSample {
    let c = x * cosineOverWidth
    let (value, slope) = terms(2 * abs(c))
    let byC = -2 * value * (c < 0 ? -slope : slope)
    let byD = value * (langevin - d * value / 2)
    let height = factor * amplitude
    return WallFieldSample(
      value: height * value, byAmplitude: factor * value,
      byWidth: -height * (byC * c + byD * d) / sechWidth,
      byPosition: -height * byC * cosineOverWidth)
  }

  /// P and sinh 2|c|/(cosh 2c + cosh d).
  private func terms(_ twice: Double) -> (value: Double, slope: Double) {
    if twice >= d {
      // Divided by exp(2|c|).
      let q = exp(d - twice)
      let down = q * decay * q * decay
      let denominator = 1 + down + q * (1 + decaySquared)
      return (2 * average * q / denominator, (1 - down) / denominator)
    }
    // Divided by exp(d).
    let q = exp(twice - d)
    let down = q > 0 ? decaySquared / q : 0
    let denominator = 1 + decaySquared + q + down
    return (2 * average / denominator, (q - down) / denominator)
  }

  private static func langevin(_ d: Double) -> Double {
    if d < 0.03 {
      // The next term, d⁷/4725, is below 1e-13 of the first here.
      let square = d * d
      return d * (1.0 / 3 - square * (1.0 / 45 - square * 2 / 945))
    }
    return 1 / tanh(d) - 1 / d
  }
}
