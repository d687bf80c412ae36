// The deflection at every scan position, with its counting error and its mask.
public import STEMCore

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
  for position in 0..<shape.count where mask.isUsable(position) {
    let sum = signals.sum(at: position)
    if !(sum > 0) {
      mask.bytes[position] |= PixelFlags.noCounts.rawValue
      continue
    }
    guard
      let shift = estimator.shift(
        signals.values, offset: position, stride: shape.count, sum: sum)
    else {
      mask.bytes[position] |= PixelFlags.outsideModel.rawValue
      continue
    }
    (field.x[position], field.y[position]) = calibration(shift.x, shift.y)
    if let electronsPerUnit = signals.electronsPerUnit {
      let raw = estimator.covariance(
        signals.values, offset: position, stride: shape.count, sum: sum,
        electrons: sum * electronsPerUnit / signals.varianceFactor)
      let turned = transformed(raw, by: calibration)
      covariance?.xx[position] = turned.xx
      covariance?.yy[position] = turned.yy
      covariance?.xy[position] = turned.xy
    }
  }
  return VectorMap(field: field, covariance: covariance, mask: mask, pixelSize: pixelSize)
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

/// Turns (and scales) every vector and its covariance by a matrix.
public func transformed(_ map: VectorMap, by matrix: Matrix2) -> VectorMap {
  var result = map
  for position in 0..<map.shape.count {
    (result.field.x[position], result.field.y[position]) = matrix(
      map.field.x[position], map.field.y[position])
  }
  if let covariance = map.covariance {
    for position in 0..<map.shape.count {
      let turned = transformed(
        (covariance.xx[position], covariance.yy[position], covariance.xy[position]), by: matrix)
      result.covariance?.xx[position] = turned.xx
      result.covariance?.yy[position] = turned.yy
      result.covariance?.xy[position] = turned.xy
    }
  }
  return result
}
