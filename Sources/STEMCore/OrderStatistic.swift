// Medians and quantiles without sorting.

/// The number that stands at `rank` once `values` are sorted.
///
/// Numbers of the part of the range that holds it are gathered first, so that a large map is only
/// read, neither copied nor moved about.
/// - Parameters:
///   - rank: 0 for the least number.
///   - values: None is NaN.
/// - Complexity: O(count) on average.
public func orderStatistic(_ rank: Int, of values: [Double]) -> Double {
  precondition(values.indices.contains(rank), "a rank is that of a number")
  let numbers = values.span
  guard numbers.count >= 4096 else { return selected(rank, of: values) }
  var (low, high) = (numbers[0], numbers[0])
  for index in 1..<numbers.count {
    low = numbers[index] < low ? numbers[index] : low
    high = numbers[index] > high ? numbers[index] : high
  }
  let parts = 4096
  let scale = Double(parts) / (high - low)
  // A constant, an infinity, or a range that overflows.
  guard scale > 0, scale.isFinite else { return selected(rank, of: values) }
  func part(_ value: Double) -> Int { min(parts - 1, Int((value - low) * scale)) }
  var counts = [Int](repeating: 0, count: parts)
  for index in 0..<numbers.count { counts[part(numbers[index])] += 1 }
  var (before, wanted) = (0, 0)
  while before + counts[wanted] <= rank {
    before += counts[wanted]
    wanted += 1
  }
  var near: [Double] = []
  near.reserveCapacity(counts[wanted])
  for index in 0..<numbers.count where part(numbers[index]) == wanted {
    near.append(numbers[index])
  }
  // Outliers may leave all the rest in one part.
  return 2 * near.count > numbers.count
    ? selected(rank - before, of: near) : orderStatistic(rank - before, of: near)
}

/// The number at `rank`; moves no larger ones before it, no smaller ones behind
/// (C. A. R. Hoare, Comm. ACM 4 (1961) 321).
private func selected(_ rank: Int, of numbers: [Double]) -> Double {
  var values = numbers
  var (first, last) = (0, values.count - 1)
  while first < last {
    let pivot = values[(first + last) / 2]
    var (low, high) = (first, last)
    while low <= high {
      while values[low] < pivot { low += 1 }
      while values[high] > pivot { high -= 1 }
      if low <= high {
        values.swapAt(low, high)
        low += 1
        high -= 1
      }
    }
    if rank <= high { last = high } else if rank >= low { first = low } else { break }
  }
  return values[rank]
}
