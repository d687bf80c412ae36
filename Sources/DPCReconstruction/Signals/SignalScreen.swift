// Which raw signals cannot be used, and raw signals to corrected ones.
public import STEMCore

/// Tells what of raw signals cannot be used, and corrects the rest: (raw - dark) · (1/gain), the quotient rounded
/// first, since products take a fraction of a division's time.
///
/// A position where any segment is NaN or infinite is `missing`, where any has reached the largest number of
/// its type `saturated`, where the corrected sum is not positive `noCounts`; where a segment stands out of its
/// neighborhood it is `hot`, see ``SegmentSignals/maskSpikes(threshold:signalPerElectron:)``.
public struct SignalScreen: Sendable {
  let correction: SegmentCorrection
  let saturationLevel: Double
  let electronsPerUnit: Double?
  let signalPerElectron: [Double]?
  let spikeThreshold: Double?

  /// - Parameters:
  ///   - correction: Dark and gain of the segments.
  ///   - saturationLevel: nil where the type of the frames has no largest number.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  ///   - signalPerElectron: See ``SegmentSignals/maskSpikes(threshold:signalPerElectron:)``.
  ///   - spikeThreshold: In standard deviations, positive; nil looks for no spikes.
  public init(
    _ correction: SegmentCorrection, saturationLevel: Double?, electronsPerUnit: Double?,
    signalPerElectron: [Double]? = nil, spikeThreshold: Double?
  ) {
    self.correction = correction
    self.saturationLevel = saturationLevel ?? .infinity
    self.electronsPerUnit = electronsPerUnit
    self.signalPerElectron = signalPerElectron
    self.spikeThreshold = spikeThreshold
  }

  private var segmentCount: Int { correction.gain.count }

  /// Why positions of one frame, or of a band of it, cannot be used.
  ///
  /// - Parameters:
  ///   - raw: `raw[first + segment * shape.count + position]`, as read.
  ///   - first: Where the frame begins.
  ///   - shape: Rows and columns of the band.
  ///   - rows: Rows of the band that are searched for spikes; the four on either side of them, or as many as
  ///     the frame has, are wanted as neighbors.
  /// - Returns: Of the band's shape.
  public func mask(
    of raw: RawSignals, from first: Int = 0, shape: GridShape, searching rows: Range<Int>
  ) -> PixelMask {
    let range = first..<(first + segmentCount * shape.count)
    switch raw {
    case .uint8(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .uint16(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .uint32(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .int16(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .int32(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .float(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    case .double(let numbers): return mask(numbers.span.extracting(range), shape, rows)
    }
  }

  private func mask<Raw: RawNumber>(
    _ raw: Span<Raw>, _ shape: GridShape, _ rows: Range<Int>
  ) -> PixelMask {
    var mask = PixelMask(shape: shape)
    var tiles = SignalTiles(shape: shape, segmentCount: segmentCount)
    tiles.gather(raw)
    RawInspection(correction, saturationLevel: saturationLevel).inspect(
      raw, &tiles, &mask.bytes)
    if let spikeThreshold {
      let search = SpikeSearch(
        correction, threshold: spikeThreshold, electronsPerUnit: electronsPerUnit,
        signalPerElectron: signalPerElectron)
      search.markSpikes(of: raw, tiles, in: rows, &mask.bytes)
    }
    return mask
  }

  /// Corrects one frame or a band of it; unusable positions hold zero in every segment.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`, as read.
  ///   - shape: Rows and columns of `raw`.
  ///   - rows: Those that are wanted, nil for all; see ``mask(of:from:shape:searching:)``.
  public func corrected(
    _ raw: RawSignals, shape: GridShape, rows: Range<Int>? = nil
  ) -> SegmentSignals {
    let rows = rows ?? 0..<shape.rows
    return corrected(
      raw, shape: shape, rows: rows, mask: mask(of: raw, shape: shape, searching: rows))
  }

  /// Positions whose corrected signals, of eight segments, stay in the second cache while they are worked on.
  private static let pieceLength = 8192

  /// The same a few rows at a time, one piece after the other, for work that needs no more at once.
  ///
  /// - Parameters:
  ///   - rows: Those that are wanted.
  ///   - body: Gets the corrected signals of some rows, and the first of these.
  public func forEachPiece(
    of raw: RawSignals, shape: GridShape, rows: Range<Int>, _ body: (SegmentSignals, Int) -> Void
  ) {
    let mask = mask(of: raw, shape: shape, searching: rows)
    let height = max(1, Self.pieceLength / shape.columns)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
      let piece = first..<min(first + height, rows.upperBound)
      body(corrected(raw, shape: shape, rows: piece, mask: mask), first)
    }
  }

  private func corrected(
    _ raw: RawSignals, shape: GridShape, rows: Range<Int>, mask: PixelMask
  ) -> SegmentSignals {
    precondition(raw.count == segmentCount * shape.count, "one signal per segment and position")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of the band")
    let places = (rows.lowerBound * shape.columns)..<(rows.upperBound * shape.columns)
    let flags = Array(mask.bytes[places])
    var values: [Double]
    switch raw {
    case .uint8(let numbers): values = correct(numbers.span, shape, places)
    case .uint16(let numbers): values = correct(numbers.span, shape, places)
    case .uint32(let numbers): values = correct(numbers.span, shape, places)
    case .int16(let numbers): values = correct(numbers.span, shape, places)
    case .int32(let numbers): values = correct(numbers.span, shape, places)
    case .float(let numbers): values = correct(numbers.span, shape, places)
    case .double(let numbers): values = correct(numbers.span, shape, places)
    }
    for position in flags.indices where flags[position] != 0 {
      for segment in 0..<segmentCount { values[segment * places.count + position] = 0 }
    }
    let part = GridShape(rows: rows.count, columns: shape.columns)
    return SegmentSignals(
      shape: part, segmentCount: segmentCount, values: values,
      mask: PixelMask(shape: part, bytes: flags), electronsPerUnit: electronsPerUnit)
  }

  private func correct<Raw: RawNumber>(
    _ raw: Span<Raw>, _ shape: GridShape, _ places: Range<Int>
  ) -> [Double] {
    let total = segmentCount * places.count
    return [Double](unsafeUninitializedCapacity: total) { buffer, initialized in
      for segment in 0..<segmentCount {
        let first = segment * shape.count + places.lowerBound
        let line = raw.extracting(first..<(first + places.count))
        let (dark, scale) = (correction.dark[segment], 1 / correction.gain[segment])
        // SAFETY: every place of the segment is written once, and nothing is read.
        let target = UnsafeMutableBufferPointer(
          rebasing: buffer[(segment * places.count)..<((segment + 1) * places.count)])
        Raw.correct(line, dark: dark, scale: scale, to: target)
      }
      initialized = total
    }
  }
}

extension SignalScreen {
  /// The corrected sums of the usable positions of one frame, or of a band of it, in their order.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`, as read.
  ///   - shape: Rows and columns of the band.
  public func usableSums(of raw: RawSignals, shape: GridShape) -> [Double] {
    precondition(raw.count == segmentCount * shape.count, "one signal per segment and position")
    let flags = mask(of: raw, shape: shape, searching: 0..<shape.rows).bytes
    var sums = [Double](repeating: 0, count: shape.count)
    switch raw {
    case .uint8(let numbers): add(numbers.span, to: &sums)
    case .uint16(let numbers): add(numbers.span, to: &sums)
    case .uint32(let numbers): add(numbers.span, to: &sums)
    case .int16(let numbers): add(numbers.span, to: &sums)
    case .int32(let numbers): add(numbers.span, to: &sums)
    case .float(let numbers): add(numbers.span, to: &sums)
    case .double(let numbers): add(numbers.span, to: &sums)
    }
    let all = sums.span
    let reasons = flags.span
    var usable: [Double] = []
    usable.reserveCapacity(all.count)
    for position in 0..<all.count where reasons[position] == 0 { usable.append(all[position]) }
    return usable
  }

  private func add<Raw: RawNumber>(_ raw: Span<Raw>, to sums: inout [Double]) {
    // Positions that stay in the innermost cache until all segments are added.
    let (count, length) = (sums.count, 1024)
    for first in stride(from: 0, to: count, by: length) {
      let places = first..<min(first + length, count)
      for segment in 0..<segmentCount {
        let start = segment * count
        addLine(
          raw.extracting((start + places.lowerBound)..<(start + places.upperBound)),
          correction.dark[segment], correction.gain[segment], to: &sums, at: first)
      }
    }
  }
}

private func addLine<Raw: RawNumber>(
  _ line: Span<Raw>, _ dark: Double, _ gain: Double, to sums: inout [Double], at first: Int
) {
  precondition(first + line.count <= sums.count, "a sum for each")
  var totals = sums.mutableSpan
  let scale = 1 / gain
  for place in 0..<line.count { totals[first + place] += (line[place].double - dark) * scale }
}
