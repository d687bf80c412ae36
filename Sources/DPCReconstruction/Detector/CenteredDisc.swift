// Whether a detector holds the disc, and how far the disc may move on it.
internal import STEMCore

/// The undeflected disc on a detector that reaches beyond its rim, and whose hole the disc covers.
struct CenteredDisc {
  /// Radius of the hole in the middle of the detector, rad; 0 without one.
  let hole: Double
  /// The largest shift for which the disc stays on the detector and covers its hole, rad.
  let range: Double
  /// The area of the disc that falls on the detector, as a part of the whole: less than 1 with a hole.
  let litPart: Double

  /// - Throws: `DetectorGeometryError`; ``EstimatorError`` where the rim is nearer to an edge of the detector than
  ///   ``DiscShiftEstimator/requiredMargin``.
  init(on detector: SegmentedDetector, probeSemiAngle: Double) throws {
    let rings = try detector.rings()
    let margin = detector.outerAngle - probeSemiAngle
    if margin < DiscShiftEstimator.requiredMargin * probeSemiAngle {
      throw EstimatorError.discReachesEdge(
        probeSemiAngle: probeSemiAngle, outerAngle: detector.outerAngle)
    }
    hole = rings.first?.inner ?? 0
    if hole > (1 - DiscShiftEstimator.requiredMargin) * probeSemiAngle {
      throw EstimatorError.holeReachesDiscEdge(hole: hole, probeSemiAngle: probeSemiAngle)
    }
    range = min(margin, hole > 0 ? probeSemiAngle - hole : margin, probeSemiAngle)
    litPart = 1 - hole * hole / (probeSemiAngle * probeSemiAngle)
  }
}
