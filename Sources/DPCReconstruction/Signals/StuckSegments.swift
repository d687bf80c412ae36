// Segments that do not scatter as counting makes them: stuck at a number while others count.
internal import STEMCore

/// A segment whose signals hardly vary.
public struct StuckSegment: Sendable, Equatable {
  public let index: Int
  /// The mean as the file holds it.
  public let stored: Double
  /// Whether all its signals are one number.
  public let isConstant: Bool
  /// Its deviation over that which counting leaves at least.
  public let scatter: Double
}

/// Tells which segments stand still where others show noise.
///
/// The variance of counted signals is their mean times the signal of one electron. That is taken from the noise of the
/// other segments, and from the stated electrons where these give less: gains change it by less than the factor that is
/// asked for here, and flicker of the beam or readout noise only add to it. Without noise nothing is told: a segment that
/// the disc fills is constant then.
public struct StuckSegmentSearch: Sendable {
  /// Fewer segments with noise say nothing of another.
  private static let fewestNoisy = 2
  /// A tenth of the deviation that counting leaves.
  private static let leastVariance = 0.01
  /// Where rounding makes more neighbors equal, a segment may do without variance: 32 are with a chance of 0.2³¹.
  private static let mostTies = 0.2

  private let scatters: [SegmentScatter?]
  private let correction: SegmentCorrection
  private let electronsPerUnit: Double?

  /// - Parameters:
  ///   - scatters: Of a frame's sample, corrected.
  ///   - correction: What has been done to it.
  ///   - electronsPerUnit: Of the signals; nil where it is not known.
  public init(
    _ scatters: SegmentScatters, _ correction: SegmentCorrection, electronsPerUnit: Double?
  ) {
    self.scatters = scatters.segments
    self.correction = correction
    self.electronsPerUnit = electronsPerUnit
  }

  /// Those that stand still; none where they are as many as those with noise, as a ring that the disc fills is.
  public func segments() -> [StuckSegment] {
    let still = stillSegments()
    let noisy = scatters.count { $0?.isNoisy(electronsPerUnit: electronsPerUnit) ?? false }
    return still.count < noisy ? still : []
  }

  private func stillSegments() -> [StuckSegment] {
    scatters.indices.compactMap { index in
      guard let own = scatters[index], own.weightedMean > 0 else { return nil }
      let others = scatters.indices.compactMap { $0 == index ? nil : scatters[$0] }
        .filter { $0.isNoisy(electronsPerUnit: electronsPerUnit) }
      guard others.count >= Self.fewestNoisy, let ratio = median(others.map { $0.noise / $0.mean })
      else { return nil }
      let expected = own.weightedMean * min(ratio, electronsPerUnit.map { 1 / $0 } ?? .infinity)
      let step = others.map { $0.ties * $0.noise.squareRoot() }.max() ?? 0
      if step > Self.mostTies * expected.squareRoot() { return nil }
      let isStill = electronsPerUnit != nil && own.variance < Self.leastVariance * expected
      guard own.constant != nil || isStill else { return nil }
      return StuckSegment(
        index: index,
        stored: own.mean * correction.gain[index] + correction.dark[index],
        isConstant: own.constant != nil, scatter: (own.variance / expected).squareRoot())
    }
  }
}
