// Raw signals of a band of rows to corrected ones, with the pixels that cannot be used.
public import STEMCore

extension SegmentCorrection {
  /// Corrects one frame or a band of it: (raw - dark) / gain, and the mask of what is unusable.
  ///
  /// A position where any segment is NaN or infinite is `missing`, where any has reached the
  /// largest number of its type `saturated`, where the corrected sum is not positive `noCounts`; such
  /// positions hold zero in every segment.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`, as read.
  ///   - shape: Rows and columns of the band.
  ///   - saturationLevel: nil where the type of the frames has no largest number.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  public func corrected(
    _ raw: consuming [Double], shape: GridShape, saturationLevel: Double?, electronsPerUnit: Double?
  ) -> SegmentSignals {
    let count = shape.count
    precondition(raw.count == gain.count * count, "one signal per segment and position")
    var values = raw
    var mask = PixelMask(shape: shape)
    var block = CorrectionBlock(self, saturationLevel: saturationLevel ?? .infinity)
    for first in stride(from: 0, to: count, by: CorrectionBlock.length) {
      let positions = first..<min(first + CorrectionBlock.length, count)
      block.correct(&values, &mask.bytes, at: positions, of: count)
    }
    return SegmentSignals(
      shape: shape, segmentCount: gain.count, values: values, mask: mask,
      electronsPerUnit: electronsPerUnit)
  }
}

/// Corrects some neighboring positions of all segments while the processor holds them.
private struct CorrectionBlock {
  /// Positions at a time: lines of this length fit the innermost cache together.
  static let length = 512

  private let correction: SegmentCorrection
  private let saturationLevel: Double
  /// Zero where all segments' signals are finite, else NaN.
  private var probe = [Double](repeating: 0, count: length)
  /// The largest raw signal, and the sum of the corrected ones.
  private var peak = [Double](repeating: 0, count: length)
  private var sum = [Double](repeating: 0, count: length)

  init(_ correction: SegmentCorrection, saturationLevel: Double) {
    self.correction = correction
    self.saturationLevel = saturationLevel
  }

  mutating func correct(
    _ values: inout [Double], _ flags: inout [UInt8], at positions: Range<Int>, of count: Int
  ) {
    for place in 0..<Self.length { (probe[place], peak[place], sum[place]) = (0, -.infinity, 0) }
    let lines = correction.gain.indices.map { segment in
      (segment * count + positions.lowerBound)..<(segment * count + positions.upperBound)
    }
    for line in lines { look(at: values.span.extracting(line), &probe, &peak) }
    for place in 0..<positions.count where probe[place] != 0 || peak[place] >= saturationLevel {
      let signals = lines.map { values[$0.lowerBound + place] }
      flags[positions.lowerBound + place] = reasons(signals)
    }
    for (segment, line) in lines.enumerated() {
      let (dark, gain) = (correction.dark[segment], correction.gain[segment])
      correctLine(&values, line, offset: dark, scale: gain, &sum)
    }
    for place in 0..<positions.count {
      let position = positions.lowerBound + place
      if flags[position] == 0 {
        if sum[place] > 0 { continue }
        flags[position] = PixelFlags.noCounts.rawValue
      }
      for line in lines { values[line.lowerBound + place] = 0 }
    }
  }

  /// Why raw signals of one position cannot be used.
  private func reasons(_ signals: [Double]) -> UInt8 {
    var reasons: PixelFlags = []
    for signal in signals {
      if !signal.isFinite {
        reasons.insert(.missing)
      } else if signal >= saturationLevel {
        reasons.insert(.saturated)
      }
    }
    return reasons.rawValue
  }
}

/// Notes whether signals are finite, and the largest of them.
private func look(at signals: Span<Double>, _ probe: inout [Double], _ peak: inout [Double]) {
  precondition(signals.count <= probe.count && signals.count <= peak.count, "a line of the block")
  var probes = probe.mutableSpan
  var peaks = peak.mutableSpan
  for place in 0..<signals.count {
    probes[place] += signals[place] * 0
    peaks[place] = max(peaks[place], signals[place])
  }
}

/// Corrects a line of signals, and adds it to the sums.
private func correctLine(
  _ values: inout [Double], _ line: Range<Int>, offset: Double, scale: Double, _ sum: inout [Double]
) {
  precondition(line.count <= sum.count && line.upperBound <= values.count, "a line of the block")
  var signals = values.mutableSpan
  var sums = sum.mutableSpan
  for place in 0..<line.count {
    let corrected = (signals[line.lowerBound + place] - offset) / scale
    signals[line.lowerBound + place] = corrected
    sums[place] += corrected
  }
}

extension SegmentSignals {
  /// Masks every position where a segment stands out of its 5×5 neighborhood.
  ///
  /// A signal is hot, or a drop-out, where it differs from the median of the usable signals in its 5×5
  /// neighborhood (at the rim the nearest one that lies within the frame) by more than `threshold`
  /// standard deviations, and fewer than three of its eight neighbors share a quarter of that. The
  /// deviation is the larger of
  /// counting noise, √(median + 9) electrons, and 1.4826 times the median absolute deviation of
  /// the neighborhood, so that real structure (an atom, a wall) is not taken for a defect. Without
  /// known electrons only the latter is used, at least 1e-6 of the median.
  ///
  /// - Parameter threshold: In standard deviations; positive.
  public mutating func maskSpikes(threshold: Double) {
    let count = shape.count
    var detector = SpikeDetector(
      usable: mask, threshold: threshold, electronsPerUnit: electronsPerUnit)
    var spikes: [Int] = []
    for segment in 0..<segmentCount {
      spikes += detector.spikes(
        in: values.span.extracting((segment * count)..<((segment + 1) * count)))
    }
    for position in spikes { mask.bytes[position] |= PixelFlags.hot.rawValue }
    let hot = PixelFlags.hot.rawValue
    for position in 0..<count where mask.bytes[position] & hot != 0 {
      for segment in 0..<segmentCount { values[segment * count + position] = 0 }
    }
  }
}
