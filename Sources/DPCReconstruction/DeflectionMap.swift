// The deflection at every scan position by the inverse of a shifted disc, with its counting error and its mask.
public import STEMCore
internal import WorkSharing

extension DiscShiftEstimator: DeflectionEstimator {
  public func estimate(
    _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int
  ) -> FitQuality? {
    concurrentPieces(signals.shape.count) { piece in
      var block = DiscShiftBlock(self, signals, calibration)
      for start in stride(from: piece.lowerBound, to: piece.upperBound, by: SignedSums.blockCount) {
        let positions = start..<min(start + SignedSums.blockCount, piece.upperBound)
        block.estimate(signals, at: positions, into: map, at: first + start)
      }
    }
    return nil
  }
}

/// Deflections at some neighboring positions, formed while the processor holds their signals.
private struct DiscShiftBlock {
  private let estimator: DiscShiftEstimator
  private let calibration: Matrix2
  private let electronsPerUnit: Double?
  private var sums: SignedSums
  private var lines: DiscShiftLines
  private var work: DiameterWork

  init(_ estimator: DiscShiftEstimator, _ signals: SegmentSignals, _ calibration: Matrix2) {
    self.estimator = estimator
    self.calibration = calibration
    electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
    sums = SignedSums(
      estimator.diameters, segmentCount: signals.segmentCount,
      withProducts: electronsPerUnit != nil)
    lines = DiscShiftLines(estimator)
    work = DiameterWork(estimator)
  }

  /// - Parameters:
  ///   - signals: Of the map, or a band of it.
  ///   - positions: Of the signals, no more than `SignedSums.blockCount`.
  ///   - map: Gets what is found.
  ///   - first: Where in the map the first position is.
  mutating func estimate(
    _ signals: SegmentSignals, at positions: Range<Int>, into map: SharedVectorMap, at first: Int
  ) {
    sums.form(from: signals, at: positions)
    lines.form(from: sums, electronsPerUnit: electronsPerUnit)
    lines.write(to: map, at: first..<(first + positions.count), by: calibration)
    let flags = signals.mask.bytes[positions]
    _ = map.mask[first..<(first + positions.count)].update(fromContentsOf: flags)
    for place in 0..<positions.count {
      let isUsable = signals.mask.isUsable(positions.lowerBound + place)
      if isUsable && lines.isRight[place] { continue }
      estimate(at: place, isUsable: isUsable).write(to: map, at: first + place, calibration)
    }
  }

  /// One position by itself: unusable, without counts, or beyond the series.
  private mutating func estimate(at place: Int, isUsable: Bool) -> PositionOutcome {
    if !isUsable { return .none([]) }
    let total = sums.total(at: place)
    if !(total > 0) { return .none(.noCounts) }
    let found = estimator.estimate(
      sums, at: place, electrons: electronsPerUnit.map { total * $0 }, work: &work)
    return found.map(PositionOutcome.found) ?? .none(.outsideModel)
  }
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
