// The median of many numbers, without memory for all of them: a sample tells between which it lies.
internal import DPCReconstruction
internal import STEMCore
internal import WorkSharing

/// The median; nil of nothing. No value may be NaN.
/// - Complexity: O(count).
func median(_ values: [Double]) -> Double? {
  median(count: values.count) { values[$0] }
}

/// The median of the numbers that `value` gives for 0 ..< `count`; nil where it gives none.
///
/// A sample brackets the median; all numbers are compared with the bracket on all threads, and those within
/// are selected among (R. W. Floyd & R. L. Rivest, Comm. ACM 18 (1975) 165). Where the sample misleads, the
/// selection is among all: the answer is exact in any case.
/// - Parameters:
///   - count: Places.
///   - value: May be asked twice for a place and must give the same number, none of them NaN.
/// - Complexity: O(count) on average.
func median(count: Int, _ value: @Sendable (Int) -> Double?) -> Double? {
  let step = count / sampleCount
  if step > 1 {
    let sample = (0..<sampleCount).compactMap { value($0 * step) }.sorted()
    let reach = sample.count / 16
    let middle = sample.count / 2
    if reach > 0,
      let found = median(
        count: count, within: sample[middle - reach]...sample[middle + reach], value)
    {
      return found
    }
  }
  let numbers = (0..<count).compactMap(value)
  return numbers.isEmpty ? nil : median(of: numbers.count, below: 0, numbers)
}

/// Many enough that the median of all lies within a sixteenth of the sample's middle but for one case in
/// 10¹⁴, the numbers being in no order.
private let sampleCount = 4096

/// nil where the bracket does not hold the numbers in the middle.
private func median(
  count: Int, within bracket: ClosedRange<Double>, _ value: @Sendable (Int) -> Double?
) -> Double? {
  let parts = mapPieces(count) { places in
    var (below, total) = (0, 0)
    var within: [Double] = []
    for place in places {
      guard let number = value(place) else { continue }
      total += 1
      if number < bracket.lowerBound {
        below += 1
      } else if number <= bracket.upperBound {
        within.append(number)
      }
    }
    return (below: below, total: total, within: within)
  }
  let below = parts.reduce(0) { $0 + $1.below }
  let total = parts.reduce(0) { $0 + $1.total }
  let numbers = parts.flatMap(\.within)
  guard (total - 1) / 2 >= below, total / 2 < below + numbers.count else { return nil }
  return median(of: total, below: below, numbers)
}

/// The median of `total` numbers, of which `below` are less than all of `numbers`, that hold those in the middle.
private func median(of total: Int, below: Int, _ numbers: [Double]) -> Double {
  let upper = orderStatistic(total / 2 - below, of: numbers)
  if total % 2 == 1 { return upper }
  // The number before it in order: the largest of those that are less, unless fewer are than stand before it.
  var (less, largest) = (0, -Double.infinity)
  for number in numbers where number < upper {
    less += 1
    largest = number > largest ? number : largest
  }
  return ((less == total / 2 - below ? largest : upper) + upper) / 2
}
