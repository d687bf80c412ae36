// The extremes of tiles of 4×4 signals in a line: of 16 bits by vectors, of other types column by column.
internal import STEMCore

/// The extremes of four lines column by column: memory that a search for tiles' extremes works in.
struct ColumnExtremes<Raw: RawNumber> {
  fileprivate var low: [Raw]
  fileprivate var high: [Raw]

  /// - Parameter tiles: In a line.
  init(tiles: Int) {
    low = [Raw](repeating: .zero, count: tiles * SignalTiles.side)
    high = low
  }
}

extension RawNumber {
  static func gather(
    _ a: Span<Self>, _ b: Span<Self>, _ c: Span<Self>, _ d: Span<Self>,
    _ columns: inout ColumnExtremes<Self>, _ low: inout [Float], _ high: inout [Float],
    at tiles: Range<Int>
  ) {
    gatherColumns(a, b, c, d, &columns, &low, &high, at: tiles)
  }
}

private func gatherColumns<Raw: RawNumber>(
  _ a: Span<Raw>, _ b: Span<Raw>, _ c: Span<Raw>, _ d: Span<Raw>,
  _ columns: inout ColumnExtremes<Raw>, _ low: inout [Float], _ high: inout [Float],
  at tiles: Range<Int>
) {
  columnExtremes(a, b, c, d, &columns.low, &columns.high)
  // The last column stands for those that a tile at the rim lacks.
  for place in a.count..<(tiles.count * SignalTiles.side) {
    columns.low[place] = columns.low[a.count - 1]
    columns.high[place] = columns.high[a.count - 1]
  }
  fours(columns.low.span, to: &low, at: tiles) { Raw.least($0, $1, $2, $3) }
  fours(columns.high.span, to: &high, at: tiles) { Raw.largest($0, $1, $2, $3) }
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

/// What `extreme` makes of four columns, tile by tile.
@inline(__always)
private func fours<Raw: RawNumber>(
  _ line: Span<Raw>, to result: inout [Float], at tiles: Range<Int>,
  _ extreme: (Raw, Raw, Raw, Raw) -> Raw
) {
  precondition(line.count >= 4 * tiles.count && tiles.upperBound <= result.count, "four a tile")
  var results = result.mutableSpan
  for tile in 0..<tiles.count {
    // SAFETY: four columns a tile are there, as was asked above; asking again for each is what takes the time.
    let (a, b) = (line[unchecked: 4 &* tile], line[unchecked: 4 &* tile &+ 1])
    let (c, d) = (line[unchecked: 4 &* tile &+ 2], line[unchecked: 4 &* tile &+ 3])
    results[tiles.lowerBound + tile] = extreme(a, b, c, d).single
  }
}

// MARK: Integers of 16 bits

extension UInt16 {
  static func gather(
    _ a: Span<Self>, _ b: Span<Self>, _ c: Span<Self>, _ d: Span<Self>,
    _ columns: inout ColumnExtremes<Self>, _ low: inout [Float], _ high: inout [Float],
    at tiles: Range<Int>
  ) {
    gatherHalfWords(a, b, c, d, offset: 0x8000, &columns, &low, &high, at: tiles)
  }
}

extension Int16 {
  static func gather(
    _ a: Span<Self>, _ b: Span<Self>, _ c: Span<Self>, _ d: Span<Self>,
    _ columns: inout ColumnExtremes<Self>, _ low: inout [Float], _ high: inout [Float],
    at tiles: Range<Int>
  ) {
    gatherHalfWords(a, b, c, d, offset: 0, &columns, &low, &high, at: tiles)
  }
}

/// Four tiles at a time by vectors of eight numbers, and what is left of the line column by column.
///
/// - Parameter offset: 0x8000 for numbers without a sign, which become those with one if it is taken off, else 0.
@inline(__always)
private func gatherHalfWords<Raw: RawNumber>(
  _ a: Span<Raw>, _ b: Span<Raw>, _ c: Span<Raw>, _ d: Span<Raw>, offset: Int32,
  _ columns: inout ColumnExtremes<Raw>, _ low: inout [Float], _ high: inout [Float],
  at tiles: Range<Int>
) {
  let steps = a.count / 16
  let count = a.count
  precondition(b.count == count && c.count == count && d.count == count, "lines of one length")
  precondition(
    MemoryLayout<Raw>.size == 2 && tiles.lowerBound >= 0 && 4 * steps <= tiles.count
      && tiles.upperBound <= low.count && tiles.upperBound <= high.count, "a place for each tile")
  let (a0, b0, c0, d0) = (a.bytes, b.bytes, c.bytes, d.bytes)
  var lows = low.mutableSpan
  var highs = high.mutableSpan
  for step in 0..<steps {
    // SAFETY: 16 numbers of each line and four tiles a step are there, as was asked above.
    let left = FourLines(a0, b0, c0, d0, at: 32 &* step, offset)
    let right = FourLines(a0, b0, c0, d0, at: 32 &* step &+ 16, offset)
    let first = tiles.lowerBound &+ 4 &* step
    let (least, largest) = (
      left.low.fours(right.low, offset, lesser), left.high.fours(right.high, offset, larger)
    )
    for place in 0..<4 {
      lows[unchecked: first &+ place] = least[place]
      highs[unchecked: first &+ place] = largest[place]
    }
  }
  if 16 * steps < count {
    let rest = (16 * steps)..<count
    gatherColumns(
      a.extracting(rest), b.extracting(rest), c.extracting(rest), d.extracting(rest), &columns,
      &low, &high, at: (tiles.lowerBound + 4 * steps)..<tiles.upperBound)
  }
}

/// The extremes of eight columns of four lines.
private struct FourLines {
  let low: SIMD8<Int16>
  let high: SIMD8<Int16>

  @inline(__always)
  init(
    _ a: RawSpan, _ b: RawSpan, _ c: RawSpan, _ d: RawSpan, at byte: Int, _ offset: Int32
  ) {
    let flip = SIMD8(repeating: Int16(truncatingIfNeeded: offset))
    let p = a.unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: SIMD8<Int16>.self) ^ flip
    let q = b.unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: SIMD8<Int16>.self) ^ flip
    let r = c.unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: SIMD8<Int16>.self) ^ flip
    let s = d.unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: SIMD8<Int16>.self) ^ flip
    low = lesser(lesser(p, q), lesser(r, s))
    high = larger(larger(p, q), larger(r, s))
  }
}

@inline(__always)
private func lesser(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
  a.replacing(with: b, where: b .< a)
}

@inline(__always)
private func larger(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
  a.replacing(with: b, where: b .> a)
}

extension SIMD8<Int16> {
  /// Each two with their neighbor's extreme in the lower half of four.
  @inline(__always)
  fileprivate func pairs(_ extreme: (Self, Self) -> Self) -> SIMD4<Int32> {
    let neighbors = unsafeBitCast(self, to: SIMD4<Int32>.self) &>> 16
    return unsafeBitCast(extreme(self, unsafeBitCast(neighbors, to: Self.self)), to: SIMD4.self)
  }

  /// The extremes of each four of these numbers and of others.
  @inline(__always)
  fileprivate func fours(
    _ other: Self, _ offset: Int32, _ extreme: (Self, Self) -> Self
  ) -> SIMD4<Float> {
    let (x, y) = (pairs(extreme), other.pairs(extreme))
    let even = unsafeBitCast(SIMD4(x[0], x[2], y[0], y[2]), to: Self.self)
    let odd = unsafeBitCast(SIMD4(x[1], x[3], y[1], y[3]), to: Self.self)
    let both = unsafeBitCast(extreme(even, odd), to: SIMD4<Int32>.self)
    return SIMD4<Float>((both &<< 16) &>> 16 &+ offset)
  }
}
