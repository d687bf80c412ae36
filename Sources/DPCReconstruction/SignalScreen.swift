// Which raw signals cannot be used, and raw signals to corrected ones.
public import STEMCore

/// Tells what of raw signals cannot be used, and corrects the rest: (raw - dark) / gain.
///
/// A position where any segment is NaN or infinite is `missing`, where any has reached the largest number of
/// its type `saturated`, where the corrected sum is not positive `noCounts`; where a segment stands out of its
/// neighborhood it is `hot`, see ``SegmentSignals/maskSpikes(threshold:)``.
public struct SignalScreen: Sendable {
  let correction: SegmentCorrection
  let saturationLevel: Double
  let electronsPerUnit: Double?
  let spikeThreshold: Double?

  /// - Parameters:
  ///   - correction: Dark and gain of the segments.
  ///   - saturationLevel: nil where the type of the frames has no largest number.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  ///   - spikeThreshold: In standard deviations, positive; nil looks for no spikes.
  public init(
    _ correction: SegmentCorrection, saturationLevel: Double?, electronsPerUnit: Double?,
    spikeThreshold: Double?
  ) {
    self.correction = correction
    self.saturationLevel = saturationLevel ?? .infinity
    self.electronsPerUnit = electronsPerUnit
    self.spikeThreshold = spikeThreshold
  }

  fileprivate var segmentCount: Int { correction.gain.count }

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
        correction, threshold: spikeThreshold, electronsPerUnit: electronsPerUnit)
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
    precondition(raw.count == segmentCount * shape.count, "one signal per segment and position")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of the band")
    let places = (rows.lowerBound * shape.columns)..<(rows.upperBound * shape.columns)
    let flags = Array(mask(of: raw, shape: shape, searching: rows).bytes[places])
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
        let (dark, gain) = (correction.dark[segment], correction.gain[segment])
        // SAFETY: every place of the segment is written once, and nothing is read.
        let target = UnsafeMutableBufferPointer(
          rebasing: buffer[(segment * places.count)..<((segment + 1) * places.count)])
        for place in 0..<target.count { target[place] = (line[place].double - dark) / gain }
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
  for place in 0..<line.count { totals[first + place] += (line[place].double - dark) / gain }
}

/// Finds what of raw signals is no measurement, whatever the neighbors.
private struct RawInspection {
  private let correction: SegmentCorrection
  private let saturationLevel: Double
  /// Reciprocal gains, and what single precision may make of a term of the sum, as part of it.
  private let scale: [Float]
  private let slack: Float

  init(_ correction: SegmentCorrection, saturationLevel: Double) {
    self.correction = correction
    self.saturationLevel = saturationLevel
    scale = correction.gain.map { Float(1 / $0) }
    slack = 1e-6 + 1.2e-7 * Float(correction.gain.count)
  }

  /// Flags positions, and takes them out of the tiles' extremes.
  func inspect<Raw: RawNumber>(
    _ raw: Span<Raw>, _ tiles: inout SignalTiles, _ flags: inout [UInt8]
  ) {
    // A gain that is not positive, or so small or large that single precision loses it, tells nothing quickly.
    let isQuick = scale.allSatisfy { $0 > 1e-30 && $0 < 1e30 }
    // Below what single precision makes of the level.
    let level = saturationLevel.isFinite ? Float(saturationLevel) * (1 - 1e-6) : .infinity
    var (least, peak) = ([Float](), [Float]())
    for row in 0..<tiles.rows {
      sums(tiles, row, &least, &peak)
      for column in 0..<tiles.columns {
        // Where a signal is NaN the largest of the others may be lost.
        let isSafe = isQuick && peak[column] < level && !least[column].isNaN
        if isSafe && least[column] > 1e-30 { continue }
        if flag(raw, tiles, row, column, isSafe: isSafe, &flags) {
          tiles.regather(raw, row: row, column: column, flags: flags.span)
        }
      }
    }
  }

  /// Per tile of a row a bound below the sums of its corrected signals, and its largest raw signal.
  private func sums(
    _ tiles: SignalTiles, _ row: Int, _ least: inout [Float], _ peak: inout [Float]
  ) {
    least = [Float](repeating: 0, count: tiles.columns)
    peak = [Float](repeating: -.infinity, count: tiles.columns)
    for segment in correction.gain.indices {
      let line = tiles.line(segment, row: row)
      addBounds(
        tiles.low.span.extracting(line), tiles.high.span.extracting(line), scale[segment],
        slack: slack, offset: offset(segment), &least, &peak)
    }
  }

  /// What the dark signal takes from the sum at most.
  private func offset(_ segment: Int) -> Float {
    let dark = Float(correction.dark[segment])
    return scale[segment] * dark + slack * abs(scale[segment] * dark)
  }

  /// Flags the positions of a tile one by one.
  ///
  /// - Parameter isSafe: No signal is saturated; what has a positive sum is then a measurement.
  /// - Returns: Whether there was anything to flag.
  private func flag<Raw: RawNumber>(
    _ raw: Span<Raw>, _ tiles: SignalTiles, _ row: Int, _ column: Int, isSafe: Bool,
    _ flags: inout [UInt8]
  ) -> Bool {
    let positions = tiles.positions(row: row, column: column)
    let (shape, segments) = (tiles.shape, correction.gain.count)
    var hasFlagged = false
    for r in positions.rows {
      for c in positions.columns {
        let position = r * shape.columns + c
        if isSafe {
          var least: Float = 0
          for segment in 0..<segments {
            let signal = scale[segment] * raw[segment * shape.count + position].single
            least += signal - slack * abs(signal) - offset(segment)
          }
          if least > 1e-30 { continue }
        }
        let reason = reason(raw, shape, position)
        if reason != 0 {
          flags[position] = reason
          hasFlagged = true
        }
      }
    }
    return hasFlagged
  }

  private func reason<Raw: RawNumber>(
    _ raw: Span<Raw>, _ shape: GridShape, _ position: Int
  ) -> UInt8 {
    var reasons: PixelFlags = []
    var sum = 0.0
    for segment in correction.gain.indices {
      let signal = raw[segment * shape.count + position].double
      if !signal.isFinite {
        reasons.insert(.missing)
      } else if signal >= saturationLevel {
        reasons.insert(.saturated)
      }
      sum += (signal - correction.dark[segment]) / correction.gain[segment]
    }
    if reasons.isEmpty && !(sum > 0) { reasons = .noCounts }
    return reasons.rawValue
  }
}

private func addBounds(
  _ low: Span<Float>, _ high: Span<Float>, _ scale: Float, slack: Float, offset: Float,
  _ least: inout [Float], _ peak: inout [Float]
) {
  let count = low.count
  precondition(
    high.count == count && least.count == count && peak.count == count, "a line of tiles")
  var sums = least.mutableSpan
  var peaks = peak.mutableSpan
  for tile in 0..<count {
    let signal = scale * low[tile]
    sums[tile] += signal - slack * abs(signal) - offset
    // Tiles are compared with the level one by one; NaN is caught by the sum.
    peaks[tile] = max(peaks[tile], high[tile])
  }
}
