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
  private(set) var low: [Float]
  private(set) var high: [Float]

  init(shape: GridShape, segmentCount: Int) {
    self.shape = shape
    self.segmentCount = segmentCount
    rows = (shape.rows + Self.side - 1) / Self.side
    columns = (shape.columns + Self.side - 1) / Self.side
    let count = segmentCount * (rows + 2) * (columns + 2)
    low = Array(uninitializedCount: count)
    high = Array(uninitializedCount: count)
    for segment in 0..<segmentCount {
      for row in -1...rows {
        let line = line(segment, row: row)
        let isMargin = row < 0 || row == rows
        for place in [line.lowerBound - 1, line.upperBound] + (isMargin ? Array(line) : []) {
          (low[place], high[place]) = (.infinity, -.infinity)
        }
      }
    }
  }

  /// Where the tiles of a row lie, without the margin; a row of the margin is -1 or `rows`.
  func line(_ segment: Int, row: Int) -> Range<Int> {
    let first = (segment * (rows + 2) + row + 1) * (columns + 2) + 1
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
    // Three more: the extremes of four columns are formed at each.
    var lowest = [Raw](repeating: .zero, count: columns * Self.side + Self.side - 1)
    var highest = lowest
    var (lows, highs) = (lowest, highest)
    for segment in 0..<segmentCount {
      for row in 0..<rows {
        // The last row stands for those that a tile at the rim lacks.
        let lines = (0..<Self.side).map { below in
          let line = segment * shape.rows + min(row * Self.side + below, shape.rows - 1)
          return (line * shape.columns)..<((line + 1) * shape.columns)
        }
        columnExtremes(
          raw.extracting(lines[0]), raw.extracting(lines[1]), raw.extracting(lines[2]),
          raw.extracting(lines[3]), &lowest, &highest)
        for place in shape.columns..<lowest.count {
          lowest[place] = lowest[shape.columns - 1]
          highest[place] = highest[shape.columns - 1]
        }
        fourExtremes(lowest.span, highest.span, &lows, &highs)
        let line = line(segment, row: row)
        everyFourth(lows.span, &low, at: line)
        everyFourth(highs.span, &high, at: line)
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

/// The least and the largest of four lines, column by column; longer results keep what they hold behind.
private func columnExtremes<Raw: RawNumber>(
  _ a: Span<Raw>, _ b: Span<Raw>, _ c: Span<Raw>, _ d: Span<Raw>, _ low: inout [Raw],
  _ high: inout [Raw]
) {
  let count = a.count
  precondition(b.count == count && c.count == count && d.count == count, "lines of one length")
  precondition(low.count >= count && high.count >= count, "room for a line")
  var lows = low.mutableSpan
  var highs = high.mutableSpan
  for column in 0..<count {
    lows[column] = Raw.least(a[column], b[column], c[column], d[column])
    highs[column] = Raw.largest(a[column], b[column], c[column], d[column])
  }
}

/// The extremes of each column and the three behind it.
private func fourExtremes<Raw: RawNumber>(
  _ low: Span<Raw>, _ high: Span<Raw>, _ lows: inout [Raw], _ highs: inout [Raw]
) {
  let count = low.count - 3
  precondition(high.count == low.count && lows.count >= count && highs.count >= count, "lines")
  var least = lows.mutableSpan
  var largest = highs.mutableSpan
  for column in 0..<count {
    least[column] = Raw.least(low[column], low[column + 1], low[column + 2], low[column + 3])
    largest[column] = Raw.largest(
      high[column], high[column + 1], high[column + 2], high[column + 3])
  }
}

private func everyFourth<Raw: RawNumber>(
  _ line: Span<Raw>, _ result: inout [Float], at tiles: Range<Int>
) {
  precondition(line.count >= 4 * tiles.count && tiles.upperBound <= result.count, "four a tile")
  var results = result.mutableSpan
  for tile in 0..<tiles.count { results[tiles.lowerBound + tile] = line[4 * tile].single }
}
