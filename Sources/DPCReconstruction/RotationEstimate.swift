// The scan rotation from the data: the angle at which the field has no curl.
internal import FFTW
internal import Glibc
public import STEMCore

/// What a map says of the angle between detector and scan.
public struct RotationEstimate: Sendable, Equatable {
  /// From the detector frame to the scan frame, in (-π/2, π/2], rad: known up to half a turn, by
  /// which every field changes its sign and stays free of curl.
  public var angle: Double
  /// One standard deviation, rad.
  public var error: Double
  /// 1 - smallest/largest curl power over all angles, noise included.
  public var contrast: Double
  /// The contrast that noise alone would show, with a chance of some percent.
  public var noiseContrast: Double
  /// (largest - smallest)/(largest + smallest) curl power after noise is taken off: 1 for a field
  /// without curl, less where no angle removes it.
  public var curlFreeness: Double
  /// Curl power left at the angle over that of noise; nil where noise is measured by it.
  public var residualOverNoise: Double?
}

/// Estimates the scan rotation from the curl of a deflection map, in closed form.
///
/// A projected electrostatic field is a gradient, so its projections on fields that are the curl of
/// a function vanish. With φ = sin(mπx/L) sin(nπy/H), zero on the rim, and κ its wave number,
///
///     C = ⟨rot φ, θ⟩/κ,  D = ⟨grad φ, θ⟩/κ
///
/// are orthonormal coefficients of curl and divergence, exact on frames that do not repeat
/// themselves. Turned by a, C' = cos a C + sin a D, whose weighted power is least at
/// 2a = atan2(-2ΣwCD, Σw(D² - C²)). Weights are those of Wiener, S/(S + N) by wave number with
/// the signal's power S measured and the noise N known, so that a map in noise reaches the
/// Cramér-Rao bound, σ² = N/Σ|θ|². White noise adds the same to all C² and D²; what unequal
/// variances add is taken off. A constant and a linear deflection (what descan leaves) have no part
/// in it: the one coefficient that they reach is projected out.
///
/// - Parameters:
///   - map: Deflection in the detector frame; filled where masked.
///   - handedness: Whether to take the detector as seen from behind.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: nil where the map has no structure at all.
/// - Precondition: The map has a pixel size and at least four pixels along both sides.
public func estimatedScanRotation(
  of map: VectorMap, handedness: Handedness, noiseFactor: Double = 1
) -> RotationEstimate? {
  let modes = CurlModes(map, handedness: handedness, noiseFactor: noiseFactor)
  if let variance = modes.variance { return modes.estimate(variance: variance, isKnown: true) }
  // Without counting statistics what curl is left is noise.
  var variance = 0.0
  for _ in 0..<4 {
    guard let estimate = modes.estimate(variance: variance, isKnown: false) else { return nil }
    variance = modes.residualPower(at: estimate.angle)
  }
  return modes.estimate(variance: variance, isKnown: false)
}

/// Coefficients of curl and divergence of a map, mode by mode.
private struct CurlModes {
  private var curl: [Double]
  private var divergence: [Double]
  /// Coefficients of a field of constant curl, as the linear part of a descan has.
  private var uniform: [Double]
  /// (kx² - ky²)/κ² of each mode.
  private var anisotropy: [Double]
  /// Class of wave numbers of each mode, three to the octave.
  private var band: [Int]
  private let bandCount: Int
  /// Of a coefficient, in the square of the map's unit; nil where nothing is known of noise.
  let variance: Double?
  /// Excess of the variance of D over that of C, and their covariance, for unit anisotropy.
  private let difference: Double
  private let cross: Double

  init(_ map: VectorMap, handedness: Handedness, noiseFactor: Double) {
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let sign = handedness == .mirrored ? -1.0 : 1
    let x = map.field.x
    let y = map.field.y.map { sign * $0 }
    let cosineSine = Self.transform(x, y, rows, columns, .cosine2, .sine2)
    let sineCosine = Self.transform(x, y, rows, columns, .sine2, .cosine2)
    let kx = (1..<columns).map { Double.pi * Double($0) / (Double(columns) * pixel.x) }
    let ky = (1..<rows).map { Double.pi * Double($0) / (Double(rows) * pixel.y) }
    let count = (rows - 1) * (columns - 1)
    curl = []
    divergence = []
    uniform = []
    anisotropy = []
    band = []
    curl.reserveCapacity(count)
    divergence.reserveCapacity(count)
    uniform.reserveCapacity(count)
    anisotropy.reserveCapacity(count)
    band.reserveCapacity(count)
    let lowest = (kx[0] * kx[0] + ky[0] * ky[0]).squareRoot()
    // Transforms hold four times the sums, and a sine product has the norm √(rows columns)/2.
    let scale = 1 / (2 * Double(rows * columns).squareRoot())
    for n in 0..<(rows - 1) {
      for m in 0..<(columns - 1) {
        let wave = (kx[m] * kx[m] + ky[n] * ky[n]).squareRoot()
        let (ux, uy) = (scale * kx[m] / wave, scale * ky[n] / wave)
        // Cosine series begin with the constant, sine series with half a wave.
        let cs = n * columns + m + 1
        let sc = (n + 1) * columns + m
        divergence.append(ux * cosineSine.x[cs] + uy * sineCosine.y[sc])
        curl.append(ux * cosineSine.y[cs] - uy * sineCosine.x[sc])
        let isOdd = m % 2 == 0 && n % 2 == 0
        uniform.append(isOdd ? 1 / (wave * kx[m] * ky[n]) : 0)
        anisotropy.append((kx[m] * kx[m] - ky[n] * ky[n]) / (wave * wave))
        band.append(Int(3 * log2(wave / lowest) + 1e-9))
      }
    }
    bandCount = (band.max() ?? 0) + 1
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    guard let covariance = map.covariance, !usable.isEmpty else {
      (variance, difference, cross) = (nil, 0, 0)
      return
    }
    func mean(_ values: [Double]) -> Double {
      noiseFactor * usable.reduce(0) { $0 + values[$1] } / Double(usable.count)
    }
    let (xx, yy) = (mean(covariance.xx), mean(covariance.yy))
    variance = (xx + yy) / 2
    difference = xx - yy
    cross = sign * mean(covariance.xy)
  }

  private static func transform(
    _ x: [Double], _ y: [Double], _ rows: Int, _ columns: Int, _ alongX: TrigonometricKind,
    _ alongY: TrigonometricKind
  ) -> (x: [Double], y: [Double]) {
    let plan = TrigonometricTransform(
      rows: rows, columns: columns, alongX: alongX, alongY: alongY)
    func one(_ plane: [Double]) -> [Double] {
      var buffer = TransformBuffer<Double>(copying: plane)
      plan.transform(&buffer)
      return buffer.array()
    }
    return (one(x), one(y))
  }

  /// S/(S + N) by wave number.
  private func weights(variance: Double) -> [Double] {
    var power = [Double](repeating: 0, count: bandCount)
    var count = power
    for mode in band.indices {
      power[band[mode]] += curl[mode] * curl[mode] + divergence[mode] * divergence[mode]
      count[band[mode]] += 1
    }
    let share = power.indices.map { index in
      let signal = max(0, power[index] / max(count[index], 1) - 2 * variance)
      return signal > 0 ? signal / (signal + variance) : 0
    }
    return band.map { share[$0] }
  }

  /// C and D without the one coefficient that a linear field reaches.
  private func projected(_ weights: [Double]) -> (curl: [Double], divergence: [Double]) {
    var (norm, c, d) = (0.0, 0.0, 0.0)
    for mode in weights.indices {
      let weighted = weights[mode] * uniform[mode]
      norm += weighted * uniform[mode]
      c += weighted * curl[mode]
      d += weighted * divergence[mode]
    }
    guard norm > 0 else { return (curl, divergence) }
    return (
      zip(curl, uniform).map { $0 - c / norm * $1 },
      zip(divergence, uniform).map { $0 - d / norm * $1 }
    )
  }

  func estimate(variance: Double, isKnown: Bool) -> RotationEstimate? {
    let w = weights(variance: variance)
    let (curl, divergence) = projected(w)
    var (along, across, total, weightSum) = (0.0, 0.0, 0.0, 0.0)
    for mode in w.indices where w[mode] > 0 {
      let (c, d) = (curl[mode], divergence[mode])
      along += w[mode] * (d * d - c * c - difference * anisotropy[mode]) / 2
      across += w[mode] * (c * d - cross * anisotropy[mode])
      total += w[mode] * (c * c + d * d) / 2
      weightSum += w[mode]
    }
    let amplitude = (along * along + across * across).squareRoot()
    guard amplitude > 0 else { return nil }
    let angle = atan2(-across, along) / 2
    let (cosine, sine) = (cos(angle), sin(angle))
    var (spread, residual) = (0.0, 0.0)
    for mode in w.indices where w[mode] > 0 {
      let c = cosine * curl[mode] + sine * divergence[mode]
      let d = cosine * divergence[mode] - sine * curl[mode]
      spread += w[mode] * w[mode] * d * d
      residual += w[mode] * c * c
    }
    let noise = variance * weightSum
    let misfit = noise > 0 ? residual / noise : 1
    // Σ w C D scatters by √(N Σ w² D²), D with its noise, and the angle by that over 2·amplitude.
    let deviation = (variance * spread).squareRoot()
    let signal = total - noise
    return RotationEstimate(
      angle: angle <= -Double.pi / 2 ? angle + Double.pi : angle,
      error: deviation * max(1, misfit).squareRoot() / (2 * amplitude),
      contrast: 1 - (total - amplitude) / (total + amplitude),
      noiseContrast: min(1, 2 * 3 * deviation / (total + 3 * deviation)),
      curlFreeness: signal > 0 ? amplitude / signal : 0,
      residualOverNoise: isKnown && noise > 0 ? misfit : nil)
  }

  /// Mean power of a curl coefficient once the map is turned.
  func residualPower(at angle: Double) -> Double {
    let (cosine, sine) = (cos(angle), sin(angle))
    let all = curl.indices.map { mode in
      let c = cosine * curl[mode] + sine * divergence[mode]
      return c * c
    }
    return all.isEmpty ? 0 : all.reduce(0, +) / Double(all.count)
  }
}
