// A segment beyond the rim of the disc that counts nothing where the light beside it says that it should.
public import STEMCore

/// A segment that counts nothing where a neighbor does and the one across from it does not.
public struct SilentSegment: Sendable, Equatable {
  public let index: Int
  /// The one across from it, where that counts nothing in the whole scan either: one of the two is dead.
  public let other: Int?
}

/// Tells whether a segment of the ring around the disc that counts nothing is dead, or merely never lit.
///
/// A shift of the disc lights the half of that ring towards it, at ψ from its direction in proportion to cos ψ. Where it
/// never reaches a segment, the one across from it counts no less than either neighbor: as much where the rim just fails
/// to reach. Hence: where a neighbor counts four times what the one across does, or more, the segment counts a thirteenth
/// of the neighbor at least, a sixth where there are four. Its part is a convex function of that of the one across, so
/// that this holds of means over positions too. Structure as fine as the probe lights the ring less, but by the same
/// law; electrons that are scattered widely light all of it, and leave no live segment without counts.
public struct SilentSegmentSearch: Sendable {
  /// A segment that counts less than this part of the largest of its ring is looked at. Readout noise may leave some.
  private static let quietPart = 0.02
  private static let acrossPart = 0.25
  /// Half of a thirteenth: what a segment counts at least, were its gain half that of its neighbor.
  private static let silentPart = 0.04
  /// Of the neighbor, in electrons: of them a live segment counts 19 or more, and less than 10 with a chance of a
  /// hundredth, next to the bounds above.
  private static let clearSignal = 250.0
  /// Standard deviations, as the signals of the group scatter.
  private static let significance = 5.0

  /// Segments by azimuth.
  private let ring: [Int]
  /// Places in the ring: one, or two across from each other.
  private let quiet: [Int]
  private let electronsPerUnit: Double

  /// nil where there is no such segment: where no ring of four or more, even in number, begins at the rim, or where
  /// all of it count, or several side by side do not.
  ///
  /// - Parameters:
  ///   - statistics: Of the whole scan.
  ///   - detector: As many segments as there are sums.
  ///   - probeSemiAngle: Radius of the disc, rad.
  ///   - electronsPerUnit: Of the sums.
  public init?(
    _ statistics: SignalStatistics, _ detector: SegmentedDetector, probeSemiAngle: Double,
    electronsPerUnit: Double
  ) {
    let slack = DiscRim.tolerance * probeSemiAngle
    guard
      let ring = (try? detector.rings())?.first(where: { abs($0.inner - probeSemiAngle) <= slack }),
      let order = detector.pairedOrder(of: ring)
    else { return nil }
    let sums = order.map { statistics.segmentSums[$0] }
    let largest = sums.max() ?? 0
    let quiet = sums.indices.filter { sums[$0] < Self.quietPart * largest }
    let isPair = quiet.count == 2 && quiet[1] - quiet[0] == sums.count / 2
    guard quiet.count == 1 || isPair else { return nil }
    self.ring = order
    self.quiet = quiet
    self.electronsPerUnit = electronsPerUnit
  }

  /// The segment that should count in some of the signals.
  ///
  /// - Parameter parts: Of a frame, corrected.
  public func segment(in parts: [SegmentSignals]) -> SilentSegment? {
    let runs = parts.flatMap { PositionRun.all(in: $0, segments: ring) }
    guard runs.count >= PositionRun.fewest else { return nil }
    let count = ring.count
    let neighbors = [1, count - 1].map { (quiet[0] + $0) % count }
    guard neighbors.contains(where: { isSilent(quiet[0], beside: $0, in: runs) }) else {
      return nil
    }
    return SilentSegment(index: ring[quiet[0]], other: quiet.count > 1 ? ring[quiet[1]] : nil)
  }

  /// Whether a segment counts nothing in the runs in which a neighbor is brightest beside the one across.
  private func isSilent(_ place: Int, beside neighbor: Int, in runs: [PositionRun]) -> Bool {
    let across = (place + ring.count / 2) % ring.count
    func margin(_ signals: [Double]) -> Double {
      signals[neighbor] - signals[across] / Self.acrossPart
    }
    let ranks = runs.indices.map { (index: $0, margin: margin(runs[$0].choosing)) }
      .sorted { ($1.margin, $0.index) < ($0.margin, $1.index) }.map(\.index)
    let size = max(PositionRun.fewest / 4, runs.count / 16)
    let lit = ranks.prefix(size).map { runs[$0].judging }
    let rest = ranks.dropFirst(size).map { runs[$0].judging }
    // What a wrong dark signal adds to the neighbor is there too.
    let usual = mean(rest.map { $0[neighbor] })
    let excess = mean(lit.map { $0[neighbor] }) - usual
    let isAlone = isClear(lit.map(margin), above: usual)
    let electrons = excess * Double(size * PositionRun.judgingCount) * electronsPerUnit
    guard isAlone, electrons >= Self.clearSignal,
      mean(lit.map { $0[place] }) < Self.silentPart * excess
    else { return false }
    if quiet.count == 1 { return true }
    // Of two that are dark one is dead if both segments beside it are lit at once: a disc somewhat smaller than stated
    // lights less than half of the ring, and one of them at a time.
    let far = (2 * place - neighbor + ring.count) % ring.count
    return isClear(lit.map { $0[far] }, above: mean(rest.map { $0[far] }))
  }

  private func isClear(_ values: [Double], above level: Double) -> Bool {
    let mean = mean(values)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let count = Double(values.count)
    return mean - level > Self.significance * squares.squareRoot() / count
  }
}

private func mean(_ values: [Double]) -> Double {
  values.reduce(0, +) / Double(max(1, values.count))
}

/// Signals of eight positions side by side, by place in a ring. Every other position serves to choose among runs, the
/// rest to judge those that were chosen: noise that chose does not judge.
private struct PositionRun {
  static let length = 8
  static let judgingCount = length / 2
  /// Fewer say nothing.
  static let fewest = 32

  /// Means over the positions.
  let choosing: [Double]
  let judging: [Double]

  /// Those of all rows without an unusable position.
  static func all(in signals: SegmentSignals, segments: [Int]) -> [PositionRun] {
    let shape = signals.shape
    return (0..<shape.rows).flatMap { row in
      stride(from: 0, through: shape.columns - length, by: length).compactMap { column in
        let first = row * shape.columns + column
        let flags = signals.mask.bytes[first..<first + length]
        if flags.contains(where: { $0 & PixelFlags.unusable.rawValue != 0 }) { return nil }
        return PositionRun(signals, segments, first)
      }
    }
  }

  private init(_ signals: SegmentSignals, _ segments: [Int], _ first: Int) {
    func means(from offset: Int) -> [Double] {
      segments.map { segment in
        let start = segment * signals.shape.count + first
        return stride(from: offset, to: Self.length, by: 2).reduce(0) {
          $0 + signals.values[start + $1]
        } / Double(Self.judgingCount)
      }
    }
    choosing = means(from: 0)
    judging = means(from: 1)
  }
}

extension SegmentedDetector {
  /// The segments of a ring by azimuth; nil where they are fewer than four, or not each across from another.
  fileprivate func pairedOrder(of ring: DetectorRing) -> [Int]? {
    let turn = 2 * Double.pi
    func rest(_ angle: Double) -> Double { angle - turn * (angle / turn).rounded(.down) }
    let order = ring.segmentIndices.sorted {
      rest(segments[$0].middle) < rest(segments[$1].middle)
    }
    let half = order.count / 2
    guard order.count >= 4, order.count.isMultiple(of: 2) else { return nil }
    let isPaired = (0..<half).allSatisfy { place in
      let (near, far) = (segments[order[place]], segments[order[place + half]])
      return abs(rest(far.middle) - rest(near.middle) - Double.pi) < Self.azimuthTolerance
    }
    return isPaired ? order : nil
  }
}
