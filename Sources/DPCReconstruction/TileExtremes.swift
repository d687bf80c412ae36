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
  let (flip, shift) = (
    Eight(repeating: Int16(truncatingIfNeeded: offset)), SIMD4(repeating: offset)
  )
  let (a0, b0, c0, d0) = (a.bytes, b.bytes, c.bytes, d.bytes)
  var lows = low.mutableSpan
  var highs = high.mutableSpan
  for step in 0..<steps {
    // SAFETY: 16 numbers of each line and four tiles a step are there, as was asked above.
    let (left, right) = (32 &* step, 32 &* step &+ 16)
    let (p, q) = (eight(a0, left) ^ flip, eight(b0, left) ^ flip)
    let (r, s) = (eight(c0, left) ^ flip, eight(d0, left) ^ flip)
    let (t, u) = (eight(a0, right) ^ flip, eight(b0, right) ^ flip)
    let (v, w) = (eight(c0, right) ^ flip, eight(d0, right) ^ flip)
    let least = fours(
      lesser(lesser(p, q), lesser(r, s)), lesser(lesser(t, u), lesser(v, w)), shift, lesser)
    let largest = fours(
      larger(larger(p, q), larger(r, s)), larger(larger(t, u), larger(v, w)), shift, larger)
    let first = tiles.lowerBound &+ 4 &* step
    lows[unchecked: first] = least[0]
    lows[unchecked: first &+ 1] = least[1]
    lows[unchecked: first &+ 2] = least[2]
    lows[unchecked: first &+ 3] = least[3]
    highs[unchecked: first] = largest[0]
    highs[unchecked: first &+ 1] = largest[1]
    highs[unchecked: first &+ 2] = largest[2]
    highs[unchecked: first &+ 3] = largest[3]
  }
  if 16 * steps < count {
    let rest = (16 * steps)..<count
    gatherColumns(
      a.extracting(rest), b.extracting(rest), c.extracting(rest), d.extracting(rest), &columns,
      &low, &high, at: (tiles.lowerBound + 4 * steps)..<tiles.upperBound)
  }
}

private typealias Eight = SIMD8<Int16>

@inline(__always)
private func eight(_ line: RawSpan, _ byte: Int) -> Eight {
  line.unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: Eight.self)
}

@inline(__always)
private func lesser(_ a: Eight, _ b: Eight) -> Eight { a.replacing(with: b, where: b .< a) }

@inline(__always)
private func larger(_ a: Eight, _ b: Eight) -> Eight { a.replacing(with: b, where: b .> a) }

/// The extremes of each four of sixteen numbers, `offset` added.
@inline(__always)
private func fours(
  _ left: Eight, _ right: Eight, _ offset: SIMD4<Int32>, _ extreme: (Eight, Eight) -> Eight
) -> SIMD4<Float> {
  let (x, y) = (pairs(left, extreme), pairs(right, extreme))
  let even = SIMD4(lowHalf: x.evenHalf, highHalf: y.evenHalf)
  let odd = SIMD4(lowHalf: x.oddHalf, highHalf: y.oddHalf)
  let both = extreme(unsafeBitCast(even, to: Eight.self), unsafeBitCast(odd, to: Eight.self))
  let half = SIMD4<Int32>(repeating: 16)
  return SIMD4<Float>((unsafeBitCast(both, to: SIMD4<Int32>.self) &<< half) &>> half &+ offset)
}

/// The extreme of each two in the lower half of 32 bits.
@inline(__always)
private func pairs(_ numbers: Eight, _ extreme: (Eight, Eight) -> Eight) -> SIMD4<Int32> {
  let upper = unsafeBitCast(numbers, to: SIMD4<UInt32>.self) &>> SIMD4<UInt32>(repeating: 16)
  return unsafeBitCast(extreme(numbers, unsafeBitCast(upper, to: Eight.self)), to: SIMD4.self)
}
