// Whether every segment counts: held against what the disc lights, and against the others of its ring.
public import STEMCore

/// A segment that counts too little for what the disc lights of it.
public struct DeadSegment: Sendable, Equatable {
  public let index: Int
  /// Of the signal of all segments.
  public let share: Double
  /// Of the disc, 0...1.
  public let litShare: Double
  /// Whether the centered disc reaches it. What it does not reach is dark anyway, but cannot count less than nothing.
  public let isLit: Bool
  /// Whether all segments between the same angles count less than a tenth of what the disc gives them: then it ends
  /// before them.
  public let isOneOfAll: Bool
}

/// A segment that counts nothing while the others of its ring do.
public struct DarkSegment: Sendable, Equatable {
  public let index: Int
  /// Of what the brightest segment of its ring counts; zero where it counts less than nothing.
  public let part: Double
}

extension SignalStatistics {
  /// A segment with less than this part of its share is dead: the shift of the disc changes a share
  /// by far less on the mean over a scan.
  private static let deadShare = 0.01
  /// Beyond a disc that is smaller than stated a shift leaves a few percent of what the stated one would light.
  private static let likeShare = 0.1
  /// A segment with less of the disc than this counts what noise, rounding and scattering leave there, on either side
  /// of zero.
  private static let smallestLitShare = 1e-3

  /// The first segment that counts less than a hundredth of what a centered disc gives it or, where the disc does not
  /// reach, less than nothing by more than a hundredth of the mean of all segments; nil where there is none, or no
  /// signal at all.
  ///
  /// - Parameters:
  ///   - detector: As many segments as there are sums.
  ///   - probeSemiAngle: Radius of the disc, rad.
  public func deadSegment(of detector: SegmentedDetector, probeSemiAngle: Double) -> DeadSegment? {
    let total = segmentSums.reduce(0, +)
    if total <= 0 { return nil }
    let segments = detector.segments
    let litShares = segments.map {
      $0.litArea(disc: probeSemiAngle) / (Double.pi * probeSemiAngle * probeSemiAngle)
    }
    func isLit(_ index: Int) -> Bool { litShares[index] >= Self.smallestLitShare }
    func isBelow(_ part: Double, _ index: Int) -> Bool {
      let whole = isLit(index) ? litShares[index] : -1 / Double(segments.count)
      return segmentSums[index] / total < part * whole
    }
    guard let dead = segments.indices.first(where: { isBelow(Self.deadShare, $0) }) else {
      return nil
    }
    let ring = segments.indices.filter {
      abs(segments[$0].inner - segments[dead].inner) < SegmentedDetector.angleTolerance
    }
    return DeadSegment(
      index: dead, share: segmentSums[dead] / total, litShare: litShares[dead], isLit: isLit(dead),
      isOneOfAll: ring.count > 1 && ring.allSatisfy { isBelow(Self.likeShare, $0) })
  }

  /// A segment that counts less than this part of what the others of its ring do is dark.
  private static let darkPart = 1e-3
  /// The part of the largest that all others of its ring must count. Of a disc that lies to one side everywhere, one
  /// or more of the others count less.
  private static let evenPart = 1.0 / 3
  /// What the others must count in the whole scan, in electrons.
  private static let clearSignal = 1e3
  /// With fewer segments a disc to one side leaves one alone dark.
  private static let fewestOfRing = 4

  /// Segments that the centered disc does not reach, and that count nothing while all others of their ring do; at most
  /// one of each ring.
  ///
  /// - Parameters:
  ///   - detector: As many segments as there are sums.
  ///   - probeSemiAngle: Radius of the disc, rad.
  ///   - electronsPerUnit: Of the sums.
  public func darkSegments(
    of detector: SegmentedDetector, probeSemiAngle: Double, electronsPerUnit: Double
  ) -> [DarkSegment] {
    // A detector without rings has nothing to be held against.
    guard let rings = try? detector.rings() else { return [] }
    let edge = probeSemiAngle - SegmentedDetector.angleTolerance
    let outer = rings.filter {
      $0.inner >= edge && $0.segmentIndices.count >= Self.fewestOfRing
    }
    return outer.compactMap { ring in
      let sums = ring.segmentIndices.map {
        (segment: $0, sum: segmentSums[$0] * electronsPerUnit)
      }.sorted { $0.sum < $1.sum }
      let (dark, least, largest) = (sums[0], sums[1].sum, sums[sums.count - 1].sum)
      guard dark.sum < Self.darkPart * largest, least > Self.evenPart * largest,
        least > Self.clearSignal
      else { return nil }
      return DarkSegment(index: dark.segment, part: max(0, dark.sum) / largest)
    }
  }
}
