// The scan rotation from the data: the angle at which the field has no curl.
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
}

/// The curl and the divergence of a deflection map, which tell the scan rotation in closed form.
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
/// Cramér-Rao bound, σ² = N/Σ|θ|², where no curl is left but noise's. White noise adds the same to
/// all C² and D²; what unequal variances add is taken off. A constant and a linear deflection (what descan leaves) have no part
/// in it: the one coefficient that they reach is projected out.
public struct CurlModes: Sendable {
  private let planes: ModePlanes
  /// The square of the wave number at which each class begins, three classes to the octave, and infinity.
  private let classes: [Double]
  /// Of a coefficient, in the square of the map's unit; nil where nothing is known of noise.
  private let variance: Double?
  /// Excess of the variance of D over that of C, and their covariance, for unit anisotropy.
  private let difference: Double
  private let cross: Double

  /// Transforms a map; both sides of the detector may then be asked for.
  ///
  /// - Parameters:
  ///   - map: Deflection in the detector frame; filled where masked.
  ///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
  /// - Precondition: The map has at least four pixels along both sides.
  public init(of map: VectorMap, noiseFactor: Double = 1) {
    planes = ModePlanes(map)
    let lowest = planes.kx[0] * planes.kx[0] + planes.ky[0] * planes.ky[0]
    let (lastX, lastY) = (planes.kx[planes.columns - 1], planes.ky[planes.rows - 1])
    let highest = lastX * lastX + lastY * lastY
    var classes: [Double] = []
    // A hair earlier, so that a wave at the limit is in the class that begins there.
    repeat {
      classes.append(lowest * exp2(2 * (Double(classes.count) - 1e-9) / 3))
    } while classes[classes.count - 1] <= highest
    classes[classes.count - 1] = .infinity
    self.classes = classes
    guard let covariance = map.covariance,
      let (xx, yy) = usableMeans(covariance.xx, covariance.yy, map.mask),
      let xy = usableMean(covariance.xy, map.mask)
    else {
      (variance, difference, cross) = (nil, 0, 0)
      return
    }
    variance = noiseFactor * (xx + yy) / 2
    difference = noiseFactor * (xx - yy)
    cross = noiseFactor * xy
  }

  /// The rotation for a detector seen from one side.
  ///
  /// - Parameter handedness: Whether to take the detector as seen from behind.
  /// - Returns: nil where the map has no structure at all.
  public func estimate(_ handedness: Handedness) -> RotationEstimate? {
    let side = handedness == .mirrored ? -1.0 : 1
    if let variance { return estimate(side, variance: variance) }
    // Without counting statistics what curl is left is noise.
    var variance = 0.0
    for _ in 0..<4 {
      guard let estimate = estimate(side, variance: variance) else { return nil }
      variance = residualPower(side, at: estimate.angle)
    }
    return estimate(side, variance: variance)
  }

  /// S/(S + N) of each class of wave numbers.
  private func weights(_ side: Double, variance: Double) -> [Double] {
    let (power, count) = planes.powers(side, classes: classes)
    return power.indices.map { index in
      let signal = max(0, power[index] / max(count[index], 1) - 2 * variance)
      return signal > 0 ? signal / (signal + variance) : 0
    }
  }

  private func estimate(_ side: Double, variance: Double) -> RotationEstimate? {
    let weighted = WeightedModes(
      planes: planes, side: side, classes: classes,
      weights: weights(side, variance: variance))
    let sums = weighted.sums(difference: difference, cross: side * cross)
    let amplitude = (sums.along * sums.along + sums.across * sums.across).squareRoot()
    guard amplitude > 0 else { return nil }
    let angle = atan2(-sums.across, sums.along) / 2
    let (spread, residual, products) = weighted.turned(cosine: cos(angle), sine: sin(angle))
    let noise = variance * sums.weight
    let misfit = noise > 0 ? residual / noise : 1
    // Σ w C D scatters by √(N Σ w² D²), D with its noise, and the angle by that over 2·amplitude.
    let deviation = (variance * spread).squareRoot()
    // A curl that is really there shares its waves with the divergence, and Σ w C D scatters as the products
    // themselves do, signs unknown: √(Σ w² C² D²).
    let scatter = max(deviation * max(1, misfit).squareRoot(), products.squareRoot())
    let signal = sums.total - noise
    return RotationEstimate(
      angle: angle <= -Double.pi / 2 ? angle + Double.pi : angle,
      error: scatter / (2 * amplitude),
      contrast: 1 - (sums.total - amplitude) / (sums.total + amplitude),
      noiseContrast: min(1, 2 * 3 * deviation / (sums.total + 3 * deviation)),
      curlFreeness: signal > 0 ? amplitude / signal : 0)
  }

  /// Mean power of a curl coefficient once the map is turned.
  private func residualPower(_ side: Double, at angle: Double) -> Double {
    let all = WeightedModes(
      planes: planes, side: side, classes: classes,
      weights: [Double](repeating: 1, count: classes.count - 1), takesOffUniform: false)
    return all.turned(cosine: cos(angle), sine: sin(angle)).residual
      / Double(planes.rows * planes.columns)
  }
}
