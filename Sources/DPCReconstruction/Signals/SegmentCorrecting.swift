// Numbers in double precision to corrected signals, and spikes of signals that are corrected already.
public import STEMCore

extension SegmentCorrection {
  /// Corrects one frame or a band of it, without looking for spikes: see ``SignalScreen``.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`, as read.
  ///   - shape: Rows and columns of the band.
  ///   - saturationLevel: nil where the type of the frames has no largest number.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  public func corrected(
    _ raw: consuming [Double], shape: GridShape, saturationLevel: Double?, electronsPerUnit: Double?
  ) -> SegmentSignals {
    SignalScreen(
      self, saturationLevel: saturationLevel, electronsPerUnit: electronsPerUnit,
      spikeThreshold: nil
    ).corrected(.double(raw), shape: shape)
  }
}

extension SegmentSignals {
  /// Masks every position where a segment stands out of its 5×5 neighborhood.
  ///
  /// A signal is hot, or a drop-out, where it differs from the median of the usable signals in its 5×5
  /// neighborhood (at the rim the nearest one that lies within the frame) by more than `threshold`
  /// standard deviations, and fewer than three of its eight neighbors (at the rim none) share a quarter of that. Where less than a
  /// third of the neighborhood is usable nothing can be told, and nothing is hot. The deviation is the larger of
  /// counting noise, √(median + 9) electrons, and 1.4826 times the median absolute deviation of
  /// the neighborhood, so that real structure (an atom, a wall) is not taken for a defect.
  /// Where the electrons are unknown, and most signals are zero, the median deviation is zero too and says nothing
  /// of a single electron: counting noise then comes from `signalPerElectron`, or is 1e-6 of the median.
  ///
  /// - Parameters:
  ///   - threshold: In standard deviations; positive.
  ///   - signalPerElectron: One a segment, in units of the signal, where the electrons are unknown
  ///     (``noiseRatios()``); 0 where there is no noise.
  public mutating func maskSpikes(threshold: Double, signalPerElectron: [Double]? = nil) {
    var tiles = SignalTiles(shape: shape, segmentCount: segmentCount)
    tiles.gather(values.span)
    for position in mask.bytes.indices where mask.bytes[position] & ~PixelFlags.hot.rawValue != 0 {
      let (row, column) = position.quotientAndRemainder(dividingBy: shape.columns)
      tiles.regather(
        values.span, row: row / SignalTiles.side, column: column / SignalTiles.side,
        flags: mask.bytes.span)
    }
    var flags = mask.bytes
    SpikeSearch(
      .none(segmentCount), threshold: threshold, electronsPerUnit: electronsPerUnit,
      signalPerElectron: signalPerElectron
    ).markSpikes(of: values.span, tiles, in: 0..<shape.rows, &flags)
    mask.bytes = flags
    let hot = PixelFlags.hot.rawValue
    for position in mask.bytes.indices where mask.bytes[position] & hot != 0 {
      for segment in 0..<segmentCount { values[segment * shape.count + position] = 0 }
    }
  }
}

extension SegmentCorrection {
  /// Of signals that are corrected already.
  fileprivate static func none(_ segmentCount: Int) -> SegmentCorrection {
    SegmentCorrection(
      dark: [Double](repeating: 0, count: segmentCount),
      gain: [Double](repeating: 1, count: segmentCount), gainSource: .none)
  }
}
