// Deflection from the halves of the detector: the exact inverse of a shifted uniform disc.
internal import CKernels
internal import Glibc
public import STEMCore

/// Finds the shift of a uniform disc from the difference of the two halves of a detector.
///
/// A diameter of the detector cuts a disc of radius α, displaced across it by `c`, into two parts
/// whose areas differ by the fraction
///
///     H(t) = (2/π) (asin t + t √(1 - t²)),  t = c/α
///
/// of the whole: elementary geometry of the circular segment. `H` is odd and rises from -1 to 1, so
/// each diameter gives the component of the shift along its normal exactly, whatever the other
/// component, as long as the disc lies within the detector. More than two diameters are combined
/// by least squares.
///
/// The regime: the response is that of the first moment for a rigid shift as for a weak phase
/// (slope within 1e-3 for structures wider than the probe), because an electron scattered across
/// a ring boundary stays in its half.
public struct DiscShiftEstimator: Sendable {
  /// Convergence semi-angle, rad.
  public let probeSemiAngle: Double
  /// The largest shift for which the disc lies within the detector, rad.
  public let range: Double
  let diameters: [DetectorDiameter]
  /// Per diameter the weights with which its shift enters x and y.
  let weights: [(x: Double, y: Double)]
  /// The disc's area over the area that counts (a hole in the middle counts nothing).
  let holeScale: Double

  /// Detector beyond the disc's rim below which `disc-shift` is refused, as a fraction of α.
  public static let requiredMargin = 0.02

  /// - Parameters:
  ///   - detector: The geometry; azimuths include its orientation.
  ///   - probeSemiAngle: α, rad.
  /// - Throws: `DetectorGeometryError` or ``EstimatorError`` where the model does not apply.
  public init(detector: SegmentedDetector, probeSemiAngle: Double) throws {
    let disc = try CenteredDisc(on: detector, probeSemiAngle: probeSemiAngle)
    diameters = try detector.commonDiameters()
    self.probeSemiAngle = probeSemiAngle
    range = disc.range
    holeScale = disc.litPart
    weights = Self.leastSquaresWeights(diameters)
  }

  /// (Σ n nᵀ)⁻¹ n for each diameter's normal n.
  private static func leastSquaresWeights(
    _ diameters: [DetectorDiameter]
  ) -> [(x: Double, y: Double)] {
    var xx = 0.0
    var xy = 0.0
    var yy = 0.0
    for diameter in diameters {
      xx += diameter.normal.x * diameter.normal.x
      xy += diameter.normal.x * diameter.normal.y
      yy += diameter.normal.y * diameter.normal.y
    }
    let determinant = xx * yy - xy * xy
    return diameters.map { diameter in
      (
        x: (yy * diameter.normal.x - xy * diameter.normal.y) / determinant,
        y: (xx * diameter.normal.y - xy * diameter.normal.x) / determinant
      )
    }
  }

  /// Per segment the vector with which its signal, over the sum of all, enters a small shift, rad.
  var linearVectors: [(x: Double, y: Double)] {
    let scale = holeScale * probeSemiAngle * Double.pi / 4
    return (diameters.first?.sides ?? []).indices.map { segment in
      var vector = (x: 0.0, y: 0.0)
      for (diameter, weight) in zip(diameters, weights) {
        vector.x += scale * weight.x * diameter.sides[segment]
        vector.y += scale * weight.y * diameter.sides[segment]
      }
      return vector
    }
  }

  /// H(t), the difference of the two parts as a fraction of the disc.
  public static func halfDifference(_ t: Double) -> Double {
    2 / Double.pi * (asin(t) + t * (1 - t * t).squareRoot())
  }

  /// The inverse of ``halfDifference(_:)`` for |H| < 1, to 1e-15 of the shift.
  ///
  /// t/H is a smooth function of H², whose series converges for |H| < 1. Up to |H| = 1/2, shifts up
  /// to 0.4 α, its interpolation at the Chebyshev nodes of 0 ... 1/4 by 13 terms is exact to 5e-17,
  /// evaluated in double precision to 4e-16. Beyond, the equation is solved step by step.
  public static func shift(forHalfDifference difference: Double) -> Double {
    abs(difference) > disc_shift_series_limit
      ? iteratedShift(forHalfDifference: difference) : disc_shift_series(difference)
  }

  /// Newton on a convex branch: H' = (4/π) √(1 - t²) falls with |t|, so from the linear guess,
  /// which is never beyond the root, the steps climb to it without overshooting.
  private static func iteratedShift(forHalfDifference difference: Double) -> Double {
    let target = abs(difference)
    var t = Double.pi / 4 * target
    for _ in 0..<60 {
      let slope = 4 / Double.pi * (1 - t * t).squareRoot()
      let step = (target - halfDifference(t)) / slope
      let next = min(t + step, 1 - 1e-16)
      if abs(next - t) <= 1e-16 * max(t, 1e-3) { return difference < 0 ? -next : next }
      t = next
    }
    return difference < 0 ? -t : t
  }

  /// The deflection at one scan position, and its covariance from counting statistics.
  ///
  /// The signals of one position are multinomial: with s = ±1 the side on which an electron falls,
  /// Cov(H_j, H_k) = (⟨s_j s_k⟩ - H_j H_k)/N. For two perpendicular diameters and a small shift
  /// this is σ = πα/(4√N) for each component.
  ///
  /// With H as counted this is too small by a part 1/N on the mean, and nothing where all electrons fall on one side.
  /// One electron of a centered disc is therefore added, and the second moments of these N + 1 electrons are taken times
  /// (N + 1)²/(N³ + N² + N): the mean of that is the covariance for any N.
  ///
  /// - Parameters:
  ///   - values: The signals of the segments.
  ///   - electrons: N counted at this position; the covariance is zero where it is nil.
  /// - Returns: In the detector frame, rad and rad²; nil where no shift of the disc within the
  ///   detector gives these signals.
  func estimate(_ values: [Double], electrons: Double?) -> PositionEstimate? {
    let total = values.reduce(0, +)
    var estimate = PositionEstimate(x: 0, y: 0)
    var (means, slopes) = ([Double](), [Double]())
    for (diameter, weight) in zip(diameters, weights) {
      let mean = zip(values, diameter.sides).reduce(0) { $0 + $1.0 * $1.1 } / total
      let fraction = mean * holeScale
      if !(abs(fraction) < 1) { return nil }
      let t = Self.shift(forHalfDifference: fraction)
      estimate.x += weight.x * probeSemiAngle * t
      estimate.y += weight.y * probeSemiAngle * t
      means.append(mean)
      slopes.append(holeScale * probeSemiAngle * Double.pi / 4 / (1 - t * t).squareRoot())
    }
    if estimate.x * estimate.x + estimate.y * estimate.y > range * range { return nil }
    guard let electrons else { return estimate }
    let n = electrons
    let (counted, added) = (n / (n + 1), 1 / (n + 1))
    let scale = (n + 1) * (n + 1) / (n * (n * n + n + 1))
    for j in weights.indices {
      for k in weights.indices {
        let product =
          counted * product(values, diameters[j], diameters[k]) / total
          + added * diameters[j].centeredProduct(with: diameters[k])
        let pair =
          scale * (product - counted * counted * means[j] * means[k]) * slopes[j] * slopes[k]
        estimate.covariance.xx += weights[j].x * weights[k].x * pair
        estimate.covariance.yy += weights[j].y * weights[k].y * pair
        estimate.covariance.xy += weights[j].x * weights[k].y * pair
      }
    }
    return estimate
  }

  /// Σ s_j s_k I.
  private func product(
    _ values: [Double], _ first: DetectorDiameter, _ second: DetectorDiameter
  ) -> Double {
    values.indices.reduce(0) { $0 + first.sides[$1] * second.sides[$1] * values[$1] }
  }
}
