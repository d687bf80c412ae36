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
  private var sums: [Double]
  /// Σ over frames of signal²/(frame's sum), for the chi-square between frames; where it is sampled.
  private var squares: [Double]
  private var frameCount = 0
  /// In how many frames a position was unusable, and why.
  private var skipped: [Int32]
  private var flags: [UInt8]

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
    let segments = correction.gain.count
    sums = [Double](repeating: 0, count: segments * shape.count)
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
      skip(mask, &raw, from: frame * segmentCount * mask.shape.count, first)
    }
    // Frames together: every sum is then read and written once for four of them.
    var frame = 0
    while frame < masks.count {
      let together = masks.count - frame >= 4 ? 4 : 1
      for segment in 0..<segmentCount {
        let planes = (frame..<(frame + together)).map { frame in
          let start = (frame * segmentCount + segment) * masks[frame].shape.count + first
          return start..<(start + shape.count)
        }
        addPlanes(raw.span, planes, to: &sums, at: segment * shape.count)
      }
      frame += together
    }
    addSquares(raw.span, masks, first)
  }

  /// Takes down where a frame cannot be used, and takes its signals there for zero.
  private mutating func skip<Raw: RawNumber>(
    _ mask: PixelMask, _ raw: inout [Raw], from start: Int, _ first: Int
  ) {
    // Piece by piece: most hold nothing that is flagged, which is quickly seen.
    let length = 256
    for piece in stride(from: 0, to: shape.count, by: length) {
      let places = piece..<min(piece + length, shape.count)
      let bytes = mask.bytes.span.extracting(
        (first + piece)..<(first + piece + places.count))
      if isClear(bytes) { continue }
      for position in places where bytes[position - piece] & PixelFlags.unusable.rawValue != 0 {
        skipped[position] += 1
        flags[position] |= bytes[position - piece]
        for segment in 0..<segmentCount {
          raw[start + segment * mask.shape.count + first + position] = .zero
        }
      }
    }
  }

  private mutating func addSquares<Raw: RawNumber>(
    _ raw: Span<Raw>, _ masks: [PixelMask], _ first: Int
  ) {
    let places = sampling.places(shape)
    var terms = ScatterTerms(correction)
    for row in 0..<shape.rows {
      for (number, columns) in sampling.blocks(ofRow: sampling.firstRow + row, shape.columns)
        .enumerated()
      {
        let target = row * places + number * ScatterSampling.length
        for (frame, mask) in masks.enumerated() {
          let start = first + row * shape.columns + columns.lowerBound
          terms.add(
            raw, from: frame * segmentCount * mask.shape.count + start, stride: mask.shape.count,
            mask.bytes.span.extracting(start..<(start + columns.count)), to: &squares, at: target,
            stride: shape.rows * places)
        }
      }
    }
  }

  /// The summed signals and the scatter between frames.
  ///
  /// A position keeps its mask bits only where no frame was usable.
  public consuming func finished() -> (signals: SegmentSignals, scatter: FrameScatter) {
    var mask = PixelMask(shape: shape)
    let skipped = skipped
    for position in 0..<shape.count where Int(skipped[position]) == frameCount {
      mask.bytes[position] = flags[position] == 0 ? PixelFlags.missing.rawValue : flags[position]
    }
    for segment in 0..<segmentCount {
      correct(
        &sums, at: segment * shape.count, frameCount: frameCount, skipped.span,
        dark: correction.dark[segment], gain: correction.gain[segment])
    }
    let scatter = scatter()
    let signals = SegmentSignals(
      shape: shape, segmentCount: segmentCount, values: sums, mask: mask,
      electronsPerUnit: electronsPerUnit)
    return (signals, scatter)
  }

  private func scatter() -> FrameScatter {
    var scatter = FrameScatter()
    let places = sampling.places(shape)
    for row in 0..<shape.rows {
      let blocks = sampling.blocks(ofRow: sampling.firstRow + row, shape.columns)
      for (number, columns) in blocks.enumerated() {
        for column in columns {
          let position = row * shape.columns + column
          let place = row * places + number * ScatterSampling.length + column - columns.lowerBound
          let frames = frameCount - Int(skipped[position])
          if frames > 1 {
            addScatter(at: position, square: place, frames: frames, to: &scatter)
          }
        }
      }
    }
    return scatter
  }

  /// χ² = Σ_f Σ_k (I_kf - N_f q_k)²/(N_f q_k) over the segments with enough counts to be normal.
  private func addScatter(
    at position: Int, square: Int, frames: Int, to scatter: inout FrameScatter
  ) {
    var total = 0.0
    for segment in 0..<segmentCount { total += sums[segment * shape.count + position] }
    let places = shape.rows * sampling.places(shape)
    var chiSquare = 0.0
    var segments = 0
    for segment in 0..<segmentCount {
      let sum = sums[segment * shape.count + position]
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
    }
    if segments < 2 { return }
    scatter.chiSquare += chiSquare
    scatter.degreesOfFreedom += (frames - 1) * (segments - 1)
  }
}

/// Adds one plane, or four, to sums.
private func addPlanes<Raw: RawNumber>(
  _ raw: Span<Raw>, _ planes: [Range<Int>], to sums: inout [Double], at first: Int
) {
  let count = planes[0].count
  var sums = sums.mutableSpan
  precondition(first + count <= sums.count, "a sum for each")
  if planes.count == 4 {
    let (a, b) = (raw.extracting(planes[0]), raw.extracting(planes[1]))
    let (c, d) = (raw.extracting(planes[2]), raw.extracting(planes[3]))
    precondition(b.count == count && c.count == count && d.count == count, "alike")
    for place in 0..<count {
      sums[first + place] += Raw.sum(a[place], b[place], c[place], d[place])
    }
  } else {
    let plane = raw.extracting(planes[0])
    for place in 0..<count { sums[first + place] += plane[place].double }
  }
}

/// A segment's sums of raw signals to sums of corrected ones.
private func correct(
  _ sums: inout [Double], at first: Int, frameCount: Int, _ skipped: Span<Int32>, dark: Double,
  gain: Double
) {
  let count = Int32(frameCount)
  var values = sums.mutableSpan
  precondition(first + skipped.count <= values.count, "a plane of them")
  for position in 0..<skipped.count {
    let frames = Double(count &- skipped[position])
    values[first + position] = (values[first + position] - frames * dark) / gain
  }
}

private func isClear(_ flags: Span<UInt8>) -> Bool {
  var all: UInt8 = 0
  for place in 0..<flags.count { all |= flags[place] }
  return all == 0
}
