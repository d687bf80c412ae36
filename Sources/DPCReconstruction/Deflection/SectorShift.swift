// The shift of a disc from sectors that are no halves: three, five, or rings of different count.
internal import Glibc
public import STEMCore

/// `disc-shift` for detectors whose rings share three or more lines from the center, but no two diameters.
///
/// Between two neighboring lines the rings are summed. A sector's part of the disc is a smooth function of
/// the shift in which ring boundaries play no part (see `ShiftedDisc`), and the shift is found by
/// least squares over the sectors, each weighted by the inverse of its counting variance. Exact for a
/// rigid shift; the response to a weak phase is the same to first order.
public struct SectorShiftEstimator: DeflectionEstimator {
  /// The largest shift for which the disc stays on the detector, rad.
  public let range: Double
  private let probeSemiAngle: Double
  private let litPart: Double
  /// The hole's radius over α.
  private let hole: Double
  private let sectors: [(start: Double, stop: Double)]
  /// Per segment the index of its sector.
  private let sectorOfSegment: [Int]
  /// Per sector the part of a centered disc.
  private let centeredParts: [Double]

  /// nil where the rings share fewer than three lines.
  /// - Throws: As ``DiscShiftEstimator`` for the disc's place on the detector.
  public init?(detector: SegmentedDetector, probeSemiAngle: Double) throws {
    let rim = try DiscRim(detector: detector, probeSemiAngle: probeSemiAngle)
    let lines = try detector.commonLines()
    if lines.count < 3 { return nil }
    range = rim.range
    litPart = rim.litPart
    self.probeSemiAngle = probeSemiAngle
    hole = (detector.segments.map(\.inner).min() ?? 0) / probeSemiAngle
    sectors = lines.indices.map { index in
      (
        start: lines[index],
        stop: index + 1 < lines.count ? lines[index + 1] : lines[0] + 2 * Double.pi
      )
    }
    let sectorOfSegment = detector.segments.map { segment in
      let turn = 2 * Double.pi
      let offset = segment.middle + detector.orientation - lines[0]
      let azimuth = lines[0] + offset - turn * (offset / turn).rounded(.down)
      return (lines.lastIndex { $0 <= azimuth } ?? 0)
    }
    self.sectorOfSegment = sectorOfSegment
    var centered = lines.map { _ in 0.0 }
    for (part, sector) in zip(rim.centeredParts, sectorOfSegment) { centered[sector] += part }
    centeredParts = centered
  }

  /// Per segment the vector with which its signal, over the sum of all, enters a small shift, rad.
  var linearVectors: [(x: Double, y: Double)] {
    let vectors = weights(parts(x: 0, y: 0)).map {
      (x: $0.x * probeSemiAngle, y: $0.y * probeSemiAngle)
    }
    return sectorOfSegment.map { vectors[$0] }
  }

  public func estimate(
    _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int
  ) -> FitQuality? {
    _ = estimatePositions(signals, calibration: calibration, into: map, at: first) {
      var fractions = sectors.map { _ in 0.0 }
      return { values, total, electrons in
        for k in fractions.indices { fractions[k] = 0 }
        for j in values.indices { fractions[sectorOfSegment[j]] += values[j] / total }
        return estimate(fractions, electrons: electrons)
      }
    }
    return nil
  }

  private func estimate(_ fractions: [Double], electrons: Double?) -> PositionEstimate? {
    guard let shift = fit(fractions, from: (x: 0, y: 0)) else { return nil }
    var result = PositionEstimate(x: shift.x * probeSemiAngle, y: shift.y * probeSemiAngle)
    guard let electrons else { return result }
    result.covariance = covariance(fractions, shift, electrons: electrons)
    return result
  }

  /// The shift in units of α; nil where a step leads off the detector.
  private func fit(
    _ fractions: [Double], from start: (x: Double, y: Double)
  ) -> (x: Double, y: Double)? {
    var (x, y) = start
    let limit = range / probeSemiAngle
    for _ in 0..<50 {
      let shares = parts(x: x, y: y)
      let weights = self.weights(shares)
      var step = (x: 0.0, y: 0.0)
      for k in fractions.indices {
        let residual = fractions[k] - shares[k].part
        step.x += weights[k].x * residual
        step.y += weights[k].y * residual
      }
      x += step.x
      y += step.y
      if !(x * x + y * y <= limit * limit) { return nil }
      if abs(step.x) + abs(step.y) < 1e-15 { break }
    }
    return (x: x, y: y)
  }

  /// Of Σ w q, S (N + 1)²/(N³ + N² + N), S = Σ q̃ w wᵀ - (Σ q̃ w)(Σ q̃ w)ᵀ with one electron of a centered disc among
  /// N + 1, and w at the shift of these: the signals of one position are multinomial.
  ///
  /// The shift of the N alone fits a sector without counts by a disc that hardly reaches it, and the variance there, q as
  /// counted or as fitted, is nothing. With the electron, S of given w is right on the mean for any N, as for
  /// ``LinearEstimator``, and what is left is the curvature of the shift in the counts, a part of order 1/N: below
  /// 1/N of the variance from twenty electrons on.
  private func covariance(
    _ fractions: [Double], _ shift: (x: Double, y: Double), electrons n: Double
  ) -> (xx: Double, yy: Double, xy: Double) {
    let (counted, added) = (n / (n + 1), 1 / (n + 1))
    let joined = zip(fractions, centeredParts).map { counted * $0 + added * $1 }
    // To first order there already, and inside the range.
    let start = (x: counted * shift.x, y: counted * shift.y)
    let place = fit(joined, from: start) ?? start
    var mean = (x: 0.0, y: 0.0)
    var square = (xx: 0.0, yy: 0.0, xy: 0.0)
    for (q, w) in zip(joined, weights(parts(x: place.x, y: place.y))) {
      mean.x += q * w.x
      mean.y += q * w.y
      square.xx += q * w.x * w.x
      square.yy += q * w.y * w.y
      square.xy += q * w.x * w.y
    }
    let scale = probeSemiAngle * probeSemiAngle * (n + 1) * (n + 1) / (n * (n * n + n + 1))
    return (
      xx: scale * (square.xx - mean.x * mean.x), yy: scale * (square.yy - mean.y * mean.y),
      xy: scale * (square.xy - mean.x * mean.y)
    )
  }

  /// Each sector's part of what the detector sees, and its gradient; shift in units of α.
  private func parts(x: Double, y: Double) -> [ShiftedDisc.Share] {
    let disc = ShiftedDisc(x: x, y: y)
    return sectors.map { sector in
      // Radius 2 holds any disc whose center is within its radius of the detector's center.
      var share = disc.share(inner: hole, outer: 2, start: sector.start, stop: sector.stop)
      share.part /= litPart
      share.x /= litPart
      share.y /= litPart
      return share
    }
  }

  /// (Jᵀ W J)⁻¹ Jᵀ W, with W = 1/part.
  private func weights(_ shares: [ShiftedDisc.Share]) -> [(x: Double, y: Double)] {
    var m = Matrix2(xx: 0, xy: 0, yx: 0, yy: 0)
    for share in shares {
      let w = 1 / max(share.part, 1e-12)
      m.xx += w * share.x * share.x
      m.xy += w * share.x * share.y
      m.yy += w * share.y * share.y
    }
    m.yx = m.xy
    let inverse = m.inverse ?? Matrix2(xx: 0, xy: 0, yx: 0, yy: 0)
    return shares.map { share in
      let w = 1 / max(share.part, 1e-12)
      return inverse(w * share.x, w * share.y)
    }
  }
}

/// Per segment the vector with which its signal, over the sum of all, enters a small deflection, rad: that of
/// `disc-shift` in the form that suits the detector; nil where none does.
public func linearDeflectionVectors(
  detector: SegmentedDetector, probeSemiAngle: Double
) -> [(x: Double, y: Double)]? {
  let estimator = try? deflectionEstimator(
    .discShift, detector: detector, probeSemiAngle: probeSemiAngle)
  switch estimator {
  case let estimator as DiscShiftEstimator: return estimator.linearVectors
  case let estimator as SectorShiftEstimator: return estimator.linearVectors
  case let estimator as LinearEstimator: return estimator.vectors
  default: return nil
  }
}
