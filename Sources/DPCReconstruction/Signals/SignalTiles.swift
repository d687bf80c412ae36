// The smallest and largest raw signals of tiles of 4×4: they clear almost everything of almost every suspicion.
internal import STEMCore

/// Extremes of the usable raw signals of every segment, tile by tile, a margin of empty tiles around them.
///
/// Single precision: off by 2⁻²⁴ of the number at most, which whoever compares has to allow for.
struct SignalTiles {
  /// Side of the tiles; those around one hold every neighbor of its positions.
  static let side = 4

  let shape: GridShape
  let segmentCount: Int
  let rows: Int
  let columns: Int
  /// Tiles of a line in memory: all columns in fours, and the margin.
  private let width: Int
  private(set) var low: [Float]
  private(set) var high: [Float]

  init(shape: GridShape, segmentCount: Int) {
    self.shape = shape
    self.segmentCount = segmentCount
    rows = (shape.rows + Self.side - 1) / Self.side
    columns = (shape.columns + Self.side - 1) / Self.side
    width = (columns + 3) / 4 * 4 + 2
    let count = segmentCount * (rows + 2) * width
    low = Array(uninitializedCount: count)
    high = Array(uninitializedCount: count)
    for segment in 0..<segmentCount {
      for row in -1...rows {
        let line = wideLine(segment, row: row)
        let isMargin = row < 0 || row == rows
        clear(line.lowerBound..<(isMargin ? line.upperBound : line.lowerBound + 1))
        clear((line.lowerBound + 1 + columns)..<line.upperBound)
      }
    }
  }

  private mutating func clear(_ tiles: Range<Int>) {
    for tile in tiles { (low[tile], high[tile]) = (.infinity, -.infinity) }
  }

  /// The tiles of a row with one more on either side, then as many as make the row's own a multiple of four:
  /// those in the margin are empty.
  func wideLine(_ segment: Int, row: Int) -> Range<Int> {
    let first = (segment * (rows + 2) + row + 1) * width
    return first..<(first + width)
  }

  /// Where the tiles of a row lie, without the margin; a row of the margin is -1 or `rows`.
  func line(_ segment: Int, row: Int) -> Range<Int> {
    let first = wideLine(segment, row: row).lowerBound + 1
    return first..<(first + columns)
  }

  /// The scan's rows and columns of a tile.
  func positions(row: Int, column: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (top, left) = (row * Self.side, column * Self.side)
    return (
      top..<min(top + Self.side, shape.rows), left..<min(left + Self.side, shape.columns)
    )
  }

  /// Takes the extremes of all signals, usable or not. A tile has the smallest signal NaN where one is not finite.
  ///
  /// - Parameter raw: `raw[segment * shape.count + position]`.
  mutating func gather<Raw: RawNumber>(_ raw: Span<Raw>) {
    for segment in 0..<segmentCount {
      for row in 0..<rows {
        // The last row stands for those that a tile at the rim lacks.
        func line(_ below: Int) -> Range<Int> {
          let line = segment * shape.rows + min(row * Self.side + below, shape.rows - 1)
          return (line * shape.columns)..<((line + 1) * shape.columns)
        }
        Raw.gather(
          raw.extracting(line(0)), raw.extracting(line(1)), raw.extracting(line(2)),
          raw.extracting(line(3)), &low, &high, at: self.line(segment, row: row))
      }
    }
  }

  /// Takes the extremes of a tile's usable signals; an empty one has none.
  mutating func regather<Raw: RawNumber>(
    _ raw: Span<Raw>, row: Int, column: Int, flags: Span<UInt8>
  ) {
    let positions = positions(row: row, column: column)
    for segment in 0..<segmentCount {
      var (lowest, highest) = (Float.infinity, -Float.infinity)
      for r in positions.rows {
        for c in positions.columns
        where flags[r * shape.columns + c] & ~PixelFlags.hot.rawValue == 0 {
          let signal = raw[segment * shape.count + r * shape.columns + c].single
          lowest = min(lowest, signal)
          highest = max(highest, signal)
        }
      }
      let index = line(segment, row: row).lowerBound + column
      (low[index], high[index]) = (lowest, highest)
    }
  }
}
