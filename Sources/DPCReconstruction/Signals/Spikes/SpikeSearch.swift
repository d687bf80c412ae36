// Spikes among raw signals: whole tiles are cleared by their own and their neighbors' extremes.
internal import STEMCore

/// Finds the outliers of every segment of raw signals.
///
/// A position that is unusable for another reason is neither examined nor a neighbor; one that is hot in
/// another segment is both.
struct SpikeSearch {
  private let correction: SegmentCorrection
  /// One a segment.
  private let rules: [SpikeRule]

  /// - Parameter signalPerElectron: Of each segment, where the electrons are unknown.
  init(
    _ correction: SegmentCorrection, threshold: Double, electronsPerUnit: Double?,
    signalPerElectron: [Double]?
  ) {
    self.correction = correction
    rules = correction.gain.indices.map { segment in
      let estimated = signalPerElectron.flatMap { $0[segment] > 0 ? 1 / $0[segment] : nil }
      return SpikeRule(threshold: threshold, electronsPerUnit: electronsPerUnit ?? estimated)
    }
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
    var patch = SpikePatch(rules[0], shape: shape)
    var test = TileTest(columns: tiles.columns)
    for segment in correction.gain.indices {
      let (dark, gain) = (correction.dark[segment], correction.gain[segment])
      let limits = rules[segment].limits(dark: dark, gain: gain)
      patch.rule = rules[segment]
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
  private let columns: Int
  /// A byte for each tile, 1 where it has to be looked at, four to a number and the first of them lowest.
  private var open: [UInt32]
  /// Of a tile and those above and below, a margin on either side.
  private var low: [Float]
  private var high: [Float]

  init(columns: Int) {
    self.columns = columns
    let fours = (columns + 3) / 4
    open = [UInt32](repeating: 0, count: fours)
    low = [Float](repeating: 0, count: 4 * fours + 2)
    high = low
  }

  /// The next tiles in a row that have to be looked at, not many at once.
  func run(from first: Int) -> Range<Int>? {
    var start = first
    while start < columns {
      let rest = open[start / 4] >> UInt32(8 * (start % 4))
      if rest != 0 {
        start += rest.trailingZeroBitCount / 8
        break
      }
      start = (start / 4 + 1) * 4
    }
    if start >= columns { return nil }
    var end = start + 1
    while end < min(columns, start + 32) && open[end / 4] >> UInt32(8 * (end % 4)) & 1 != 0 {
      end += 1
    }
    return start..<end
  }

  mutating func clearNone() {
    for four in open.indices { open[four] = 0x0101_0101 }
  }

  mutating func clear(_ tiles: SignalTiles, _ segment: Int, row: Int, _ limits: TileLimits) {
    let above = tiles.wideLine(segment, row: row - 1)
    let own = tiles.wideLine(segment, row: row)
    let below = tiles.wideLine(segment, row: row + 1)
    extremes(
      tiles.low.span.extracting(above), tiles.low.span.extracting(own),
      tiles.low.span.extracting(below), &low, <)
    extremes(
      tiles.high.span.extracting(above), tiles.high.span.extracting(own),
      tiles.high.span.extracting(below), &high, >)
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

/// Opens the tiles that may hold a spike, four at a time; what is behind the last tile may be opened too.
///
/// With L the smallest and H the largest usable signal of a tile and the eight around it, in electrons, no
/// signal V of the tile is a spike where V - L ≤ T √(max(L, 0) + 9), H - V ≤ T √(max(H, 0) + 9) and V ≥ -9: see
/// ``SpikeRule``. `error` is more than what rounding to single precision does to either side.
private func compare(
  _ ownLow: Span<Float>, _ ownHigh: Span<Float>, _ low: Span<Float>, _ high: Span<Float>,
  _ limits: TileLimits, _ open: inout [UInt32]
) {
  let count = 4 * open.count + 2
  precondition(
    ownLow.count == count && ownHigh.count == count && low.count == count && high.count == count,
    "lines of tiles")
  let (scale, dark, square) = (limits.scale, limits.dark, limits.squaredThreshold)
  let darkError = 4e-6 * abs(dark)
  var opens = open.mutableSpan
  let (ownLows, ownHighs, lows, highs) = (ownLow.bytes, ownHigh.bytes, low.bytes, high.bytes)
  for four in 0..<opens.count {
    let tile = 4 &* four
    // SAFETY: up to the number tile + 2 + 3 of each line, whose lengths were asked for above.
    let least = lesser(
      lesser(signals(lows, tile), signals(lows, tile &+ 1)), signals(lows, tile &+ 2))
    let largest = larger(
      larger(signals(highs, tile), signals(highs, tile &+ 1)), signals(highs, tile &+ 2))
    let (ownLeast, ownLargest) = (signals(ownLows, tile &+ 1), signals(ownHighs, tile &+ 1))
    let size = scale * larger(magnitude(least), magnitude(largest))
    let error = 4e-6 * size + darkError
    let rise = scale * (ownLargest - least) + error
    let fall = scale * (largest - ownLeast) + error
    let lowCount = larger(scale * least - dark - error, SIMD4()) + 9
    let highCount = larger(scale * largest - dark - error, SIMD4()) + 9
    let isClear =
      (rise * rise .<= square * lowCount) .& (fall * fall .<= square * highCount)
      .& (scale * ownLeast - dark - error .>= -8.9999) .& (size .< 1e15)
    // A byte of each, all bits of which are set where the tile is clear.
    let bits = unsafeBitCast(isClear, to: SIMD4<UInt32>.self)
    opens[four] =
      ~(bits[0] & 1 | bits[1] & 0x100 | bits[2] & 0x1_0000 | bits[3] & 0x100_0000) & 0x0101_0101
  }
}

@inline(__always)
private func signals(_ line: RawSpan, _ first: Int) -> SIMD4<Float> {
  line.unsafeLoadUnaligned(fromUncheckedByteOffset: 4 &* first, as: SIMD4<Float>.self)
}

@inline(__always)
private func lesser(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
  a.replacing(with: b, where: b .< a)
}

@inline(__always)
private func larger(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
  a.replacing(with: b, where: b .> a)
}

@inline(__always)
private func magnitude(_ a: SIMD4<Float>) -> SIMD4<Float> {
  let bits = unsafeBitCast(a, to: SIMD4<UInt32>.self)
  return unsafeBitCast(bits & SIMD4(repeating: 0x7fff_ffff), to: SIMD4<Float>.self)
}
