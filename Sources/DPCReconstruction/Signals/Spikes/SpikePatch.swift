// Outliers of a plane of signals one by one: quick tests by counting, and the median of 25 where they do not decide.
internal import STEMCore

/// A piece of a plane of corrected signals with all the neighbors of what is examined in it.
struct SpikePatch {
  /// Of the segment that is examined.
  var rule: SpikeRule
  let shape: GridShape
  /// NaN where unusable.
  private(set) var values: [Double] = []
  private var rows = 0..<0
  private var columns = 0..<0
  private(set) var hasGaps = false
  /// Neighbors of four signals, to be sorted.
  var lanes: [SIMD4<Double>] = []
  private var neighbors: [Double] = []

  static let reach = 2

  init(_ rule: SpikeRule, shape: GridShape) {
    self.rule = rule
    self.shape = shape
  }

  /// Takes the corrected signals of a block and of all their neighbors.
  mutating func load<Raw: RawNumber>(
    _ plane: Span<Raw>, rows block: Range<Int>, columns wide: Range<Int>, dark: Double,
    gain: Double, _ flags: Span<UInt8>
  ) {
    rows = Self.reached(from: block, of: shape.rows)
    columns = Self.reached(from: wide, of: shape.columns)
    let count = rows.count * columns.count
    if values.count < count { values = [Double](repeating: .nan, count: count) }
    var place = 0
    hasGaps = false
    for r in rows {
      let line = (r * shape.columns + columns.lowerBound)..<(r * shape.columns + columns.upperBound)
      let isWhole = correctLine(
        plane.extracting(line), dark, gain, flags.extracting(line), to: &values, at: place)
      hasGaps = hasGaps || !isWhole
      place += line.count
    }
  }

  /// What the windows of some positions reach.
  private static func reached(from positions: Range<Int>, of count: Int) -> Range<Int> {
    let first = window(positions.lowerBound, of: count)
    return first.lowerBound..<(window(positions.upperBound - 1, of: count).upperBound + 1)
  }

  /// Marks the spikes of a block that lies in the tiles taken.
  mutating func mark(_ rows: Range<Int>, _ columns: Range<Int>, _ flags: inout [UInt8]) {
    for row in rows {
      var column = columns.lowerBound
      while column < columns.upperBound {
        let isFour =
          column + 4 <= columns.upperBound && column >= Self.reach
          && column + 4 + Self.reach <= shape.columns
        var suspects: UInt8 = isFour ? suspects(row, column) : 1
        for place in column..<(isFour ? column + 4 : column + 1) {
          if suspects & 1 != 0, !value(row, place).isNaN, isFour || !countingClears(row, place),
            isSpike(row, place)
          {
            flags[row * shape.columns + place] |= PixelFlags.hot.rawValue
          }
          suspects >>= 1
        }
        column += isFour ? 4 : 1
      }
    }
  }

  @inline(__always)
  func index(_ row: Int, _ column: Int) -> Int {
    (row - rows.lowerBound) * columns.count + column - columns.lowerBound
  }

  @inline(__always)
  func value(_ row: Int, _ column: Int) -> Double { values[index(row, column)] }

  /// Between which numbers a median clears the signal, so far as counting noise alone is asked.
  ///
  /// With V, m in electrons and T the threshold, V ≤ m + T √(m + 9) where m ≥ a, and V ≥ m - T √(m + 9)
  /// where m ≤ b, for w² ± T w = V + 9 at w² = a + 9 and b + 9. Both limits are moved inwards by more than
  /// rounding. NaN where there are none.
  @inline(__always)
  func medianLimits(_ value: Double) -> (atLeast: Double, atMost: Double) {
    guard let scale = rule.electronsPerUnit else { return (.nan, .nan) }
    let (signal, threshold) = (value * scale, rule.threshold)
    let discriminant = threshold * threshold + 4 * (signal + 9)
    // Further below nothing the deviation no longer depends on the median as above.
    if !(signal >= -3 * threshold) || discriminant < 0 { return (.nan, .nan) }
    let root = discriminant.squareRoot()
    let (lower, upper) = ((root - threshold) / 2, (root + threshold) / 2)
    let slack = 1e-12 * (signal + 9 + 3 * threshold + threshold * threshold)
    let least = lower >= 3 ? lower * lower - 9 : signal - 3 * threshold
    return ((least + slack) / scale, (upper * upper - 9 - slack) / scale)
  }

  /// Whether counting noise about the median allows the signal, found without the median: that is at least a
  /// number where more than half of the neighbors are, and at most one likewise.
  private func countingClears(_ row: Int, _ column: Int) -> Bool {
    let (atLeast, atMost) = medianLimits(value(row, column))
    var (count, above, below) = (0, 0, 0)
    let near = Self.window(column, of: shape.columns)
    for r in Self.window(row, of: shape.rows) {
      for position in index(r, near.lowerBound)...index(r, near.upperBound) {
        let neighbor = values[position]
        count += neighbor.isNaN ? 0 : 1
        above += neighbor >= atLeast ? 1 : 0
        below += neighbor <= atMost ? 1 : 0
      }
    }
    return above > count / 2 && below > count / 2
  }

  /// How many usable signals a window holds.
  func neighborCount(_ row: Int, _ column: Int) -> Int {
    let (rows, columns) = (
      Self.window(row, of: shape.rows), Self.window(column, of: shape.columns)
    )
    if !hasGaps { return rows.count * columns.count }
    return rows.reduce(0) { count, r in count + columns.count { !value(r, $0).isNaN } }
  }

  /// Whether less than a third of a window's neighbors, just taken, is usable: the median of so few lies anywhere within
  /// a structure, and their median absolute deviation is small by chance. In the corner of a masked area there are more.
  private func isSparse(_ row: Int, _ column: Int) -> Bool {
    let all =
      Self.window(row, of: shape.rows).count * Self.window(column, of: shape.columns).count
    return 3 * neighbors.count < all
  }

  private mutating func isSpike(_ row: Int, _ column: Int) -> Bool {
    let value = value(row, column)
    neighbors.removeAll(keepingCapacity: true)
    var (low, high) = (Double.infinity, -Double.infinity)
    for r in Self.window(row, of: shape.rows) {
      for c in Self.window(column, of: shape.columns) {
        let neighbor = self.value(r, c)
        if neighbor.isNaN { continue }
        neighbors.append(neighbor)
        low = min(low, neighbor)
        high = max(high, neighbor)
      }
    }
    if value <= rule.upper(low) && value >= rule.lower(high) || isSparse(row, column) {
      return false
    }
    sortNeighbors()
    let count = neighbors.count
    let middle = count / 2
    let median =
      count % 2 == 1 ? neighbors[middle] : (neighbors[middle - 1] + neighbors[middle]) / 2
    let deviation = max(1.4826 * medianDeviation(from: median), rule.countingDeviation(median))
    return abs(value - median) > rule.threshold * deviation
      && !isShared(by: value - median, above: median, row: row, column: column)
  }

  /// Five positions around one, moved inwards at the rim: half a window there would take the slope of
  /// a structure for its height. The tiles around a position's hold them all.
  static func window(_ position: Int, of count: Int) -> ClosedRange<Int> {
    let first = max(0, min(position - reach, count - 2 * reach - 1))
    return first...min(first + 2 * reach, count - 1)
  }

  /// Whether three of eight direct neighbors, or as large a part of those there are, stand out the same
  /// way by at least a quarter as much: then it is the onset of a structure, not a defect. At the rim, beyond which the
  /// structure may go on, one is enough.
  private func isShared(by residual: Double, above median: Double, row: Int, column: Int) -> Bool {
    var neighbors = 0
    var alike = 0
    for r in max(row - 1, 0)...min(row + 1, shape.rows - 1) {
      for c in max(column - 1, 0)...min(column + 1, shape.columns - 1) where (r, c) != (row, column)
      {
        let neighbor = value(r, c)
        if neighbor.isNaN { continue }
        neighbors += 1
        if (neighbor - median) / residual >= 0.25 { alike += 1 }
      }
    }
    let isInside =
      row > 0 && row + 1 < shape.rows && column > 0 && column + 1 < shape.columns
    return alike > 0 && (!isInside || 8 * alike >= 3 * neighbors)
  }

  /// Puts the neighbors in ascending order, by insertion: there are 25 of them at most.
  private mutating func sortNeighbors() {
    var sorted = neighbors.mutableSpan
    for index in 1..<max(sorted.count, 1) {
      let value = sorted[index]
      var place = index
      while place > 0 && sorted[place - 1] > value {
        sorted[place] = sorted[place - 1]
        place -= 1
      }
      sorted[place] = value
    }
  }

  /// The median of the distances from the median: they grow outwards from it on either side.
  private func medianDeviation(from median: Double) -> Double {
    let count = neighbors.count
    var above = count / 2
    var below = above - 1
    var (previous, last) = (0.0, 0.0)
    for _ in 0...(count / 2) {
      let high = above < count ? neighbors[above] - median : .infinity
      let low = below >= 0 ? median - neighbors[below] : .infinity
      previous = last
      last = min(high, low)
      if high <= low { above += 1 } else { below -= 1 }
    }
    return count % 2 == 1 ? last : (previous + last) / 2
  }
}

/// Corrects a line of signals, NaN where one is unusable.
///
/// - Returns: Whether none is.
private func correctLine<Raw: RawNumber>(
  _ line: Span<Raw>, _ dark: Double, _ gain: Double, _ flags: Span<UInt8>,
  to values: inout [Double], at first: Int
) -> Bool {
  precondition(flags.count == line.count && first + line.count <= values.count, "a line")
  let others = ~PixelFlags.hot.rawValue
  var results = values.mutableSpan
  var reasons: UInt8 = 0
  let scale = 1 / gain
  for place in 0..<line.count {
    results[first + place] = (line[place].double - dark) * scale
    reasons |= flags[place]
  }
  if reasons & others == 0 { return true }
  for place in 0..<line.count where flags[place] & others != 0 { results[first + place] = .nan }
  return false
}
