// Signals that pile up at a number: a converter of fewer bits than their type is at its end there.
internal import STEMCore

/// The number at which the signals of a segment pile up.
public struct SignalCeiling: Sendable, Equatable {
  public var segment: Int
  /// As the file holds it.
  public var stored: Int
  /// Of the segment's positive signals.
  public var fraction: Double
}

/// Tells where noisy signals end in a pile of equal ones.
///
/// The largest signals of counting noise are rare, and the larger the rarer. Where many are 1023, 4095 or another
/// largest number of some bits, and hardly any is the next below, a converter has cut noise off. (Other plateaus may be
/// there without noise: of a segment that the disc fills, say.)
public struct CeilingSearch: Sendable {
  /// Fewer equal signals say nothing.
  private static let fewest = 16
  /// A smaller part of the signals changes their means by less than their noise.
  private static let smallestFraction = 1e-3
  /// The pile over what lies on the next number below.
  private static let smallestPile = 4
  /// As many larger signals may be spikes.
  private static let mostSpikes = 8
  /// Of six bits: nobody records with fewer.
  private static let smallestScale = 63

  private let segmentCount: Int
  private let parts: [SegmentSignals]
  private let correction: SegmentCorrection

  /// - Parameters:
  ///   - parts: Of a frame, corrected.
  ///   - correction: What has been done to them.
  public init(_ parts: [SegmentSignals], _ correction: SegmentCorrection) {
    self.parts = parts
    self.correction = correction
    segmentCount = parts.first?.segmentCount ?? 0
  }

  public func ceilings() -> [SignalCeiling] { (0..<segmentCount).compactMap(ceiling) }

  private func ceiling(_ segment: Int) -> SignalCeiling? {
    let (top, total) = largest(segment)
    var spikes = 0
    for (pile, next) in zip(top, top.dropFirst()) {
      if pile.count < Self.fewest {
        spikes += pile.count
        if spikes > Self.mostSpikes { return nil }
        continue
      }
      let fraction = Double(pile.count) / Double(total)
      guard fraction >= Self.smallestFraction, pile.count > Self.smallestPile * next.count,
        let stored = fullScale(segment, pile.level)
      else { return nil }
      return SignalCeiling(segment: segment, stored: stored, fraction: fraction)
    }
    return nil
  }

  /// The largest different positive signals of a segment, the largest first, how often each is there, and how many
  /// usable signals there are.
  private func largest(_ segment: Int) -> (levels: [(level: Double, count: Int)], total: Int) {
    var levels: [(level: Double, count: Int)] = []
    var least = 0.0
    var total = 0
    for part in parts {
      let first = segment * part.shape.count
      let values = part.values.span.extracting(first..<(first + part.shape.count))
      for position in 0..<values.count {
        let value = values[position]
        // Unusable positions hold zero.
        if value > 0 { total += 1 }
        if value < least || value <= 0 { continue }
        if let place = levels.firstIndex(where: { $0.level <= value }) {
          if levels[place].level == value {
            levels[place].count += 1
          } else {
            levels.insert((value, 1), at: place)
          }
        } else {
          levels.append((value, 1))
        }
        if levels.count > Self.mostSpikes + 2 { levels.removeLast() }
        if levels.count == Self.mostSpikes + 2 { least = levels[levels.count - 1].level }
      }
    }
    return (levels, total)
  }

  /// The number as it is stored, if it is the largest of some number of bits.
  private func fullScale(_ segment: Int, _ level: Double) -> Int? {
    let stored = level * correction.gain[segment] + correction.dark[segment]
    guard stored < 1e9, abs(stored - stored.rounded()) < 1e-6 * stored else { return nil }
    let number = Int(stored.rounded())
    return number >= Self.smallestScale && number & (number + 1) == 0 ? number : nil
  }
}
