// The ways to a deflection from one position's signals, and the loop over positions they share.
public import STEMCore

/// How the deflection is estimated; the raw value is the name in manifests and results.
public enum DeflectionMethod: String, CaseIterable, Sendable, Codable {
  /// Rings summed by azimuth, exact inverse of a shifted disc; right in every regime.
  case discShift = "disc-shift"
  /// Segment centroids weighted by the signals; the gain is that of a rigid shift.
  case centerOfMass = "center-of-mass"
  /// Multinomial likelihood of a rigidly shifted disc over all segments.
  case maximumLikelihood = "maximum-likelihood"
  /// The phase by the inverse of the transfer function, and its slope; of whole maps only.
  case phaseContrastTransfer = "phase-contrast-transfer"
}

/// A deflection map, and how well its model describes the signals where it has one.
public struct DeflectionEstimate: Sendable, Equatable {
  /// Detector frame, rad.
  public var map: VectorMap
  /// nil for estimators that fit no model to the segments.
  public var fit: FitQuality?

  public init(map: VectorMap, fit: FitQuality? = nil) {
    self.map = map
    self.fit = fit
  }
}

/// Deviance of a model of the segments, summed over positions.
public struct FitQuality: Sendable, Equatable {
  /// 2 Σ n log(n/μ) over segments and positions, electrons.
  public var deviance: Double
  /// Per position the segments without the two components and the dose.
  public var degreesOfFreedom: Int

  public init(deviance: Double = 0, degreesOfFreedom: Int = 0) {
    self.deviance = deviance
    self.degreesOfFreedom = degreesOfFreedom
  }

  public static func + (first: FitQuality, second: FitQuality) -> FitQuality {
    FitQuality(
      deviance: first.deviance + second.deviance,
      degreesOfFreedom: first.degreesOfFreedom + second.degreesOfFreedom)
  }
}

/// Estimates deflections position by position: a band of a map gives the same numbers as the whole.
public protocol DeflectionEstimator: Sendable {
  /// - Parameters:
  ///   - signals: Corrected signals, any unit; unusable positions are skipped.
  ///   - calibration: true = calibration · measured, detector frame.
  ///   - pixelSize: Passed on, m.
  /// - Returns: As ``deflectionMap(of:estimator:calibration:pixelSize:)``.
  func deflection(
    of signals: SegmentSignals, calibration: Matrix2, pixelSize: PixelSize?
  ) -> DeflectionEstimate
}

extension DiscShiftEstimator: DeflectionEstimator {
  public func deflection(
    of signals: SegmentSignals, calibration: Matrix2, pixelSize: PixelSize?
  ) -> DeflectionEstimate {
    DeflectionEstimate(
      map: deflectionMap(
        of: signals, estimator: self, calibration: calibration, pixelSize: pixelSize))
  }
}

/// The estimator of a method for a detector.
///
/// Where the rings share no two diameters, `disc-shift` is generalized: to a least-squares fit of
/// the sectors between common lines (``SectorShiftEstimator``), or to sums ring by ring, each with its
/// own gain (``LinearEstimator``).
///
/// - Throws: `DetectorGeometryError` or ``EstimatorError`` where no form of the method applies.
public func deflectionEstimator(
  _ method: DeflectionMethod, detector: SegmentedDetector, probeSemiAngle: Double
) throws -> any DeflectionEstimator {
  switch method {
  // The transfer function starts from it.
  case .discShift, .phaseContrastTransfer:
    do {
      return try DiscShiftEstimator(detector: detector, probeSemiAngle: probeSemiAngle)
    } catch EstimatorError.noCommonDiameters(let rings, let common) {
      if let fit = try SectorShiftEstimator(detector: detector, probeSemiAngle: probeSemiAngle) {
        return fit
      }
      if let sums = try LinearEstimator.ringSums(
        detector: detector, probeSemiAngle: probeSemiAngle)
      {
        return sums
      }
      throw EstimatorError.noCommonDiameters(rings: rings, common: common)
    }
  case .centerOfMass:
    return try LinearEstimator.centerOfMass(detector: detector, probeSemiAngle: probeSemiAngle)
  case .maximumLikelihood:
    return try MaximumLikelihoodEstimator(detector: detector, probeSemiAngle: probeSemiAngle)
  }
}

/// What an estimator says of one position, detector frame, rad and rad².
struct PositionEstimate {
  var x: Double
  var y: Double
  var covariance = (xx: 0.0, yy: 0.0, xy: 0.0)
  /// 2 Σ n log(n/μ); zero for estimators without a model.
  var deviance = 0.0
}

/// Runs an estimator over all usable positions.
///
/// - Parameters:
///   - deviates: Whether the estimator's deviance means something.
///   - estimate: From the signals of a position, their sum, and the effective number of
///     electrons (nil where unknown); nil where the signals lie outside the model.
func deflectionEstimate(
  of signals: SegmentSignals, calibration: Matrix2, pixelSize: PixelSize?, deviates: Bool = false,
  _ estimate: (_ values: [Double], _ total: Double, _ electrons: Double?) -> PositionEstimate?
) -> DeflectionEstimate {
  let shape = signals.shape
  var field = VectorField(shape: shape)
  var mask = signals.mask
  var fit = FitQuality()
  let electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
  var covariance = electronsPerUnit.map { _ in
    VectorCovariance(shape: shape, xx: field.x, yy: field.x, xy: field.x)
  }
  var values = [Double](repeating: 0, count: signals.segmentCount)
  for position in 0..<shape.count where mask.isUsable(position) {
    var total = 0.0
    for segment in values.indices {
      values[segment] = signals.values[segment * shape.count + position]
      total += values[segment]
    }
    if !(total > 0) {
      mask.bytes[position] |= PixelFlags.noCounts.rawValue
      continue
    }
    guard let found = estimate(values, total, electronsPerUnit.map { total * $0 }) else {
      mask.bytes[position] |= PixelFlags.outsideModel.rawValue
      continue
    }
    (field.x[position], field.y[position]) = calibration(found.x, found.y)
    let turned = transformed(found.covariance, by: calibration)
    covariance?.xx[position] = turned.xx
    covariance?.yy[position] = turned.yy
    covariance?.xy[position] = turned.xy
    fit.deviance += found.deviance
    fit.degreesOfFreedom += max(0, values.count - 3)
  }
  return DeflectionEstimate(
    map: VectorMap(field: field, covariance: covariance, mask: mask, pixelSize: pixelSize),
    fit: deviates && electronsPerUnit != nil ? fit : nil)
}
