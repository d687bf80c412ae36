// The median of many numbers, without memory for all of them: a sample tells between which it lies.
internal import STEMCore
internal import WorkSharing

/// The median of the numbers among the values, NaN being none; nil where there are none.
/// - Complexity: O(count) on average.
public func median(_ values: [Double]) -> Double? {
  let middle = middle(count: values.count) { places, numbers in
    let values = values.span.extracting(places)
    for index in 0..<places.count { numbers[index] = values[index] }
  }
  return middle.map { $0.lower == $0.upper ? $0.upper : ($0.lower + $0.upper) / 2 }
}

/// Writes the numbers at some places one after the other, NaN where there is none. May be asked twice for a place, and
/// must then give the same number.
public typealias NumberWriter =
  @Sendable (_ places: Range<Int>, _ numbers: inout MutableSpan<Double>) -> Void

/// The two numbers in the middle of those at some places once they are sorted, which is one and the same where their
/// number is odd; nil where there are none.
///
/// A sample brackets them; all numbers are compared with the bracket on all threads, and those within
/// are selected among (R. W. Floyd & R. L. Rivest, Comm. ACM 18 (1975) 165). Where the sample misleads, the
/// selection is among all: the answer is exact in any case.
/// - Complexity: O(count) on average.
public func middle(count: Int, _ write: NumberWriter) -> (lower: Double, upper: Double)? {
  if count / sampleCount > 1 {
    let sample = sample(of: count, write)
    // Four times the root of their number, which is eight standard deviations of the rank of the median.
    let reach = Int(4 * Double(sample.count).squareRoot())
    let middle = sample.count / 2
    if reach < middle {
      let bracket =
        orderStatistic(middle - reach, of: sample)...orderStatistic(middle + reach, of: sample)
      if let found = search(count, bracket, write) { return found }
    }
  }
  let all = numbers(at: 0..<count, write)
  return all.isEmpty ? nil : middle(of: all.count, below: 0, all)
}

/// Many enough that a twentieth of all numbers, in no order, lies in the bracket.
private let sampleCount = 32768

/// The numbers that there are at so many places, evenly spread, and over the columns of a map too.
private func sample(of count: Int, _ write: NumberWriter) -> [Double] {
  let step = count / sampleCount
  return [Double](unsafeUninitializedCapacity: sampleCount) { buffer, filled in
    filled = 0
    for index in 0..<sampleCount {
      var place = UnsafeMutableBufferPointer(rebasing: buffer[filled...filled]).mutableSpan
      let position = index * step + index % step
      write(position..<position + 1, &place)
      if !place[0].isNaN { filled += 1 }
    }
  }
}

/// Places at a time: their numbers stay in the innermost cache.
private let blockLength = 1024

/// The numbers that there are at some places.
private func numbers(at places: Range<Int>, _ write: NumberWriter) -> [Double] {
  [Double](unsafeUninitializedCapacity: places.count) { buffer, count in
    buffer.update(repeating: .nan)
    var span = buffer.mutableSpan
    write(places, &span)
    count = 0
    for number in buffer where !number.isNaN {
      buffer[count] = number
      count += 1
    }
  }
}

/// nil where the bracket does not hold the numbers in the middle.
private func search(
  _ count: Int, _ bracket: ClosedRange<Double>, _ write: NumberWriter
) -> (lower: Double, upper: Double)? {
  let parts = mapPieces(count) { places in
    var part = BracketCount(bracket, places.count)
    for first in stride(from: places.lowerBound, to: places.upperBound, by: blockLength) {
      part.add(first..<min(first + blockLength, places.upperBound), write)
    }
    return (below: part.below, total: part.total, within: part.within)
  }
  let below = parts.reduce(0) { $0 + $1.below }
  let total = parts.reduce(0) { $0 + $1.total }
  let numbers = parts.flatMap(\.within)
  guard (total - 1) / 2 >= below, total / 2 < below + numbers.count else { return nil }
  return middle(of: total, below: below, numbers)
}

/// How many numbers lie below a bracket, and those within.
private struct BracketCount {
  let bracket: ClosedRange<Double>
  private(set) var below = 0
  private(set) var total = 0
  private(set) var within: [Double] = []
  /// Of a block.
  private var numbers = [Double](repeating: 0, count: blockLength)
  private var chosen = [Double](repeating: 0, count: blockLength)

  init(_ bracket: ClosedRange<Double>, _ count: Int) {
    self.bracket = bracket
    // At once: pieces of memory by which it would grow stay with the thread, in the midst of what large maps need.
    within.reserveCapacity(count / 16)
  }

  /// - Precondition: No more than a block.
  mutating func add(_ places: Range<Int>, _ write: NumberWriter) {
    var span = numbers.mutableSpan
    write(places, &span)
    let (low, high) = (bracket.lowerBound, bracket.upperBound)
    var (below, total, count) = (0, 0, 0)
    var chosen = self.chosen.mutableSpan
    for index in 0..<places.count {
      let number = span[index]
      below += number < low ? 1 : 0
      total += number.isNaN ? 0 : 1
      // Written in any case, kept if it is one of them: no branch depends on the numbers.
      chosen[count] = number
      count += number >= low && number <= high ? 1 : 0
    }
    self.below += below
    self.total += total
    within.append(contentsOf: self.chosen[0..<count])
  }
}

/// The middle of `total` numbers, of which `below` are less than all of `numbers`, that hold those in the middle.
private func middle(
  of total: Int, below: Int, _ numbers: [Double]
) -> (lower: Double, upper: Double) {
  let upper = orderStatistic(total / 2 - below, of: numbers)
  if total % 2 == 1 { return (upper, upper) }
  // The number before it in order: the largest of those that are less, unless fewer are than stand before it.
  var (less, largest) = (0, -Double.infinity)
  for number in numbers where number < upper {
    less += 1
    largest = number > largest ? number : largest
  }
  return (less == total / 2 - below ? largest : upper, upper)
}
