// The deflection at every scan position, with its counting error and its mask.
public import STEMCore
internal import WorkSharing

/// Estimates the deflection map of corrected segment signals.
///
/// - Parameters:
///   - signals: Corrected signals, any unit; positions that the mask calls unusable are skipped.
///   - estimator: The disc-shift inverse for the detector that recorded them.
///   - calibration: true = calibration · measured, from a beam-tilt series, in the detector frame.
///   - pixelSize: Passed on, m.
/// - Returns: Deflection in the detector frame, rad; x right, y down. Positions without counts or
///   outside the model get the mask bit that says so and hold zero. The covariance is that of
///   counting statistics, nil where the number of electrons is unknown.
public func deflectionMap(
  of signals: SegmentSignals, estimator: DiscShiftEstimator, calibration: Matrix2,
  pixelSize: PixelSize?
) -> VectorMap {
  let shape = signals.shape
  var field = VectorField(shape: shape)
  var mask = signals.mask
  var covariance = signals.electronsPerUnit.map { _ in
    VectorCovariance(
      shape: shape, xx: field.x, yy: field.x, xy: field.x)
  }
  var sums = SignedSums(
    estimator.diameters, segmentCount: signals.segmentCount,
    withProducts: signals.electronsPerUnit != nil)
  var lines = DiscShiftLines(estimator)
  var work = DiameterWork(estimator)
  let electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
  for first in stride(from: 0, to: shape.count, by: SignedSums.blockCount) {
    let positions = first..<min(first + SignedSums.blockCount, shape.count)
    sums.form(from: signals, at: positions)
    lines.form(from: sums, electronsPerUnit: electronsPerUnit)
    lines.transform(by: calibration)
    lines.copy(to: &field, &covariance, at: positions)
    for place in 0..<positions.count where mask.isUsable(first + place) {
      if lines.isRight[place] { continue }
      let position = first + place
      let total = sums.total(at: place)
      var estimate: (x: Double, y: Double, covariance: (xx: Double, yy: Double, xy: Double))?
      if total > 0 {
        estimate = estimator.estimate(
          sums, at: place, electrons: electronsPerUnit.map { total * $0 }, work: &work)
        if estimate == nil { mask.bytes[position] |= PixelFlags.outsideModel.rawValue }
      } else {
        mask.bytes[position] |= PixelFlags.noCounts.rawValue
      }
      let (x, y, errors) = estimate ?? (0, 0, (0, 0, 0))
      (field.x[position], field.y[position]) = calibration(x, y)
      set(&covariance, position, transformed(errors, by: calibration))
    }
    for position in positions where !signals.mask.isUsable(position) {
      (field.x[position], field.y[position]) = (0, 0)
      set(&covariance, position, (0, 0, 0))
    }
  }
  return VectorMap(field: field, covariance: covariance, mask: mask, pixelSize: pixelSize)
}

private func set(
  _ covariance: inout VectorCovariance?, _ position: Int,
  _ errors: (xx: Double, yy: Double, xy: Double)
) {
  covariance?.xx[position] = errors.xx
  covariance?.yy[position] = errors.yy
  covariance?.xy[position] = errors.xy
}

/// M C Mᵀ of a symmetric 2×2 matrix C.
func transformed(
  _ c: (xx: Double, yy: Double, xy: Double), by m: Matrix2
) -> (xx: Double, yy: Double, xy: Double) {
  (
    xx: m.xx * m.xx * c.xx + 2 * m.xx * m.xy * c.xy + m.xy * m.xy * c.yy,
    yy: m.yx * m.yx * c.xx + 2 * m.yx * m.yy * c.xy + m.yy * m.yy * c.yy,
    xy: m.xx * m.yx * c.xx + (m.xx * m.yy + m.xy * m.yx) * c.xy + m.xy * m.yy * c.yy
  )
}

extension VectorMap {
  /// Turns (and scales) every vector and its covariance by a matrix, in place.
  public mutating func transform(by matrix: Matrix2) {
    let count = shape.count
    share { map in
      concurrentPieces(count) { positions in
        for i in positions { (map.x[i], map.y[i]) = matrix(map.x[i], map.y[i]) }
        guard let (xx, yy, xy) = map.covariance else { return }
        for i in positions {
          (xx[i], yy[i], xy[i]) = transformed((xx[i], yy[i], xy[i]), by: matrix)
        }
      }
    }
  }
}

/// Every vector and its covariance turned (and scaled) by a matrix.
public func transformed(_ map: VectorMap, by matrix: Matrix2) -> VectorMap {
  var result = map
  result.transform(by: matrix)
  return result
}
