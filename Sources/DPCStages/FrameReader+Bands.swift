// The bands of a frame: read with a halo, corrected, worked on side by side and joined.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData
internal import Synchronization
internal import WorkSharing

extension FrameReader {
  /// Runs `body` on every band of the window and returns what it gives, in the bands' order.
  ///
  /// Bands are read and worked on side by side.
  func mapBands<Result: Sendable>(
    _ context: StageContext,
    _ body: @Sendable (borrowing AcquisitionReader, Range<Int>) throws -> Result
  ) throws -> [Result] {
    try withReader { reader in try mapBands(context, reader, part: 0, of: 1, body) }
  }

  /// The same for one of several parts of the work.
  func mapBands<Result: Sendable>(
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
  func raw(
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
  func corrected(
    _ rows: Range<Int>, frame: Int, reader: borrowing AcquisitionReader
  ) throws -> SegmentSignals {
    let wide = withHalo(rows)
    return screen(spikeThreshold: frames.spikeThreshold).corrected(
      try raw(wide, ofFrame: frame, reader), shape: shape(wide),
      rows: (rows.lowerBound - wide.lowerBound)..<(rows.upperBound - wide.lowerBound))
  }

  /// The same a few rows at a time: `body` gets their signals and the first of them.
  func forEachPiece(
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

  func joined(_ bands: [SegmentSignals]) -> SegmentSignals {
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
