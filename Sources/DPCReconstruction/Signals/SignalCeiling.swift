// Signals that pile up at a number: a detector, or a converter of fewer bits than their type, is at its end there.
internal import STEMCore

/// The number at which the signals of a segment pile up.
public struct SignalCeiling: Sendable, Equatable {
  public var segment: Int
  /// As the file holds it.
  public var stored: Double
  /// Of the segment's positive signals.
  public var fraction: Double
}

/// Tells where noisy signals end in a pile of equal ones.
///
/// The largest signals of noise are rare, and the larger the rarer: of a number at the top as many are expected as of
/// the next below at most. Where both are equally likely, 16 of one and 3 of the other have a chance below 10⁻³, and
/// that nothing lies above is rarer still: from one number to the next the chance then falls slowly, and all above
/// together expect more than either. Where it falls steeply, the next below has many more.
///
/// So a pile of 1023, 4095 or another largest number of some bits, with hardly any at the next number, is a converter's
/// end. One of another number is where the signals are noise, and the next number lies within its deviation. Without
/// noise a segment that the disc fills has a plateau; and where rounding is coarser than noise nearly all may be one
/// number.
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
  /// Of each segment by noise, where half of them show some; nil for any other.
  private let deviations: [Double?]

  /// - Parameters:
  ///   - parts: Of a frame, corrected.
  ///   - correction: What has been done to them.
  ///   - scatters: Theirs.
  ///   - electronsPerUnit: Of the signals; nil where it is not known.
  public init(
    _ parts: [SegmentSignals], _ correction: SegmentCorrection, _ scatters: SegmentScatters,
    electronsPerUnit: Double?
  ) {
    self.parts = parts
    self.correction = correction
    segmentCount = parts.first?.segmentCount ?? 0
    let scatters = scatters.segments
    let noisy = scatters.count { $0?.isNoisy(electronsPerUnit: electronsPerUnit) ?? false }
    let varying = scatters.count { $0.map { $0.constant == nil && $0.mean > 0 } ?? false }
    deviations = scatters.map { noisy > 0 && 2 * noisy >= varying ? $0?.noise.squareRoot() : nil }
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
          ?? cutOff(segment, pile.level, next: next.level)
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
  private func fullScale(_ segment: Int, _ level: Double) -> Double? {
    let stored = stored(segment, level)
    guard stored < 1e9, stored == stored.rounded() else { return nil }
    let number = Int(stored)
    return number >= Self.smallestScale && number & (number + 1) == 0 ? stored : nil
  }

  /// The number as it is stored, if noise would not leave it alone above the next.
  private func cutOff(_ segment: Int, _ level: Double, next: Double) -> Double? {
    guard let deviation = deviations[segment], level - next <= deviation else { return nil }
    return stored(segment, level)
  }

  /// The number as the file holds it: a whole one but for rounding is one.
  private func stored(_ segment: Int, _ level: Double) -> Double {
    let stored = level * correction.gain[segment] + correction.dark[segment]
    return abs(stored - stored.rounded()) < 1e-6 * stored ? stored.rounded() : stored
  }
}
