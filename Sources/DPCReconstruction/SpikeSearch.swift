// Spikes among raw signals: whole tiles are cleared by their own and their neighbors' extremes.
internal import STEMCore

/// Finds the outliers of every segment of raw signals.
///
/// A position that is unusable for another reason is neither examined nor a neighbor; one that is hot in
/// another segment is both.
struct SpikeSearch {
  private let correction: SegmentCorrection
  private let rule: SpikeRule

  init(_ correction: SegmentCorrection, threshold: Double, electronsPerUnit: Double?) {
    self.correction = correction
    rule = SpikeRule(threshold: threshold, electronsPerUnit: electronsPerUnit)
  }

  /// Marks spikes in the mask.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`.
  ///   - tiles: Extremes of the usable ones.
  ///   - rows: Rows to search.
  ///   - flags: One a position.
  func markSpikes<Raw: RawNumber>(
    of raw: Span<Raw>, _ tiles: SignalTiles, in rows: Range<Int>, _ flags: inout [UInt8]
  ) {
    let side = SignalTiles.side
    let shape = tiles.shape
    var patch = SpikePatch(rule, shape: shape)
    var test = TileTest(columns: tiles.columns)
    for segment in correction.gain.indices {
      let (dark, gain) = (correction.dark[segment], correction.gain[segment])
      let limits = rule.limits(dark: dark, gain: gain)
      let plane = raw.extracting((segment * shape.count)..<((segment + 1) * shape.count))
      for row in (rows.lowerBound / side)..<((rows.upperBound + side - 1) / side) {
        if let limits { test.clear(tiles, segment, row: row, limits) } else { test.clearNone() }
        var column = 0
        while let run = test.run(from: column) {
          column = run.upperBound
          let block = ((row * side)..<min((row + 1) * side, shape.rows)).clamped(to: rows)
          let wide = (run.lowerBound * side)..<min(column * side, shape.columns)
          patch.load(plane, rows: block, columns: wide, dark: dark, gain: gain, flags.span)
          patch.mark(block, wide, &flags)
        }
      }
    }
  }
}

/// What single precision needs to clear a tile of raw signals.
struct TileLimits {
  /// Electrons for one unit of the raw signal.
  var scale: Float
  /// The dark signal in electrons.
  var dark: Float
  /// The square of a threshold that is a little lower.
  var squaredThreshold: Float
}

/// Tells which tiles of a row hold no spike.
private struct TileTest {
  /// Per tile 1 where it has to be looked at; a margin on either side of the extremes.
  private var open: [UInt8]
  private var low: [Float]
  private var high: [Float]

  init(columns: Int) {
    open = [UInt8](repeating: 0, count: columns)
    low = [Float](repeating: 0, count: columns + 2)
    high = low
  }

  /// The next tiles in a row that have to be looked at, not many at once.
  func run(from first: Int) -> Range<Int>? {
    let tiles = open.span
    var start = first
    while start < tiles.count && tiles[start] == 0 { start += 1 }
    if start >= tiles.count { return nil }
    var end = start + 1
    while end < tiles.count && end < start + 32 && tiles[end] != 0 { end += 1 }
    return start..<end
  }

  mutating func clearNone() {
    for tile in open.indices { open[tile] = 1 }
  }

  mutating func clear(_ tiles: SignalTiles, _ segment: Int, row: Int, _ limits: TileLimits) {
    let lines = (row - 1...row + 1).map { row in
      let line = tiles.line(segment, row: row)
      return (line.lowerBound - 1)..<(line.upperBound + 1)
    }
    extremes(
      tiles.low.span.extracting(lines[0]), tiles.low.span.extracting(lines[1]),
      tiles.low.span.extracting(lines[2]), &low, <)
    extremes(
      tiles.high.span.extracting(lines[0]), tiles.high.span.extracting(lines[1]),
      tiles.high.span.extracting(lines[2]), &high, >)
    let own = tiles.line(segment, row: row)
    // Held apart from self, of which another part is written to; nothing is copied.
    let (low, high) = (self.low, self.high)
    compare(
      tiles.low.span.extracting(own), tiles.high.span.extracting(own), low.span, high.span, limits,
      &open)
  }
}

/// The least (or largest) of three lines.
@inline(__always)
private func extremes(
  _ a: Span<Float>, _ b: Span<Float>, _ c: Span<Float>, _ result: inout [Float],
  _ precedes: (Float, Float) -> Bool
) {
  let count = result.count
  precondition(a.count == count && b.count == count && c.count == count, "lines of one length")
  var results = result.mutableSpan
  for tile in 0..<count {
    let first = precedes(b[tile], a[tile]) ? b[tile] : a[tile]
    results[tile] = precedes(c[tile], first) ? c[tile] : first
  }
}

/// Opens the tiles that may hold a spike.
///
/// With L the smallest and H the largest usable signal of a tile and the eight around it, in electrons, no
/// signal V of the tile is a spike where V - L ≤ T √(max(L, 0) + 9), H - V ≤ T √(max(H, 0) + 9) and V ≥ -9: see
/// ``SpikeRule``. `error` is more than what rounding to single precision does to either side.
private func compare(
  _ ownLow: Span<Float>, _ ownHigh: Span<Float>, _ low: Span<Float>, _ high: Span<Float>,
  _ limits: TileLimits, _ open: inout [UInt8]
) {
  let count = ownLow.count
  precondition(
    ownHigh.count == count && open.count == count && low.count == count + 2
      && high.count == count + 2, "lines of tiles")
  let (scale, dark, square) = (limits.scale, limits.dark, limits.squaredThreshold)
  var opens = open.mutableSpan
  for tile in 0..<count {
    let least = min(min(low[tile], low[tile + 1]), low[tile + 2])
    let largest = max(max(high[tile], high[tile + 1]), high[tile + 2])
    let size = scale * max(abs(least), abs(largest))
    let error = 4e-6 * (size + abs(dark))
    let rise = scale * (ownHigh[tile] - least) + error
    let fall = scale * (largest - ownLow[tile]) + error
    let lowCount = max(scale * least - dark - error, 0) + 9
    let highCount = max(scale * largest - dark - error, 0) + 9
    let isClear =
      (rise * rise <= square * lowCount) & (fall * fall <= square * highCount)
      & (scale * ownLow[tile] - dark - error >= -8.9999) & (size < 1e15)
    opens[tile] = isClear ? 0 : 1
  }
}

extension Bool {
  /// Both, without a branch.
  @inline(__always)
  fileprivate static func & (left: Bool, right: Bool) -> Bool {
    (left ? 1 : 0) & (right ? 1 : 0) as UInt8 != 0
  }
}
