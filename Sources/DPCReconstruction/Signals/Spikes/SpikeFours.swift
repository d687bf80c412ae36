// Four neighboring signals at once, as vectors: which of them may be spikes.
internal import STEMCore

extension SpikePatch {
  /// A bit for each of four signals in a row that may be a spike; their windows are moved inwards at no side rim.
  mutating func suspects(_ row: Int, _ column: Int) -> UInt8 {
    if rule.electronsPerUnit != nil { return countedSuspects(row, column) }
    return sortedSuspects(row, column)
  }

  /// Those that counting does not clear: see ``countingClears(_:_:)``.
  private func countedSuspects(_ row: Int, _ column: Int) -> UInt8 {
    var (atLeast, atMost) = (SIMD4<Double>(), SIMD4<Double>())
    for place in 0..<4 {
      (atLeast[place], atMost[place]) = medianLimits(value(row, column + place))
    }
    // Counts as numbers: one less for each comparison that holds.
    var (above, below) = (SIMD4<Int64>(), SIMD4<Int64>())
    let plane = values.span
    for r in Self.window(row, of: shape.rows) {
      for first in index(r, column - Self.reach)...index(r, column + Self.reach) {
        let neighbor = SIMD4(plane[first], plane[first + 1], plane[first + 2], plane[first + 3])
        above &+= unsafeBitCast(neighbor .>= atLeast, to: SIMD4<Int64>.self)
        below &+= unsafeBitCast(neighbor .<= atMost, to: SIMD4<Int64>.self)
      }
    }
    var suspects: UInt8 = 0
    for place in 0..<4 {
      let half = neighborCount(row, column + place) / 2
      if !(-above[place] > half && -below[place] > half) { suspects |= 1 << UInt8(place) }
    }
    return suspects
  }

  /// Those that stand out of their neighbors' median and of its median absolute deviation, without counting noise.
  private mutating func sortedSuspects(_ row: Int, _ column: Int) -> UInt8 {
    lanes.removeAll(keepingCapacity: true)
    var gaps = SIMD4<Double>()
    for r in Self.window(row, of: shape.rows) {
      for first in index(r, column - Self.reach)...index(r, column + Self.reach) {
        let neighbor = SIMD4(
          values[first], values[first + 1], values[first + 2], values[first + 3])
        gaps += neighbor * 0
        lanes.append(neighbor)
      }
    }
    // A frame of fewer than five rows, or a signal that is unusable.
    if lanes.count != sortedCount || gaps != SIMD4() { return 0b1111 }
    sortLanes(&lanes)
    let middle = sortedCount / 2
    let sorted = lanes.span
    let median = sorted[middle]
    // Distances from the median grow outwards on either side: of so many on both, the one that stands at the
    // middle of all is the least over how many are taken from above, of the larger end.
    var deviation = SIMD4<Double>(repeating: .infinity)
    for above in 0...middle {
      let (up, down) = (sorted[middle + above] - median, median - sorted[above])
      let end = up.replacing(with: down, where: down .> up)
      deviation.replace(with: end, where: end .< deviation)
    }
    var suspects: UInt8 = 0
    for place in 0..<4 {
      let bound = max(1.4826 * deviation[place], rule.countingDeviation(median[place]))
      if !(abs(value(row, column + place) - median[place]) <= rule.threshold * bound) {
        suspects |= 1 << UInt8(place)
      }
    }
    return suspects
  }
}

/// Neighbors in a window of five by five.
private let sortedCount = 25

/// The comparisons that sort so many numbers, whatever they are
/// (K. E. Batcher, AFIPS Spring Joint Computer Conf. 32 (1968) 307).
private let exchanges: [(low: Int, high: Int)] = {
  var pairs: [(low: Int, high: Int)] = []
  var part = 1
  while part < sortedCount {
    var step = part
    while step >= 1 {
      for first in stride(from: step % part, to: sortedCount - step, by: 2 * step) {
        for low in first..<min(first + step, sortedCount - step)
        where low / (2 * part) == (low + step) / (2 * part) {
          pairs.append((low, low + step))
        }
      }
      step /= 2
    }
    part *= 2
  }
  return pairs
}()

private func sortLanes(_ lanes: inout [SIMD4<Double>]) {
  let pairs = exchanges
  var lanes = lanes.mutableSpan
  for pair in pairs.span.indices {
    let (low, high) = (lanes[pairs[pair].low], lanes[pairs[pair].high])
    let swaps = high .< low
    lanes[pairs[pair].low] = low.replacing(with: high, where: swaps)
    lanes[pairs[pair].high] = high.replacing(with: low, where: swaps)
  }
}
