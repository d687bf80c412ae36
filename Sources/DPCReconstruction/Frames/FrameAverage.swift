// Repeated frames to one, a few frames at a time.
public import STEMCore

/// Adds raw frames (or the same band of each) and watches how they scatter.
///
/// Counts are added and divided afterwards, never the other way round: the beam's flicker then
/// cancels in each position's own sum, and a position that is unusable in one frame is averaged
/// over the others. Raw signals are added before the dark signal is taken off and the gain divided out:
/// sums of integers are exact below 2⁵³.
public struct FrameAccumulator: Sendable {
  let shape: GridShape
  let correction: SegmentCorrection
  let electronsPerUnit: Double?
  let sampling: ScatterSampling
  private(set) var sums: FrameSums
  /// For the chi-square between frames.
  private(set) var differences: FrameDifferences
  private(set) var frameCount = 0
  /// In how many frames a position was unusable, and why.
  private(set) var skipped: [Int32]
  private(set) var flags: [UInt8]
  private(set) var saturatedCount = 0
  /// Per frame the positions that were left out.
  private(set) var unusableCounts: [Int] = []
  /// nil where none were asked for.
  public private(set) var thumbnails: FrameThumbnails?

  /// - Parameters:
  ///   - shape: Of the frames, or of the band.
  ///   - correction: Dark and gain of the segments.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  ///   - sampling: Which positions tell how frames scatter.
  ///   - thumbnails: Cells of the frames' thumbnails, if they are wanted; a band then begins with a cell.
  public init(
    shape: GridShape, correction: SegmentCorrection, electronsPerUnit: Double?,
    sampling: ScatterSampling, thumbnails: ThumbnailGrid? = nil
  ) {
    self.thumbnails = thumbnails.map { FrameThumbnails(grid: $0, rows: shape.rows) }
    self.shape = shape
    self.correction = correction
    self.electronsPerUnit = electronsPerUnit
    self.sampling = sampling
    differences = FrameDifferences(correction, sampling, shape)
    let segments = correction.gain.count
    sums = FrameSums(count: segments * shape.count)
    skipped = [Int32](repeating: 0, count: shape.count)
    flags = [UInt8](repeating: 0, count: shape.count)
  }

  var segmentCount: Int { correction.gain.count }

  /// Adds frames of the segments and columns given at the start.
  ///
  /// - Parameters:
  ///   - raw: The frames one after the other, or bands of them that hold the rows wanted:
  ///     `raw[(frame * segments + segment) * bandShape.count + position]`. Unusable positions are set to zero.
  ///   - masks: One for each frame, of the shape of the bands.
  ///   - firstRow: Which of their rows is the first of those given at the start.
  public mutating func add(_ raw: inout RawSignals, masks: [PixelMask], firstRow: Int = 0) {
    guard let band = masks.first?.shape else { return }
    precondition(
      band.columns == shape.columns && firstRow >= 0 && firstRow + shape.rows <= band.rows
        && masks.allSatisfy { $0.shape == band }
        && raw.count == masks.count * segmentCount * band.count, "frames are alike")
    // Taken out first: numbers with two owners would be copied.
    switch raw {
    case .uint8(var numbers):
      raw = .uint8([])
      add(&numbers, masks, firstRow)
      raw = .uint8(numbers)
    case .uint16(var numbers):
      raw = .uint16([])
      add(&numbers, masks, firstRow)
      raw = .uint16(numbers)
    case .uint32(var numbers):
      raw = .uint32([])
      add(&numbers, masks, firstRow)
      raw = .uint32(numbers)
    case .int16(var numbers):
      raw = .int16([])
      add(&numbers, masks, firstRow)
      raw = .int16(numbers)
    case .int32(var numbers):
      raw = .int32([])
      add(&numbers, masks, firstRow)
      raw = .int32(numbers)
    case .float(var numbers):
      raw = .float([])
      add(&numbers, masks, firstRow)
      raw = .float(numbers)
    case .double(var numbers):
      raw = .double([])
      add(&numbers, masks, firstRow)
      raw = .double(numbers)
    }
    frameCount += masks.count
  }

  private mutating func add<Raw: RawNumber>(
    _ raw: inout [Raw], _ masks: [PixelMask], _ firstRow: Int
  ) {
    let first = firstRow * shape.columns
    for (frame, mask) in masks.enumerated() {
      let start = frame * segmentCount * mask.shape.count
      let count = skip(mask, &raw, from: start, first)
      unusableCounts.append(count)
      thumbnails?.add(
        raw.span, from: start + first, stride: mask.shape.count, width: shape.columns,
        mask.bytes.span.extracting(first..<(first + shape.count)), skips: count > 0,
        frame: frameCount + frame)
    }
    // Some rows of all segments and frames at a time, which the processor still holds when their differences are formed.
    let pieces = sampling.pieces(shape.rows)
    for group in stride(from: 0, to: masks.count, by: FrameSums.limit) {
      let frames = group..<min(group + FrameSums.limit, masks.count)
      sums.prepare(Raw.counting, frames: frames.count)
      var number = 0
      for (rows, isGroup) in pieces {
        addRows(rows, raw.span, frames, band: masks[0].shape.count, first)
        if isGroup {
          addDifferences(ofGroup: number, rows.lowerBound, raw.span, masks, frames, first)
          number += 1
        }
      }
    }
  }

  private mutating func addRows<Raw: RawNumber>(
    _ rows: Range<Int>, _ raw: Span<Raw>, _ frames: Range<Int>, band: Int, _ first: Int
  ) {
    let start = rows.lowerBound * shape.columns
    for segment in 0..<segmentCount {
      let places = FramePlaces(
        start: (frames.lowerBound * segmentCount + segment) * band + first + start,
        stride: segmentCount * band, frames: frames.count, count: rows.count * shape.columns)
      Raw.add(raw, places, to: &sums, at: segment * shape.count + start)
    }
  }

  /// Takes down where a frame cannot be used, and takes its signals there for zero.
  ///
  /// - Returns: At how many positions.
  private mutating func skip<Raw: RawNumber>(
    _ mask: PixelMask, _ raw: inout [Raw], from start: Int, _ first: Int
  ) -> Int {
    var count = 0
    // Piece by piece: most hold nothing that is flagged, which is quickly seen.
    let length = 256
    for piece in stride(from: 0, to: shape.count, by: length) {
      let places = piece..<min(piece + length, shape.count)
      let bytes = mask.bytes.span.extracting(
        (first + piece)..<(first + piece + places.count))
      if isClear(bytes) { continue }
      for position in places where bytes[position - piece] & PixelFlags.unusable.rawValue != 0 {
        skipped[position] += 1
        count += 1
        if bytes[position - piece] & PixelFlags.saturated.rawValue != 0 { saturatedCount += 1 }
        flags[position] |= bytes[position - piece]
        for segment in 0..<segmentCount {
          raw[start + segment * mask.shape.count + first + position] = .zero
        }
      }
    }
    return count
  }

  private mutating func addDifferences<Raw: RawNumber>(
    ofGroup group: Int, _ row: Int, _ raw: Span<Raw>, _ masks: [PixelMask], _ frames: Range<Int>,
    _ first: Int
  ) {
    let place = group * sampling.places(shape)
    for block in sampling.blocks(ofGroup: group, shape.columns) {
      for frame in frames {
        let mask = masks[frame]
        let start = first + row * shape.columns + block.columns.lowerBound
        differences.add(
          raw, from: frame * segmentCount * mask.shape.count + start, stride: mask.shape.count,
          width: shape.columns, mask.bytes.span, from: start, columns: block.columns.count,
          at: place + block.place)
      }
    }
  }
}

private func isClear(_ flags: Span<UInt8>) -> Bool {
  var all: UInt8 = 0
  for place in 0..<flags.count { all |= flags[place] }
  return all == 0
}
