// The deflection at every scan position by the inverse of a shifted disc, with its counting error and its mask.
public import STEMCore
internal import WorkSharing

extension DiscShiftEstimator: DeflectionEstimator {
  public func estimate(
    _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int
  ) -> FitQuality? {
    concurrentPieces(signals.shape.count) { piece in
      var block = DiscShiftBlock(self, signals, calibration)
      for start in stride(from: piece.lowerBound, to: piece.upperBound, by: DiscShiftKernel.length)
      {
        let positions = start..<min(start + DiscShiftKernel.length, piece.upperBound)
        block.estimate(signals, at: positions, into: map, at: first + start)
      }
    }
    return nil
  }
}

/// Deflections at some neighboring positions, formed while the processor holds their signals.
private struct DiscShiftBlock: ~Copyable {
  private let estimator: DiscShiftEstimator
  private let calibration: Matrix2
  private let electronsPerUnit: Double?
  private var kernel: DiscShiftKernel
  private var values: [Double]

  init(_ estimator: DiscShiftEstimator, _ signals: SegmentSignals, _ calibration: Matrix2) {
    self.estimator = estimator
    self.calibration = calibration
    electronsPerUnit = signals.electronsPerUnit.map { $0 / signals.varianceFactor }
    kernel = DiscShiftKernel(
      estimator, electronsPerUnit: electronsPerUnit, calibration: calibration)
    values = [Double](repeating: 0, count: signals.segmentCount)
  }

  /// - Parameters:
  ///   - signals: Of the map, or a band of it.
  ///   - positions: Of the signals, no more than `DiscShiftKernel.length`.
  ///   - map: Gets what is found.
  ///   - first: Where in the map the first position is.
  mutating func estimate(
    _ signals: SegmentSignals, at positions: Range<Int>, into map: SharedVectorMap, at first: Int
  ) {
    let areRight = kernel.form(signals, at: positions, to: map, at: first)
    let flags = signals.mask.bytes.span.extracting(positions)
    var reasons: UInt8 = 0
    for place in 0..<flags.count {
      map.mask[first + place] = flags[place]
      reasons |= flags[place]
    }
    let unusable = PixelFlags.unusable.rawValue
    if areRight && reasons & unusable == 0 { return }
    for place in 0..<flags.count {
      let isUsable = flags[place] & unusable == 0
      if isUsable && kernel.isRight(at: place) { continue }
      outcome(signals, at: positions.lowerBound + place, isUsable: isUsable)
        .write(to: map, at: first + place, calibration)
    }
  }

  /// One position by itself: unusable, without counts, or beyond the series.
  private mutating func outcome(
    _ signals: SegmentSignals, at position: Int, isUsable: Bool
  ) -> PositionOutcome {
    if !isUsable { return .none([]) }
    for segment in values.indices {
      values[segment] = signals.values[segment * signals.shape.count + position]
    }
    let total = values.reduce(0, +)
    if !(total > 0) { return .none(.noCounts) }
    let found = estimator.estimate(values, electrons: electronsPerUnit.map { total * $0 })
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
  /// Turns (and scales) every vector and its covariance by a matrix.
  public mutating func transform(by matrix: Matrix2) {
    let count = shape.count
    field.rewrite { old, new in
      concurrentPieces(count) { positions in
        for i in positions { (new.x[i], new.y[i]) = matrix(old.x[i], old.y[i]) }
      }
    }
    covariance?.rewrite { old, new in
      concurrentPieces(count) { positions in
        for i in positions {
          (new.xx[i], new.yy[i], new.xy[i]) = transformed(
            (old.xx[i], old.yy[i], old.xy[i]), by: matrix)
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
