// The power spectrum behind a noisy profile, and how much of each of its waves a Wiener filter restores.

internal import Glibc

/// What is known of each wave of a profile, and what the filter makes of it.
struct WaveEstimate {
  /// G of each wave.
  private(set) var gains: [Double] = []
  /// Σ (1 - G H)² S over the waves.
  private(set) var damped = 0.0
  /// Of the expected power Σ S.
  private(set) var dampedShare = 0.0
  private(set) var lostShare = 0.0
  private var recovered: [Double] = []

  init(power: [Double], transfer: [Double], noise: Double) {
    let spectrum = SmoothSpectrum(power: power, transfer: transfer, noise: noise).powers
    var (total, lost) = (0.0, 0.0)
    for wave in power.indices {
      if wave == 0 {
        gains.append(1 / transfer[0])
        recovered.append(1)
        continue
      }
      let (h, s) = (transfer[wave], spectrum[wave])
      let share = h * h * s / (h * h * s + noise)
      recovered.append(share)
      gains.append(h * s / (h * h * s + noise))
      damped += (1 - share) * (1 - share) * s
      let excess = max(0, power[wave] - noise)
      total += excess
      if share < 0.5 { lost += excess }
    }
    lostShare = total > 0 ? lost / total : 0
    let expected = spectrum.reduce(0, +)
    dampedShare = expected > 0 ? damped / expected : 1
  }

  /// The shortest period along the normal; zeros of the box are narrow, so that it ends where three waves in
  /// a row are lost.
  func resolution(step: Double) -> Double? {
    let waves = 1..<(recovered.count - 2)
    let end = waves.first { wave in (wave..<(wave + 3)).allSatisfy { recovered[$0] < 0.5 } }
    let last = end ?? recovered.count - 1
    return last > 1 ? 1 / (Double(last) * step) : nil
  }
}

/// S(m) = A (x/sinh x)², x = m/m0: the power of peaks of one width, wherever they are; its expected value.
///
/// The likelihood of A and m0 is that of the measured powers, each of them χ² of one degree of freedom about
/// V = H² S + N: -2 ln L = Σ (ln V + P/V) (P. Whittle, 1953). S is averaged over both with this weight, all
/// widths and all amplitudes √A being alike beforehand: where nothing stands out, S is what may hide. Two
/// parameters leave a single wave at a zero of H no say, which a spectrum estimated wave by wave gives it.
private struct SmoothSpectrum {
  private(set) var powers: [Double]

  /// The narrowest peaks have a width at half maximum of four samples: m0 = 0.088 of all waves.
  private static let highest = 0.088
  private static let widths = 25
  private static let ratio = 1.25

  init(power: [Double], transfer: [Double], noise: Double) {
    powers = [Double](repeating: 0, count: power.count)
    let waves = 1..<power.count
    let largest = Self.highest * Double(power.count)
    let smallest = min(0.5, largest)
    // Nothing exceeds all the power in one wave of full transfer.
    let most = power.dropFirst().reduce(0, +) / (transfer[0] * transfer[0])
    var total = 0.0
    var least = Double.infinity
    for k in 0..<Self.widths {
      let m0 = smallest * pow(largest / smallest, Double(k) / Double(Self.widths - 1))
      let shapes = power.indices.map { Self.shape(Double($0) / m0) }
      var amplitude = 0.01 * noise
      while amplitude < Self.ratio * max(most, noise) {
        var misfit = 0.0
        for wave in waves {
          let variance = amplitude * transfer[wave] * transfer[wave] * shapes[wave] + noise
          misfit += log(variance) + power[wave] / variance
        }
        // Weights are counted from the best trial so far.
        if misfit < least {
          let fading = least.isFinite ? exp((misfit - least) / 2) : 0
          total *= fading
          for wave in waves { powers[wave] *= fading }
          least = misfit
        }
        let weight = exp((least - misfit) / 2) * amplitude.squareRoot()
        if weight > 1e-12 * total {
          total += weight
          for wave in waves { powers[wave] += weight * amplitude * shapes[wave] }
        }
        amplitude *= Self.ratio
      }
    }
    for wave in waves where total > 0 { powers[wave] /= total }
  }

  private static func shape(_ x: Double) -> Double {
    if x < 1e-4 { return 1 }
    if x > 300 { return 0 }
    let ratio = x / sinh(x)
    return ratio * ratio
  }
}
