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
  var sums = SignedSums(
    estimator.diameters, segmentCount: signals.segmentCount,
    withProducts: signals.electronsPerUnit != nil)
  var lines = DiscShiftLines(estimator)
  var work = DiameterWork(estimator)
  let electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
  let largestSquare = estimator.range * estimator.range
  for first in stride(from: 0, to: shape.count, by: SignedSums.blockCount) {
    let positions = first..<min(first + SignedSums.blockCount, shape.count)
    sums.form(from: signals, at: positions)
    lines.form(from: sums, electronsPerUnit: electronsPerUnit)
    for position in positions where mask.isUsable(position) {
      let place = position - first
      let total = sums.total(at: place)
      if !(total > 0) {
        mask.bytes[position] |= PixelFlags.noCounts.rawValue
        continue
      }
      var (x, y) = (lines.x[place], lines.y[place])
      var errors = (xx: lines.xx[place], yy: lines.yy[place], xy: lines.xy[place])
      let isInSeries = lines.largest[place] <= DiscShiftEstimator.seriesLimit
      if !isInSeries || x * x + y * y > largestSquare {
        guard
          let estimate = estimator.estimate(
            sums, at: place, electrons: electronsPerUnit.map { total * $0 }, work: &work)
        else {
          mask.bytes[position] |= PixelFlags.outsideModel.rawValue
          continue
        }
        (x, y, errors) = estimate
      }
      (field.x[position], field.y[position]) = calibration(x, y)
      if electronsPerUnit != nil {
        let turned = transformed(errors, by: calibration)
        covariance?.xx[position] = turned.xx
        covariance?.yy[position] = turned.yy
        covariance?.xy[position] = turned.xy
      }
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
  turn(&result.field.x, &result.field.y, by: matrix)
  if var covariance = result.covariance {
    // Else the arrays would have two owners, and writing to them would copy them.
    result.covariance = nil
    turn(&covariance.xx, &covariance.yy, &covariance.xy, by: matrix)
    result.covariance = covariance
  }
  return result
}

private func turn(_ x: inout [Double], _ y: inout [Double], by matrix: Matrix2) {
  precondition(x.count == y.count, "one vector per scan position")
  var xs = x.mutableSpan
  var ys = y.mutableSpan
  for index in 0..<xs.count { (xs[index], ys[index]) = matrix(xs[index], ys[index]) }
}

private func turn(
  _ xx: inout [Double], _ yy: inout [Double], _ xy: inout [Double], by matrix: Matrix2
) {
  precondition(xx.count == yy.count && xx.count == xy.count, "one matrix per scan position")
  var a = xx.mutableSpan
  var b = yy.mutableSpan
  var c = xy.mutableSpan
  for index in 0..<a.count {
    (a[index], b[index], c[index]) = transformed((a[index], b[index], c[index]), by: matrix)
  }
}
