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
  let frames: FramesValue
  var window: ScanWindow { frames.window }
  var metadata: AcquisitionMetadata { frames.acquisition.metadata }

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

  /// The deflection map of a single-frame acquisition, the segments never held together, and what tells
  /// its regime.
  func deflection(
    _ context: StageContext, _ estimation: DeflectionEstimation
  ) throws -> (estimate: DeflectionEstimate, sample: RegimeSample, statistics: SignalStatistics) {
    var map = VectorMap(
      uninitialized: window.shape, withCovariance: frames.electronsPerUnit != nil,
      pixelSize: metadata.pixelSize)
    var electrons = [Double](uninitializedCount: window.shape.count)
    var sample = estimation.sampler.emptySample()
    let bands = try map.share { map in
      try electrons.share { electrons in
        try sample.share { sample in
          try mapBands(context) { reader, rows in
            var (fit, statistics) = (FitQuality?.none, [SignalStatistics.Part]())
            try forEachPiece(rows, reader) { signals, row in
              let first = row * window.shape.columns
              estimation.sampler.write(signals, firstRow: row, to: sample)
              fit += estimation.estimate(signals, into: map, at: first)
              statistics.append(
                SignalStatistics.Part(
                  signals, electrons: electrons[first..<(first + signals.shape.count)]))
            }
            return (fit: fit, statistics: statistics)
          }
        }
      }
    }
    let statistics = SignalStatistics(
      joining: bands.flatMap(\.statistics),
      electrons: frames.electronsPerUnit == nil ? nil : electrons,
      segmentCount: metadata.segmentCount)
    var fit: FitQuality?
    for band in bands { fit += band.fit }
    return (DeflectionEstimate(map: map, fit: fit), sample, statistics)
  }

  /// What the signals of the first frame add up to, and which of its positions cannot be used.
  func statistics(
    _ context: StageContext
  ) throws -> (statistics: SignalStatistics, mask: PixelMask) {
    var electrons = [Double](uninitializedCount: window.shape.count)
    let bands = try electrons.share { electrons in
      try mapBands(context) { reader, rows in
        var (parts, flags) = ([SignalStatistics.Part](), [UInt8]())
        try forEachPiece(rows, reader) { signals, row in
          let first = row * window.shape.columns
          parts.append(
            SignalStatistics.Part(
              signals, electrons: electrons[first..<(first + signals.shape.count)]))
          flags += signals.mask.bytes
        }
        return (parts: parts, flags: flags)
      }
    }
    let statistics = SignalStatistics(
      joining: bands.flatMap(\.parts),
      electrons: frames.electronsPerUnit == nil ? nil : electrons,
      segmentCount: metadata.segmentCount)
    return (statistics, PixelMask(shape: window.shape, bytes: bands.flatMap(\.flags)))
  }

  /// Median over positions of the corrected sum; of a stack, the median of its frames' medians.
  func medianSum(_ context: StageContext) throws -> Double {
    let screen = screen(spikeThreshold: nil)
    let count = metadata.frameCount
    let medians = try withReader { reader in
      try (0..<count).compactMap { frame in
        follow(throughFrame: frame + 1)
        let sums = try mapBands(context, reader, part: frame, of: count) { reader, rows in
          screen.usableSums(of: try raw(rows, ofFrame: frame, reader), shape: shape(rows))
        }
        return median(sums.flatMap { $0 })
      }
    }
    return median(medians) ?? 0
  }

  /// As many bands, spread over the window, stand for a frame, each of as many rows.
  private static let sampleBands = 8
  private static let sampleRows = 8

  /// Some rows of the first frame, corrected, spikes and all.
  func sample(_ context: StageContext) throws -> [SegmentSignals] {
    let screen = screen(spikeThreshold: nil)
    let height = window.shape.rows
    let step = max(Self.sampleRows, height / Self.sampleBands)
    let firsts = Array(stride(from: 0, through: max(0, height - Self.sampleRows), by: step))
    return try withReader { reader in
      try concurrentMap(firsts.count) { part in
        try context.checkCancellation()
        let rows = firsts[part]..<min(firsts[part] + Self.sampleRows, height)
        return screen.corrected(try raw(rows, ofFrame: 0, reader), shape: shape(rows))
      }
    }
  }

  /// Waits for whoever digests the file, so that frames are not read from the disk beside it. They are taken to fill
  /// the file: what else it holds shifts them, at the cost of some time and nothing else.
  ///
  /// - Parameter frame: The first that is not to be read.
  func follow(throughFrame frame: Int) {
    frames.acquisition.file.follow(through: Double(frame) / Double(metadata.frameCount))
  }

  // MARK: Bands

  /// Runs `body` on every band of the window and returns what it gives, in the bands' order.
  ///
  /// Bands are read and worked on side by side.
  private func mapBands<Result: Sendable>(
    _ context: StageContext,
    _ body: @Sendable (borrowing AcquisitionReader, Range<Int>) throws -> Result
  ) throws -> [Result] {
    try withReader { reader in try mapBands(context, reader, part: 0, of: 1, body) }
  }

  /// The same for one of several parts of the work.
  private func mapBands<Result: Sendable>(
    _ context: StageContext, _ reader: borrowing AcquisitionReader, part: Int, of parts: Int,
    _ body: @Sendable (borrowing AcquisitionReader, Range<Int>) throws -> Result
  ) throws -> [Result] {
    let rows = window.shape.rows
    let count = (rows + Self.bandRows - 1) / Self.bandRows
    let finished = Atomic(0)
    return try concurrentMap(count) { band in
      try context.checkCancellation()
      let first = band * Self.bandRows
      let result = try body(reader, first..<min(first + Self.bandRows, rows))
      let done = finished.add(1, ordering: .relaxed).newValue
      context.progress((Double(part) + Double(done) / Double(count)) / Double(parts))
      return result
    }
  }

  /// Opens the file for `body`; what it cannot give is the stage's failure.
  func withReader<Result>(
    _ body: (borrowing AcquisitionReader) throws -> Result
  ) throws -> Result {
    do {
      return try body(
        try AcquisitionReader(path: frames.acquisition.file.path, stating: metadata))
    } catch let error as AcquisitionError {
      throw StageFailure(error)
    }
  }

  /// What tells the unusable signals of these frames.
  func screen(spikeThreshold: Double?) -> SignalScreen {
    SignalScreen(
      frames.correction, saturationLevel: metadata.saturationLevel,
      electronsPerUnit: frames.electronsPerUnit, signalPerElectron: frames.signalPerElectron,
      spikeThreshold: spikeThreshold)
  }

  /// Of rows of the window.
  func shape(_ rows: Range<Int>) -> GridShape {
    GridShape(rows: rows.count, columns: window.shape.columns)
  }

  /// Rows of the window as rows of the file.
  func fileRows(_ rows: Range<Int>) -> Range<Int> {
    (rows.lowerBound + window.firstRow)..<(rows.upperBound + window.firstRow)
  }

  /// The window's columns of the file.
  var fileColumns: Range<Int> {
    window.firstColumn..<(window.firstColumn + window.shape.columns)
  }

  /// One band of one frame as it is stored, cut to the window's columns.
  private func raw(
    _ rows: Range<Int>, ofFrame frame: Int, _ reader: borrowing AcquisitionReader
  ) throws -> RawSignals {
    var raw = RawSignals(uninitialized: reader.rawKind, count: 0)
    try reader.readRaw(
      fileRows(rows), ofFrames: frame..<(frame + 1), into: &raw, onAllThreads: false)
    let full = GridShape(rows: rows.count, columns: metadata.shape.columns)
    return window.shape.columns == full.columns
      ? raw : raw.part(ofPlanes: full, rows: 0..<full.rows, columns: fileColumns)
  }

  /// One band of one frame with its spikes masked; read with a halo, returned without.
  private func corrected(
    _ rows: Range<Int>, frame: Int, reader: borrowing AcquisitionReader
  ) throws -> SegmentSignals {
    let wide = withHalo(rows)
    return screen(spikeThreshold: frames.spikeThreshold).corrected(
      try raw(wide, ofFrame: frame, reader), shape: shape(wide),
      rows: (rows.lowerBound - wide.lowerBound)..<(rows.upperBound - wide.lowerBound))
  }

  /// The same a few rows at a time: `body` gets their signals and the first of them.
  private func forEachPiece(
    _ rows: Range<Int>, _ reader: borrowing AcquisitionReader, _ body: (SegmentSignals, Int) -> Void
  ) throws {
    let wide = withHalo(rows)
    screen(spikeThreshold: frames.spikeThreshold).forEachPiece(
      of: try raw(wide, ofFrame: 0, reader), shape: shape(wide),
      rows: (rows.lowerBound - wide.lowerBound)..<(rows.upperBound - wide.lowerBound)
    ) { signals, row in body(signals, wide.lowerBound + row) }
  }

  /// The rows that have to be read for some to be searched for spikes.
  func withHalo(_ rows: Range<Int>) -> Range<Int> {
    let halo = frames.spikeThreshold == nil ? 0 : Self.halo
    return max(rows.lowerBound - halo, 0)..<min(rows.upperBound + halo, window.shape.rows)
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

/// Adds what is known of the fit of other positions.
private func += (total: inout FitQuality?, other: FitQuality?) {
  if let other { total = (total ?? FitQuality()) + other }
}

extension StageFailure {
  /// A refused acquisition as the stage's failure: the first of what is wrong, and where the rest is told.
  init(_ error: AcquisitionError) {
    let place = error.object.map { "\(error.file): \($0)" } ?? error.file
    let more =
      error.others.isEmpty
      ? nil : "\(error.others.count) more of its items are refused: dpc inspect tells all of them"
    let isOfMachine = error.kind == .cannotWrite || error.kind == .machine
    let isOther = error.object == nil && error.others.isEmpty && !isOfMachine
    let other =
      isOther ? "name an acquisition in HDF5: dpc inspect tells whether a file is one" : nil
    let remedies = [error.remedy ?? other, more].compactMap(\.self)
    self.init(
      isOfMachine ? .machine : .inputRefused, "\(place): \(error.reason)",
      remedy: remedies.isEmpty ? nil : remedies.joined(separator: "; "), details: error.stack)
  }
}
