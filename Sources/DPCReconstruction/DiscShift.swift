// Deflection from the halves of the detector: the exact inverse of a shifted uniform disc.
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
  private let weights: [(x: Double, y: Double)]
  /// The disc's area over the area that counts (a hole in the middle counts nothing).
  private let holeScale: Double

  /// Detector beyond the disc's rim below which `disc-shift` is refused, as a fraction of α.
  public static let requiredMargin = 0.02

  /// - Parameters:
  ///   - detector: The geometry; azimuths include its orientation.
  ///   - probeSemiAngle: α, rad.
  /// - Throws: `DetectorGeometryError` or ``EstimatorError`` where the model does not apply.
  public init(detector: SegmentedDetector, probeSemiAngle: Double) throws {
    let rings = try detector.rings()
    let margin = detector.outerAngle - probeSemiAngle
    if margin < Self.requiredMargin * probeSemiAngle {
      throw EstimatorError.discReachesEdge(
        probeSemiAngle: probeSemiAngle, outerAngle: detector.outerAngle)
    }
    let hole = rings.first?.inner ?? 0
    if hole > (1 - Self.requiredMargin) * probeSemiAngle {
      throw EstimatorError.holeReachesDiscEdge(hole: hole, probeSemiAngle: probeSemiAngle)
    }
    diameters = try detector.commonDiameters()
    self.probeSemiAngle = probeSemiAngle
    range = min(margin, hole > 0 ? probeSemiAngle - hole : margin, probeSemiAngle)
    holeScale = 1 - hole * hole / (probeSemiAngle * probeSemiAngle)
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

  /// H(t), the difference of the two parts as a fraction of the disc.
  public static func halfDifference(_ t: Double) -> Double {
    2 / Double.pi * (asin(t) + t * (1 - t * t).squareRoot())
  }

  /// The inverse of ``halfDifference(_:)`` for |H| < 1, to 1e-15.
  ///
  /// Newton on a convex branch: H' = (4/π) √(1 - t²) falls with |t|, so from the linear guess,
  /// which is never beyond the root, the steps climb to it without overshooting.
  public static func shift(forHalfDifference difference: Double) -> Double {
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

  /// The deflection at one scan position.
  ///
  /// - Parameters:
  ///   - signals: One corrected signal per segment; `signals[offset + segment * stride]`.
  ///   - sum: Their sum, positive.
  /// - Returns: The shift in the detector frame, rad; nil where no shift of the disc within the
  ///   detector gives these signals.
  func shift(
    _ signals: [Double], offset: Int, stride: Int, sum: Double
  ) -> (x: Double, y: Double)? {
    var x = 0.0
    var y = 0.0
    for (diameter, weight) in zip(diameters, weights) {
      var difference = 0.0
      for segment in 0..<diameter.sides.count {
        difference += diameter.sides[segment] * signals[offset + segment * stride]
      }
      let fraction = difference / sum * holeScale
      if !(abs(fraction) < 1) { return nil }
      let component = probeSemiAngle * Self.shift(forHalfDifference: fraction)
      x += weight.x * component
      y += weight.y * component
    }
    return x * x + y * y <= range * range ? (x, y) : nil
  }

  /// The covariance of the deflection from counting statistics, rad².
  ///
  /// The signals of one position are multinomial: with s = ±1 the side on which an electron falls,
  /// Cov(H_j, H_k) = (⟨s_j s_k⟩ - H_j H_k)/N. For two perpendicular diameters and a small shift
  /// this is σ = πα/(4√N) for each component.
  ///
  /// - Parameter electrons: Number of electrons counted at this position.
  func covariance(
    _ signals: [Double], offset: Int, stride: Int, sum: Double, electrons: Double
  ) -> (xx: Double, yy: Double, xy: Double) {
    var result = (xx: 0.0, yy: 0.0, xy: 0.0)
    for first in diameters.indices {
      for second in diameters.indices {
        var product = 0.0
        var meanFirst = 0.0
        var meanSecond = 0.0
        for segment in 0..<diameters[first].sides.count {
          let fraction = signals[offset + segment * stride] / sum
          let a = diameters[first].sides[segment]
          let b = diameters[second].sides[segment]
          product += a * b * fraction
          meanFirst += a * fraction
          meanSecond += b * fraction
        }
        let covariance =
          (product - meanFirst * meanSecond) / electrons * slope(meanFirst) * slope(meanSecond)
        result.xx += weights[first].x * weights[second].x * covariance
        result.yy += weights[first].y * weights[second].y * covariance
        result.xy += weights[first].x * weights[second].y * covariance
      }
    }
    return result
  }

  /// d(shift)/d(measured difference), rad.
  private func slope(_ difference: Double) -> Double {
    let t = Self.shift(forHalfDifference: difference * holeScale)
    return holeScale * probeSemiAngle * Double.pi / 4 / (1 - t * t).squareRoot()
  }
}
