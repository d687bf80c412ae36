// The power of smoothed noise in the modes of a frame that ends at its rim.
internal import FFTW
internal import Glibc

extension PixelNoise {
  /// Power of the modes cos(πm(j + ½)/n) and sin(πm(j + ½)/n) of an axis of n pixels in smoothed noise, over that in white
  /// noise of the same variance.
  ///
  /// With ρ(d) = exp(-d²/4σ²) for pixels d apart, a mode s holds Σ ρ(j - k) s(j) s(k)/Σ s². The products summed over
  /// pairs d apart are ½[(n - d) cos(ad) ± sin(ad)/sin a], a = πm/n, + for the sine: one Fourier transform of either part
  /// makes all sums. Unlike a sample of the noise's spectrum they keep what is longer than the frame: noise that is
  /// alike at all pixels is a uniform field, of which the sines have their parts.
  ///
  /// - Parameters:
  ///   - count: Of pixels, n.
  ///   - correlation: Over how many pixels the noise averages, 2√π σ.
  /// - Returns: For m = 0 ... n - 1; the mean over the cosines is one. The sine of m = 0 is nothing and has no power.
  static func naturalPowers(
    count: Int, correlation: Double
  ) -> (cosine: [Double], sine: [Double]) {
    guard correlation > 1 else {
      let ones = [Double](repeating: 1, count: count)
      return (ones, ones)
    }
    let sigma = correlation / (2 * Double.pi.squareRoot())
    // Each distance but none stands for two pairs.
    let alike = (0..<count).map { distance in
      let ratio = Double(distance) / (2 * sigma)
      return (distance == 0 ? 1 : 2) * exp(-ratio * ratio)
    }
    let pairs = (0..<count).map { Double(count - $0) * alike[$0] }
    let cosines = halfWaves(pairs) { $0.real }
    let sines = halfWaves(alike) { -$0.imaginary }
    let scale = 1 / Double(count)
    var powers = (cosine: [scale * cosines[0]], sine: [0.0])
    for m in 1..<max(count, 1) {
      let rim = sines[m] / sin(Double.pi * Double(m) * scale)
      // Rounding may leave a hair below nothing.
      powers.cosine.append(max(0, scale * (cosines[m] - rim)))
      powers.sine.append(max(0, scale * (cosines[m] + rim)))
    }
    return powers
  }

  /// A part of Σ values(d) exp(-iπmd/n) for m = 0 ... n.
  private static func halfWaves(_ values: [Double], _ part: (Complex) -> Double) -> [Double] {
    let transform = RealFourierTransform(rows: 1, columns: 2 * values.count)
    let padded = TransformBuffer(copying: values + [Double](repeating: 0, count: values.count))
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(padded, into: &spectrum)
    return spectrum.array().map(part)
  }
}
