// The ways to a deflection from one position's signals, and the loop over positions they share.
public import STEMCore
internal import WorkSharing

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

  public init(map: VectorMap, fit: FitQuality?) {
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
  /// Writes the deflections of a map, or of a band of it, to their place in a map.
  ///
  /// - Parameters:
  ///   - signals: Corrected signals, any unit; positions that the mask calls unusable are skipped.
  ///   - calibration: true = calibration · measured, from a beam-tilt series, in the detector frame.
  ///   - map: Gets the deflection in the detector frame, rad; x right, y down; a covariance of counting
  ///     statistics where it has one, which it has where the number of electrons is known. Positions
  ///     without counts or outside the model get the mask bit that says so and hold zero.
  ///   - first: The place of the signals' first position in the map; the others follow it.
  /// - Returns: nil for estimators that fit no model to the segments.
  func estimate(
    _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int
  ) -> FitQuality?
}

extension DeflectionEstimator {
  /// The deflection map of corrected segment signals.
  ///
  /// - Parameters:
  ///   - signals: Corrected signals, any unit; positions that the mask calls unusable are skipped.
  ///   - calibration: true = calibration · measured, from a beam-tilt series, in the detector frame.
  ///   - pixelSize: Passed on, m.
  /// - Returns: As ``estimate(_:calibration:into:at:)``; the covariance is nil where the number of
  ///   electrons is unknown.
  public func deflection(
    of signals: SegmentSignals, calibration: Matrix2, pixelSize: PixelSize?
  ) -> DeflectionEstimate {
    var map = VectorMap(
      uninitialized: signals.shape, withCovariance: signals.electronsPerUnit != nil,
      pixelSize: pixelSize)
    let fit = map.share { estimate(signals, calibration: calibration, into: $0, at: 0) }
    return DeflectionEstimate(map: map, fit: fit)
  }
}

/// The estimator of a method for a detector.
///
/// Where the rings share no two diameters, `disc-shift` is generalized: to a least-squares fit of
/// the sectors between common lines (``SectorShiftEstimator``), or to sums ring by ring, each with its
/// own gain (``LinearEstimator``).
///
/// - Parameter isInterrupted: Asked by methods that take long; once it says so, what they give means nothing.
/// - Throws: `DetectorGeometryError` or ``EstimatorError`` where no form of the method applies.
public func deflectionEstimator(
  _ method: DeflectionMethod, detector: SegmentedDetector, probeSemiAngle: Double,
  isInterrupted: @escaping @Sendable () -> Bool = { false }
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
    return try MaximumLikelihoodEstimator(
      detector: detector, probeSemiAngle: probeSemiAngle, isInterrupted: isInterrupted)
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

/// What is written at one position.
enum PositionOutcome {
  case found(PositionEstimate)
  /// Nothing, and why; no reason where the position was unusable before.
  case none(PixelFlags)

  /// Writes a deflection and its covariance, or zeros and the reason, at a position whose mask is there.
  func write(to map: SharedVectorMap, at position: Int, _ calibration: Matrix2) {
    var estimate = PositionEstimate(x: 0, y: 0)
    switch self {
    case .found(let found): estimate = found
    case .none(let flags): map.mask[position] |= flags.rawValue
    }
    (map.x[position], map.y[position]) = calibration(estimate.x, estimate.y)
    guard let covariance = map.covariance else { return }
    let turned = transformed(estimate.covariance, by: calibration)
    (covariance.xx[position], covariance.yy[position]) = (turned.xx, turned.yy)
    covariance.xy[position] = turned.xy
  }
}

/// From the signals of a position, their sum, and the effective number of electrons (nil where unknown); nil
/// where the signals lie outside the model.
typealias PositionEstimation = (
  _ values: [Double], _ total: Double, _ electrons: Double?
) -> PositionEstimate?

/// Runs an estimator over all usable positions, as ``DeflectionEstimator/estimate(_:calibration:into:at:)``.
///
/// - Parameters:
///   - estimation: Made for each piece of the work, which it has to itself.
/// - Returns: The deviance of all positions.
func estimatePositions(
  _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int,
  _ estimation: @Sendable () -> PositionEstimation
) -> FitQuality {
  let count = signals.shape.count
  let electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
  let parts = mapPieces(count) { positions in
    let estimate = estimation()
    var fit = FitQuality()
    var values = [Double](repeating: 0, count: signals.segmentCount)
    for position in positions {
      map.mask[first + position] = signals.mask.bytes[position]
      var outcome = PositionOutcome.none([])
      if signals.mask.isUsable(position) {
        for segment in values.indices {
          values[segment] = signals.values[segment * count + position]
        }
        let total = values.reduce(0, +)
        if !(total > 0) {
          outcome = .none(.noCounts)
        } else if let found = estimate(values, total, electronsPerUnit.map { total * $0 }) {
          outcome = .found(found)
          fit.deviance += found.deviance
          fit.degreesOfFreedom += max(0, values.count - 3)
        } else {
          outcome = .none(.outsideModel)
        }
      }
      outcome.write(to: map, at: first + position, calibration)
    }
    return fit
  }
  return parts.reduce(FitQuality(), +)
}
