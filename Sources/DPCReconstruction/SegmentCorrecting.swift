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
    let segments = gain.count
    precondition(raw.count == segments * count, "one signal per segment and position")
    var values = raw
    var mask = PixelMask(shape: shape)
    correct(&values, &mask.bytes, saturationLevel: saturationLevel ?? .infinity)
    markEmpty(values, &mask.bytes)
    for position in 0..<count where mask.bytes[position] != 0 {
      for segment in 0..<segments { values[segment * count + position] = 0 }
    }
    return SegmentSignals(
      shape: shape, segmentCount: segments, values: values, mask: mask,
      electronsPerUnit: electronsPerUnit)
  }

  private func markEmpty(_ values: [Double], _ flags: inout [UInt8]) {
    let count = flags.count
    for position in 0..<count where flags[position] == 0 {
      var sum = 0.0
      for segment in gain.indices { sum += values[segment * count + position] }
      if !(sum > 0) { flags[position] = PixelFlags.noCounts.rawValue }
    }
  }

  private func correct(_ values: inout [Double], _ flags: inout [UInt8], saturationLevel: Double) {
    var signals = values.mutableSpan
    var reasons = flags.mutableSpan
    let count = reasons.count
    for segment in gain.indices {
      let (offset, scale, first) = (dark[segment], gain[segment], segment * count)
      for position in 0..<count {
        let signal = signals[first + position]
        if !signal.isFinite {
          reasons[position] |= PixelFlags.missing.rawValue
        } else if signal >= saturationLevel {
          reasons[position] |= PixelFlags.saturated.rawValue
        }
        signals[first + position] = (signal - offset) / scale
      }
    }
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
