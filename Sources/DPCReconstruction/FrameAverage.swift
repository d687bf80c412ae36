// Repeated frames to one, a few frames at a time, and how they scatter.
public import STEMCore

/// Adds raw frames (or the same band of each) and watches how they scatter.
///
/// Counts are added and divided afterwards, never the other way round: the beam's flicker then
/// cancels in each position's own sum, and a position that is unusable in one frame is averaged
/// over the others. Raw signals are added before the dark signal is taken off and the gain divided out:
/// sums of integers are exact below 2⁵³.
public struct FrameAccumulator: Sendable {
  private let shape: GridShape
  private let correction: SegmentCorrection
  private let electronsPerUnit: Double?
  private let sampling: ScatterSampling
  private var terms: ScatterTerms
  private var sums: FrameSums
  /// Σ over frames of signal²/(frame's sum), for the chi-square between frames; where it is sampled.
  private var squares: [Double]
  private var frameCount = 0
  /// In how many frames a position was unusable, and why.
  private var skipped: [Int32]
  private var flags: [UInt8]
  private var saturatedCount = 0
  /// Per frame the positions that were left out.
  private var unusableCounts: [Int] = []

  /// - Parameters:
  ///   - shape: Of the frames, or of the band.
  ///   - correction: Dark and gain of the segments.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  ///   - sampling: Which positions tell how frames scatter.
  public init(
    shape: GridShape, correction: SegmentCorrection, electronsPerUnit: Double?,
    sampling: ScatterSampling
  ) {
    self.shape = shape
    self.correction = correction
    self.electronsPerUnit = electronsPerUnit
    self.sampling = sampling
    terms = ScatterTerms(correction)
    let segments = correction.gain.count
    sums = FrameSums(count: segments * shape.count)
    squares = [Double](repeating: 0, count: segments * shape.rows * sampling.places(shape))
    skipped = [Int32](repeating: 0, count: shape.count)
    flags = [UInt8](repeating: 0, count: shape.count)
  }

  private var segmentCount: Int { correction.gain.count }

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
      unusableCounts.append(
        skip(mask, &raw, from: frame * segmentCount * mask.shape.count, first))
    }
    // Some rows of all segments and frames at a time, which the processor still holds when they are squared.
    let height = max(1, Self.rowLength / max(1, shape.columns))
    for group in stride(from: 0, to: masks.count, by: FrameSums.limit) {
      let frames = group..<min(group + FrameSums.limit, masks.count)
      sums.prepare(Raw.counting, frames: frames.count)
      for row in stride(from: 0, to: shape.rows, by: height) {
        let rows = row..<min(row + height, shape.rows)
        addRows(rows, raw.span, frames, band: masks[0].shape.count, first)
        addSquares(rows, raw.span, masks[frames], frames, first)
      }
    }
  }

  /// Positions of some rows, about.
  private static let rowLength = 2048

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

  private mutating func addSquares<Raw: RawNumber>(
    _ rows: Range<Int>, _ raw: Span<Raw>, _ masks: ArraySlice<PixelMask>, _ frames: Range<Int>,
    _ first: Int
  ) {
    let places = sampling.places(shape)
    for row in rows {
      var target = row * places
      for block in sampling.blocks(ofRow: sampling.firstRow + row, shape.columns) {
        let columns = ScatterSampling.columns(ofBlock: block, shape.columns)
        for frame in frames {
          let mask = masks[frame]
          let start = first + row * shape.columns + columns.lowerBound
          terms.add(
            raw, from: frame * segmentCount * mask.shape.count + start, stride: mask.shape.count,
            mask.bytes.span.extracting(start..<(start + columns.count)), to: &squares, at: target,
            stride: shape.rows * places)
        }
        target += ScatterSampling.length
      }
    }
  }

  /// The summed signals and the scatter between frames.
  ///
  /// A position keeps its mask bits only where no frame was usable.
  public consuming func finished() -> (signals: SegmentSignals, scatter: FrameScatter) {
    let (shape, segments, electrons) = (shape, segmentCount, electronsPerUnit)
    var values = [Double](uninitializedCount: segments * shape.count)
    var flags = [UInt8](uninitializedCount: shape.count)
    let scatter = values.share { values in
      flags.share { flags in write(to: values, flags, at: 0) }
    }
    let signals = SegmentSignals(
      shape: shape, segmentCount: segments, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electrons,
      exposures: scatter.medianAdded ?? 1)
    return (signals, scatter)
  }

  /// Writes the summed signals to the frame of which these are some rows.
  ///
  /// - Parameters:
  ///   - values: Of whole frames, segment by segment.
  ///   - flags: Of whole frames: a position gets mask bits only where no frame was usable.
  ///   - first: The frame's position at which these rows begin.
  /// - Returns: The scatter between frames.
  /// - Precondition: The frame has room for these rows.
  public func write(
    to values: SharedPlane<Double>, _ flags: SharedPlane<UInt8>, at first: Int
  ) -> FrameScatter {
    precondition(values.count == segmentCount * flags.count, "a plane for each segment")
    let mask = flags[first..<(first + shape.count)]
    for position in 0..<shape.count {
      let isUsable = Int(skipped[position]) < frameCount
      let reasons = self.flags[position]
      mask[position] = isUsable ? 0 : reasons == 0 ? PixelFlags.missing.rawValue : reasons
    }
    for segment in 0..<segmentCount {
      let start = segment * flags.count + first
      let plane = values[start..<(start + shape.count)]
      sums.copy((segment * shape.count)..<((segment + 1) * shape.count), to: plane)
      correct(
        plane, frameCount: frameCount, skipped.span, dark: correction.dark[segment],
        gain: correction.gain[segment])
    }
    return scatter(of: values, stride: flags.count, at: first)
  }

  private func scatter(
    of values: SharedPlane<Double>, stride: Int, at first: Int
  ) -> FrameScatter {
    var scatter = FrameScatter()
    scatter.saturatedCount = saturatedCount
    scatter.unusableCounts = unusableCounts
    scatter.addedCounts = addedCounts()
    let places = sampling.places(shape)
    for row in 0..<shape.rows {
      var place = row * places
      for block in sampling.blocks(ofRow: sampling.firstRow + row, shape.columns) {
        let columns = ScatterSampling.columns(ofBlock: block, shape.columns)
        for column in columns {
          let position = row * shape.columns + column
          let frames = frameCount - Int(skipped[position])
          if frames > 1 {
            addScatter(
              of: values, stride: stride, at: first + position,
              square: place + column - columns.lowerBound, frames: frames, to: &scatter)
          }
        }
        place += ScatterSampling.length
      }
    }
    return scatter
  }

  private func addedCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: frameCount + 1)
    if unusableCounts.allSatisfy({ $0 == 0 }) {
      counts[frameCount] = shape.count
    } else {
      for skipped in skipped { counts[frameCount - Int(skipped)] += 1 }
    }
    return counts
  }

  /// χ² = Σ_f Σ_k (I_kf - N_f q_k)²/(N_f q_k) over the segments with enough counts to be normal.
  private func addScatter(
    of values: SharedPlane<Double>, stride: Int, at position: Int, square: Int, frames: Int,
    to scatter: inout FrameScatter
  ) {
    var total = 0.0
    for segment in 0..<segmentCount { total += values[segment * stride + position] }
    let places = shape.rows * sampling.places(shape)
    var chiSquare = 0.0
    var (segments, share) = (0, 0.0)
    for segment in 0..<segmentCount {
      let sum = values[segment * stride + position]
      let fraction = sum / total
      let meanCount = sum / Double(frames) * (electronsPerUnit ?? .infinity)
      if fraction < FrameScatter.smallestFraction || meanCount < FrameScatter.smallestCount {
        continue
      }
      let term = squares[segment * places + square] / fraction - 2 * sum + fraction * total
      // Frames that are equal scatter by rounding alone, which is no more than this.
      let rounding = 4 * Double(frames + 8) * 0x1p-53 * sum
      chiSquare += abs(term) > rounding ? term : 0
      segments += 1
      share += fraction
    }
    if segments < 2 { return }
    scatter.chiSquare += chiSquare
    // Of a multinomial each term is 1 - q_k in the mean: one less than the segments where all are counted.
    scatter.degreesOfFreedom += Double(frames - 1) * (Double(segments) - share)
  }
}

/// A segment's sums of raw signals to sums of corrected ones.
private func correct(
  _ sums: UnsafeMutableBufferPointer<Double>, frameCount: Int, _ skipped: Span<Int32>, dark: Double,
  gain: Double
) {
  precondition(sums.count == skipped.count, "a plane of them")
  let count = Int32(frameCount)
  for position in 0..<skipped.count {
    let frames = Double(count &- skipped[position])
    sums[position] = (sums[position] - frames * dark) / gain
  }
}

private func isClear(_ flags: Span<UInt8>) -> Bool {
  var all: UInt8 = 0
  for place in 0..<flags.count { all |= flags[place] }
  return all == 0
}
