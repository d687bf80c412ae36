// What the scatter between repeated frames says of the errors.
/// How repeated frames scatter about their mean, pooled over positions.
public struct FrameScatter: Sendable, Equatable, Codable {
  /// In units of the signal: 1 per degree of freedom is what counting electrons gives.
  public var chiSquare = 0.0
  public var degreesOfFreedom = 0.0
  /// Groups of positions that two frames or more have as a whole, whatever they count.
  public var comparedGroups = 0
  /// Positions that were left out since a segment was saturated, of all frames together.
  public var saturatedCount = 0
  /// Per frame the positions that were left out for any reason.
  public var unusableCounts: [Int] = []
  /// Positions by the number of frames that were added there, from none on.
  public var addedCounts: [Int] = []

  /// Segments with a smaller share of the signal are left out.
  static let smallestFraction = 1e-3
  /// Below this many electrons per frame a Poisson count is not normal enough.
  static let smallestCount = 5.0

  public init() {}

  public static func += (sum: inout FrameScatter, other: FrameScatter) {
    sum.chiSquare += other.chiSquare
    sum.degreesOfFreedom += other.degreesOfFreedom
    sum.comparedGroups += other.comparedGroups
    sum.saturatedCount += other.saturatedCount
    sum.unusableCounts = joined(sum.unusableCounts, other.unusableCounts)
    sum.addedCounts = joined(sum.addedCounts, other.addedCounts)
  }

  private static func joined(_ first: [Int], _ second: [Int]) -> [Int] {
    first.isEmpty ? second : zip(first, second).map { $0 + $1 }
  }

  /// How many frames were added at a position: the median over those where any was; nil where none was.
  public var medianAdded: Double? {
    let counts = addedCounts.dropFirst()
    let total = counts.reduce(0, +)
    if total == 0 { return nil }
    /// How many were added at the position that stands there once they are sorted.
    func added(_ place: Int) -> Double {
      var below = 0
      let index = counts.firstIndex { count in
        below += count
        return below > place
      }
      return Double(index ?? counts.endIndex)
    }
    return (added((total - 1) / 2) + added(total / 2)) / 2
  }

  /// Of fewer groups a ratio says little, and of a few segments' each it is not that of the scan.
  private static let fewestGroups = 64

  /// Whether enough of the frames can be compared.
  public var isTelling: Bool { comparedGroups >= Self.fewestGroups }

  /// Variance over signal, in units of the signal; nil without repeated frames.
  public var variancePerUnit: Double? {
    degreesOfFreedom > 0 && chiSquare > 0 ? chiSquare / degreesOfFreedom : nil
  }
}

extension SegmentSignals {
  /// Takes the scatter between frames into the errors.
  ///
  /// Where the number of electrons is unknown the scatter measures it: one unit of signal scatters
  /// like 1/(variance per unit) electrons. Where it is known, scatter that exceeds counting noise by
  /// more than three standard errors enlarges the variance.
  ///
  /// - Returns: Observed variance over that of counting; nil where there is nothing to compare.
  public mutating func applyScatter(_ scatter: FrameScatter) -> Double? {
    guard let variancePerUnit = scatter.variancePerUnit else { return nil }
    guard let electronsPerUnit else {
      self.electronsPerUnit = 1 / variancePerUnit
      return nil
    }
    let ratio = variancePerUnit * electronsPerUnit
    let standardError = (2 / scatter.degreesOfFreedom).squareRoot()
    if ratio > 1 + 3 * standardError { varianceFactor *= ratio }
    return ratio
  }
}
