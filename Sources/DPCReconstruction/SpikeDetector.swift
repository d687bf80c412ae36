// Outliers of a plane of signals: quick tests by tiles and by counting, and the median of 25 where neither decides.
internal import STEMCore

/// Finds the outliers of planes that share a mask.
///
/// A position that is unusable for another reason is neither examined nor a neighbor; one that is hot
/// in another plane is both.
struct SpikeDetector {
  let shape: GridShape
  let usable: [Bool]
  /// Per tile whether all its positions are usable and lie within the frame.
  let isWhole: [Bool]
  private let threshold: Double
  private let electronsPerUnit: Double?
  private var neighbors: [Double] = []

  private static let reach = 2
  /// Side of the tiles; those around one hold every neighbor of its positions.
  static let tileSide = 4

  init(usable mask: PixelMask, threshold: Double, electronsPerUnit: Double?) {
    shape = mask.shape
    usable = mask.bytes.map { $0 & ~PixelFlags.hot.rawValue == 0 }
    isWhole = Self.wholeTiles(usable, shape)
    self.threshold = threshold
    self.electronsPerUnit = electronsPerUnit
  }

  /// Positions of the outliers, ascending.
  mutating func spikes(in plane: Span<Double>) -> [Int] {
    let tiles = limits(plane)
    let (tileColumns, side) = (tiles.columns, Self.tileSide)
    var found: [Int] = []
    for row in 0..<shape.rows {
      for tile in 0..<tileColumns {
        let index = row / side * tileColumns + tile
        let limits = tiles.limits[index]
        if isWhole[index] {
          let values = four(plane, row * shape.columns + tile * side)
          if all(values .<= limits.upper .& values .>= limits.lower) { continue }
        }
        for column in (tile * side)..<min((tile + 1) * side, shape.columns) {
          let position = row * shape.columns + column
          let value = plane[position]
          if value <= limits.upper && value >= limits.lower { continue }
          if !usable[position] || countingClears(plane, row: row, column: column) { continue }
          if isSpike(plane, row: row, column: column) { found.append(position) }
        }
      }
    }
    return found
  }

  /// Counting noise of a signal of this size, in units of the signal.
  private func countingDeviation(_ median: Double) -> Double {
    guard let scale = electronsPerUnit else { return 1e-6 * abs(median) }
    return (max(median * scale, 0) + 9).squareRoot() / scale
  }

  // With deviation d(m) ≥ √(m + 9) the bound m + T d(m) rises with m, and the bound m - T d(m) is
  // convex for m ≥ -9 electrons, so over all m up to the largest neighbor it is at most its value
  // there or -9. A signal within the bounds of a number below all neighbors and of one above all is
  // therefore within those of the median, and the median need not be formed.
  func upper(_ smallest: Double) -> Double {
    smallest + threshold * countingDeviation(smallest)
  }
  func lower(_ largest: Double) -> Double {
    let bound = largest - threshold * countingDeviation(largest)
    return electronsPerUnit.map { max(bound, -9 / $0) } ?? bound
  }

  /// Whether counting noise about the median allows the signal, found without the median.
  ///
  /// With V, m in electrons and T the threshold, V ≤ m + T √(m + 9) where m ≥ a, and V ≥ m - T √(m + 9)
  /// where m ≤ b, for w² ± T w = V + 9 at w² = a + 9 and b + 9. A median is at least a where more than half
  /// of the neighbors are, and at most b likewise. Both limits are moved inwards by more than rounding.
  private func countingClears(_ plane: Span<Double>, row: Int, column: Int) -> Bool {
    guard let scale = electronsPerUnit else { return false }
    let signal = plane[row * shape.columns + column] * scale
    let discriminant = threshold * threshold + 4 * (signal + 9)
    // Further below nothing the deviation no longer depends on the median as above.
    if !(signal >= -3 * threshold) || discriminant < 0 { return false }
    let root = discriminant.squareRoot()
    let (lower, upper) = ((root - threshold) / 2, (root + threshold) / 2)
    let slack = 1e-12 * (signal + 9 + 3 * threshold + threshold * threshold)
    let least = lower >= 3 ? lower * lower - 9 : signal - 3 * threshold
    let atLeast = (least + slack) / scale
    let atMost = (upper * upper - 9 - slack) / scale
    var (count, above, below) = (0, 0, 0)
    let columns = Self.window(column, of: shape.columns)
    for r in Self.window(row, of: shape.rows) {
      let first = r * shape.columns
      for position in (first + columns.lowerBound)...(first + columns.upperBound) {
        let isNeighbor = usable[position]
        let neighbor = plane[position]
        count += isNeighbor ? 1 : 0
        above += isNeighbor && neighbor >= atLeast ? 1 : 0
        below += isNeighbor && neighbor <= atMost ? 1 : 0
      }
    }
    return above > count / 2 && below > count / 2
  }

  private mutating func isSpike(_ plane: Span<Double>, row: Int, column: Int) -> Bool {
    let value = plane[row * shape.columns + column]
    neighbors.removeAll(keepingCapacity: true)
    var (low, high) = (Double.infinity, -Double.infinity)
    for r in Self.window(row, of: shape.rows) {
      for c in Self.window(column, of: shape.columns) {
        let position = r * shape.columns + c
        if !usable[position] { continue }
        neighbors.append(plane[position])
        low = min(low, plane[position])
        high = max(high, plane[position])
      }
    }
    if value <= upper(low) && value >= lower(high) { return false }
    sortNeighbors()
    let count = neighbors.count
    let middle = count / 2
    let median =
      count % 2 == 1 ? neighbors[middle] : (neighbors[middle - 1] + neighbors[middle]) / 2
    let deviation = max(1.4826 * medianDeviation(from: median), countingDeviation(median))
    return abs(value - median) > threshold * deviation
      && !isShared(plane, by: value - median, above: median, row: row, column: column)
  }

  /// Five positions around one, moved inwards at the rim: half a window there would take the slope of
  /// a structure for its height. The tiles around a position's hold them all.
  private static func window(_ position: Int, of count: Int) -> ClosedRange<Int> {
    let first = max(0, min(position - reach, count - 2 * reach - 1))
    return first...min(first + 2 * reach, count - 1)
  }

  /// Whether three of eight direct neighbors, or as large a part of those there are, stand out the same
  /// way by at least a quarter as much: then it is the onset of a structure, not a defect.
  private func isShared(
    _ plane: Span<Double>, by residual: Double, above median: Double, row: Int, column: Int
  ) -> Bool {
    var neighbors = 0
    var alike = 0
    for r in max(row - 1, 0)...min(row + 1, shape.rows - 1) {
      for c in max(column - 1, 0)...min(column + 1, shape.columns - 1)
      where (r, c) != (row, column) && usable[r * shape.columns + c] {
        neighbors += 1
        if (plane[r * shape.columns + c] - median) / residual >= 0.25 { alike += 1 }
      }
    }
    return alike > 0 && 8 * alike >= 3 * neighbors
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
