// Frames band by band: read, corrected, their spikes masked, and what is made of them gathered in order.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData
internal import Synchronization
internal import WorkSharing

/// Reads the frames of an acquisition through bands of rows, so that neither a stack nor a large frame
/// has to fit in memory. Bands and their order are fixed: results do not depend on threads.
struct FrameReader {
  private let frames: FramesValue
  private var window: ScanWindow { frames.window }
  private var metadata: AcquisitionMetadata { frames.acquisition.metadata }

  /// Rows of neighbors that the spike rule looks at on either side; at the frame's rim all on one.
  private static let halo = 4
  /// Rows of a band; a multiple of common chunk sides, and enough to make the halo cheap.
  private static let bandRows = 64

  init(_ frames: FramesValue) { self.frames = frames }

  /// Corrected signals of a single-frame acquisition, whole.
  func single(_ context: StageContext) throws -> SegmentSignals {
    let count = metadata.frameCount
    if count > 1 {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(frames.acquisition.file.path) holds \(count) frames",
        remedy: "put an average-frames stage before it")
    }
    let bands = try mapBands(context) { reader, rows in
      try corrected(rows, frame: 0, reader: reader)
    }
    return joined(bands)
  }

  /// Corrected signals of one frame of a stack, whole.
  func frame(_ frame: Int, _ context: StageContext) throws -> SegmentSignals {
    joined(
      try mapBands(context) { reader, rows in try corrected(rows, frame: frame, reader: reader) })
  }

  /// The sum of all frames and their scatter.
  func sum(_ context: StageContext) throws -> (signals: SegmentSignals, scatter: FrameScatter) {
    let bands = try mapBands(context) { reader, rows in try sum(rows, context, reader: reader) }
    var scatter = FrameScatter()
    for band in bands { scatter += band.scatter }
    return (joined(bands.map(\.signals)), scatter)
  }

  /// The sum of one band of all frames, each read into the memory of the one before.
  private func sum(
    _ rows: Range<Int>, _ context: StageContext, reader: borrowing AcquisitionReader
  ) throws -> (signals: SegmentSignals, scatter: FrameScatter) {
    let shape = GridShape(rows: rows.count, columns: window.shape.columns)
    let wide = frames.spikeThreshold == nil ? rows : withHalo(rows)
    var accumulator = FrameAccumulator(shape: shape, segmentCount: metadata.segmentCount)
    var memory: [Double] = []
    for frame in 0..<metadata.frameCount {
      try context.checkCancellation()
      var signals = try raw(wide, frame: frame, reader: reader, in: &memory)
      if let threshold = frames.spikeThreshold { signals.maskSpikes(threshold: threshold) }
      accumulator.add(signals, firstRow: rows.lowerBound - wide.lowerBound)
      memory = signals.values
    }
    return accumulator.finished()
  }

  /// The deflection map of a single-frame acquisition, the segments never held together, and what tells
  /// its regime.
  func deflection(
    _ context: StageContext, _ estimation: DeflectionEstimation
  ) throws -> (estimate: DeflectionEstimate, sample: RegimeSample, statistics: SignalStatistics) {
    var map = VectorMap(
      uninitialized: window.shape, withCovariance: frames.electronsPerUnit != nil,
      pixelSize: metadata.pixelSize)
    var electrons = [Double](uninitializedCount: window.shape.count)
    let bands = try map.share { map in
      try electrons.share { electrons in
        try mapBands(context) { reader, rows in
          let signals = try corrected(rows, frame: 0, reader: reader)
          let first = rows.lowerBound * window.shape.columns
          return (
            fit: estimation.estimate(signals, into: map, at: first),
            sample: estimation.sampler.sample(signals, firstRow: rows.lowerBound),
            statistics: SignalStatistics.Part(
              signals, electrons: electrons[first..<(first + signals.shape.count)])
          )
        }
      }
    }
    let statistics = SignalStatistics(
      joining: bands.map(\.statistics),
      electrons: frames.electronsPerUnit == nil ? nil : electrons,
      segmentCount: metadata.segmentCount)
    // As large as what is joined next.
    electrons = []
    var fit: FitQuality?
    for band in bands {
      if let quality = band.fit { fit = (fit ?? FitQuality()) + quality }
    }
    return (
      DeflectionEstimate(map: map, fit: fit), RegimeSample(joining: bands.map(\.sample)), statistics
    )
  }

  /// Median over positions of the corrected sum; of a stack, the median of its frames' medians.
  func medianSum(_ context: StageContext) throws -> Double {
    var medians: [Double] = []
    for frame in 0..<metadata.frameCount {
      let sums = try mapBands(context) { reader, rows in
        let signals = try raw(rows, frame: frame, reader: reader)
        return (0..<signals.shape.count).filter(signals.mask.isUsable).map(signals.sum(at:))
      }
      if let median = median(sums.flatMap { $0 }) { medians.append(median) }
    }
    return median(medians) ?? 0
  }

  // MARK: Bands

  /// Runs `body` on every band of the window and returns what it gives, in the bands' order.
  ///
  /// Bands are read and worked on side by side.
  private func mapBands<Result: Sendable>(
    _ context: StageContext,
    _ body: @Sendable (borrowing AcquisitionReader, Range<Int>) throws -> Result
  ) throws -> [Result] {
    let path = frames.acquisition.file.path
    let rows = window.shape.rows
    let count = (rows + Self.bandRows - 1) / Self.bandRows
    do {
      let reader = try AcquisitionReader(path: path)
      let finished = Atomic(0)
      return try concurrentMap(count) { band in
        try context.checkCancellation()
        let first = band * Self.bandRows
        let result = try body(reader, first..<min(first + Self.bandRows, rows))
        let done = finished.add(1, ordering: .relaxed).newValue
        context.progress(Double(done) / Double(count))
        return result
      }
    } catch let error as AcquisitionError {
      throw StageFailure(error)
    }
  }

  /// One band of one frame, corrected and cut to the window's columns.
  private func raw(
    _ rows: Range<Int>, frame: Int, reader: borrowing AcquisitionReader
  ) throws -> SegmentSignals {
    var memory: [Double] = []
    return try raw(rows, frame: frame, reader: reader, in: &memory)
  }

  /// The same, in memory that is given up for it and used again where it is as large as the band.
  private func raw(
    _ rows: Range<Int>, frame: Int, reader: borrowing AcquisitionReader, in memory: inout [Double]
  ) throws -> SegmentSignals {
    let fileRows = (rows.lowerBound + window.firstRow)..<(rows.upperBound + window.firstRow)
    var values: [Double] = []
    swap(&values, &memory)
    try reader.readRows(fileRows, ofFrame: frame, into: &values)
    let full = GridShape(rows: rows.count, columns: metadata.shape.columns)
    if window.shape.columns != full.columns {
      let part = ScanWindow(
        firstRow: 0, firstColumn: window.firstColumn,
        shape: GridShape(rows: rows.count, columns: window.shape.columns))
      values = (0..<metadata.segmentCount).flatMap { segment in
        cropped(
          Array(values[(segment * full.count)..<((segment + 1) * full.count)]), of: full, to: part)
      }
    }
    return frames.correction.corrected(
      values, shape: GridShape(rows: rows.count, columns: window.shape.columns),
      saturationLevel: metadata.saturationLevel, electronsPerUnit: frames.electronsPerUnit)
  }

  /// One band of one frame with its spikes masked; read with a halo, returned without.
  private func corrected(
    _ rows: Range<Int>, frame: Int, reader: borrowing AcquisitionReader
  ) throws -> SegmentSignals {
    guard let threshold = frames.spikeThreshold else {
      return try raw(rows, frame: frame, reader: reader)
    }
    let wide = withHalo(rows)
    let first = wide.lowerBound
    var signals = try raw(wide, frame: frame, reader: reader)
    signals.maskSpikes(threshold: threshold)
    signals.keepRows((rows.lowerBound - first)..<(rows.upperBound - first))
    return signals
  }

  private func withHalo(_ rows: Range<Int>) -> Range<Int> {
    max(rows.lowerBound - Self.halo, 0)..<min(rows.upperBound + Self.halo, window.shape.rows)
  }

  private func joined(_ bands: [SegmentSignals]) -> SegmentSignals {
    let shape = window.shape
    var values: [Double] = []
    values.reserveCapacity(metadata.segmentCount * shape.count)
    for segment in 0..<metadata.segmentCount {
      for band in bands {
        let count = band.shape.count
        values.append(contentsOf: band.values[(segment * count)..<((segment + 1) * count)])
      }
    }
    return SegmentSignals(
      shape: shape, segmentCount: metadata.segmentCount, values: values,
      mask: PixelMask(shape: shape, bytes: bands.flatMap(\.mask.bytes)),
      electronsPerUnit: frames.electronsPerUnit)
  }
}

extension StageFailure {
  /// A refused acquisition as the stage's failure.
  init(_ error: AcquisitionError) {
    let place = error.object.map { "\(error.file): \($0)" } ?? error.file
    self.init(
      error.kind == .cannotWrite ? .machine : .inputRefused, "\(place): \(error.reason)",
      remedy: error.remedy, details: error.stack)
  }
}
