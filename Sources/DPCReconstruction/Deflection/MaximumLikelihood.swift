// The most likely shift of a rigid disc, from the counts of all segments.
internal import Glibc
public import STEMCore

/// Maximum likelihood of a rigidly shifted uniform disc: the counts of a position are multinomial with
/// the disc's parts on the segments as probabilities.
///
/// Where a ring ends at the rim of the disc the outer ring is dark without a shift, and the few electrons that
/// a shift brings there tell more than the differences of the bright segments. All rests on that
/// darkness: for weak phases, off-center discs, or scattering into the outer ring the model does not
/// hold and the answer is wrong, far beyond its error. ``rigidModelCheck(of:estimate:lag:)`` notices it.
///
/// Maximized by Fisher scoring with a line search. The covariance is the inverse of the Fisher information
/// N Σ ∇p ∇pᵀ/p, taken at a shift not smaller than one that brings ``minimumOuterCount`` electrons into the
/// outer ring: at zero the information of a dark ring is infinite and means nothing.
public struct MaximumLikelihoodEstimator: DeflectionEstimator {
  /// Convergence semi-angle, rad.
  public let probeSemiAngle: Double
  /// The largest shift for which the disc stays on the detector, rad.
  public let range: Double
  /// Electrons in the outer ring below which errors are those of this number.
  public static let minimumOuterCount = 2.0

  private let sectors: [(inner: Double, outer: Double, start: Double, stop: Double, area: Double)]
  /// How each segment's signal enters a first guess; nil where no sum of the signals tells the direction.
  private let startVectors: [(x: Double, y: Double)]?
  private let isBeyond: [Bool]
  private let litPart: Double
  private let isInterrupted: @Sendable () -> Bool
  /// The part of the electrons thought to be spread evenly: keeps the logarithm of a dark segment finite.
  private static let background = 1e-10
  private static let stepLimit = 60

  /// - Parameter isInterrupted: Once it says so, the positions that are left count as outside the model.
  /// - Throws: As ``DiscShiftEstimator``, save that rings may be divided along different lines.
  public init(
    detector: SegmentedDetector, probeSemiAngle: Double,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) throws {
    self.isInterrupted = isInterrupted
    let rim = try DiscRim(detector: detector, probeSemiAngle: probeSemiAngle)
    self.probeSemiAngle = probeSemiAngle
    range = rim.range
    litPart = rim.litPart
    isBeyond = rim.isOnRingEdge ? rim.isBeyond : rim.isBeyond.map { _ in false }
    let whole = detector.segments.reduce(0) { $0 + $1.area }
    sectors = detector.segments.map {
      (
        inner: $0.inner / probeSemiAngle, outer: $0.outer / probeSemiAngle,
        start: $0.start + detector.orientation, stop: $0.stop + detector.orientation,
        area: $0.area / whole
      )
    }
    startVectors = linearDeflectionVectors(detector: detector, probeSemiAngle: probeSemiAngle)
  }

  public func estimate(
    _ signals: SegmentSignals, calibration: Matrix2, into map: SharedVectorMap, at first: Int
  ) -> FitQuality? {
    let fit = estimatePositions(signals, calibration: calibration, into: map, at: first) {
      var shares = sectors.map { _ in ShiftedDisc.Share() }
      return { values, total, electrons in
        // Without counting statistics the signals are taken for exact.
        estimate(values, total: total, electrons: electrons ?? 1e12, work: &shares)
      }
    }
    return signals.electronsPerUnit == nil ? nil : fit
  }

  private func estimate(
    _ values: [Double], total: Double, electrons: Double, work: inout [ShiftedDisc.Share]
  ) -> PositionEstimate? {
    if isInterrupted() { return nil }
    let limit = range / probeSemiAngle
    let counts = values.map { max(0, $0) * electrons / total }
    guard var (x, y) = start(counts, electrons, limit: limit, work: &work) else { return nil }
    var value = likelihood(counts, x, y, &work)
    for _ in 0..<Self.stepLimit {
      let (information, score) = normalEquations(counts, electrons, work)
      guard let inverse = information.inverse else { break }
      let step = inverse(score.x, score.y)
      var factor = 1.0
      var hasImproved = false
      // A step is halved until it gains; at the kink in the middle the gain may be on its near side.
      for _ in 0..<30 {
        let (u, v) = (x + factor * step.x, y + factor * step.y)
        if u * u + v * v < limit * limit {
          let next = likelihood(counts, u, v, &work)
          if next > value {
            (x, y, value, hasImproved) = (u, v, next, true)
            break
          }
        }
        factor /= 2
      }
      // Steps below a thousandth of the error and of rounding are not worth another.
      let size = information.xx * step.x * step.x + information.yy * step.y * step.y
      if !hasImproved || (factor == 1 && size < 1e-20) { break }
    }
    _ = likelihood(counts, x, y, &work)
    return finished(x, y, counts: counts, electrons: electrons, work: &work)
  }

  /// Where to begin: from the outer ring, whose signal is half that of a rigid shift, or from all segments.
  ///
  /// A shift for which a segment with counts would be dark is in a wrong valley, and other directions are tried: all of
  /// them where no sum of the signals tells one.
  private func start(
    _ counts: [Double], _ electrons: Double, limit: Double, work: inout [ShiftedDisc.Share]
  ) -> (x: Double, y: Double)? {
    var all = (x: 0.0, y: 0.0)
    var beyond = (x: 0.0, y: 0.0)
    var outerCount = 0.0
    for j in counts.indices {
      let part = counts[j] / electrons / probeSemiAngle
      let vector = startVectors?[j] ?? (x: 0, y: 0)
      all.x += part * vector.x
      all.y += part * vector.y
      if isBeyond[j] {
        beyond.x += 2 * part * vector.x
        beyond.y += 2 * part * vector.y
        outerCount += counts[j]
      }
    }
    if !(all.x * all.x + all.y * all.y < limit * limit) { return nil }
    var candidates = [all, beyond]
    let radius = Double.pi * outerCount / (2 * electrons)
    for step in 0..<8 {
      let azimuth = (Double(step) + 0.5) * Double.pi / 4
      candidates.append((x: radius * cos(azimuth), y: radius * sin(azimuth)))
    }
    var best: (point: (x: Double, y: Double), value: Double)?
    for (index, point) in candidates.enumerated() {
      let size = point.x * point.x + point.y * point.y
      if size == 0 || size >= limit * limit { continue }
      let value = likelihood(counts, point.x, point.y, &work)
      if value > best?.value ?? -.infinity { best = (point, value) }
      let isPossible = counts.indices.allSatisfy { counts[$0] == 0 || work[$0].part > 0 }
      if startVectors != nil && index > 0 && isPossible { break }
    }
    return best?.point ?? all
  }

  private func finished(
    _ x: Double, _ y: Double, counts: [Double], electrons: Double,
    work: inout [ShiftedDisc.Share]
  ) -> PositionEstimate? {
    var result = PositionEstimate(x: x * probeSemiAngle, y: y * probeSemiAngle)
    for j in counts.indices where counts[j] > 0 {
      result.deviance +=
        2 * counts[j] * log(counts[j] / (electrons * probability(work[j], sectors[j].area)))
    }
    // A shift d sends 2d/(πα) of the electrons across half of the rim.
    let least = Self.minimumOuterCount * Double.pi / (2 * electrons)
    let size = (x * x + y * y).squareRoot()
    // Of so few electrons that this takes the disc off the detector, the largest shift that does not says most.
    let place = max(
      size, min((size * size + least * least).squareRoot(), 0.9 * range / probeSemiAngle))
    let scale = size > 0 ? place / size : 1
    _ = likelihood(counts, size > 0 ? x * scale : place, y * scale, &work)
    // Counts that leave a direction open measure nothing.
    guard let inverse = normalEquations(counts, electrons, work).information.inverse else {
      return nil
    }
    let square = probeSemiAngle * probeSemiAngle
    result.covariance = (
      xx: inverse.xx * square, yy: inverse.yy * square, xy: inverse.xy * square
    )
    return result
  }

  private func probability(_ share: ShiftedDisc.Share, _ area: Double) -> Double {
    (1 - Self.background) * max(0, share.part) / litPart + Self.background * area
  }

  /// Σ n log p; leaves the segments' parts in `work`.
  private func likelihood(
    _ counts: [Double], _ x: Double, _ y: Double, _ work: inout [ShiftedDisc.Share]
  ) -> Double {
    let disc = ShiftedDisc(x: x, y: y)
    var sum = 0.0
    for j in sectors.indices {
      let sector = sectors[j]
      work[j] = disc.share(
        inner: sector.inner, outer: sector.outer, start: sector.start, stop: sector.stop)
      if counts[j] > 0 { sum += counts[j] * log(probability(work[j], sector.area)) }
    }
    return sum
  }

  /// N Σ ∇p ∇pᵀ/p and Σ n ∇p/p, in units of the radius.
  private func normalEquations(
    _ counts: [Double], _ electrons: Double, _ shares: [ShiftedDisc.Share]
  ) -> (information: Matrix2, score: (x: Double, y: Double)) {
    var m = Matrix2(xx: 0, xy: 0, yx: 0, yy: 0)
    var score = (x: 0.0, y: 0.0)
    for j in shares.indices {
      let p = probability(shares[j], sectors[j].area)
      let (gx, gy) = (shares[j].x / litPart, shares[j].y / litPart)
      m.xx += electrons * gx * gx / p
      m.xy += electrons * gx * gy / p
      m.yy += electrons * gy * gy / p
      score.x += counts[j] * gx / p
      score.y += counts[j] * gy / p
    }
    m.yx = m.xy
    return (m, score)
  }
}
