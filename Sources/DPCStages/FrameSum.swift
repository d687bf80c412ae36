// The sum of a stack of frames, in memory that does not grow with their number.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData
internal import Synchronization
internal import WorkSharing

extension FrameReader {
  /// The sum of all frames and their scatter.
  ///
  /// A few frames at a time are read, in the file's order, behind whoever digests the file. Of frames in one piece
  /// each thread reads the rows that it adds; frames in chunks are read as a whole, so that each chunk is unpacked
  /// once. No number depends on which way it is.
  func sum(_ context: StageContext) throws -> (signals: SegmentSignals, scatter: FrameScatter) {
    var sum = SumOfFrames(shape: window.shape, segmentCount: metadata.segmentCount)
    try withReader { reader in
      if reader.chunkSides == nil {
        try addBands(context, reader, &sum)
      } else {
        try addChunks(context, reader, &sum)
      }
    }
    return sum.finished(electronsPerUnit: frames.electronsPerUnit)
  }

  /// Rows of the window in bands, one of few rows at its end.
  private func bands(_ rows: Range<Int>) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: BandSum.rows).map {
      $0..<min($0 + BandSum.rows, rows.upperBound)
    }
  }

  private func groups(of size: Int) -> [Range<Int>] {
    stride(from: 0, to: metadata.frameCount, by: size).map {
      $0..<min($0 + size, metadata.frameCount)
    }
  }

  /// Sums of some rows of the window in bands, nothing added yet.
  private func emptyBands(_ rows: Range<Int>) -> [SharedBandSum] {
    bands(rows).map { SharedBandSum(BandSum(self, $0)) }
  }

  private func addBands(
    _ context: StageContext, _ reader: borrowing AcquisitionReader, _ sum: inout SumOfFrames
  ) throws {
    let bands = emptyBands(0..<window.shape.rows)
    let groups = groups(of: BandSum.together)
    let finished = Atomic(0)
    for group in groups {
      follow(throughFrame: group.upperBound)
      _ = try concurrentMap(bands.count) { number in
        try context.checkCancellation()
        try bands[number].band.withLock { band in
          var raw = RawSignals(uninitialized: reader.rawKind, count: 0)
          try reader.readRaw(
            fileRows(band.wide), ofFrames: group, into: &raw, onAllThreads: false)
          if window.shape.columns == metadata.shape.columns {
            band.add(&raw, frames: group.count)
          } else {
            let full = GridShape(rows: band.wide.count, columns: metadata.shape.columns)
            var part = raw.part(ofPlanes: full, rows: 0..<full.rows, columns: fileColumns)
            band.add(&part, frames: group.count)
          }
        }
        let done = finished.add(1, ordering: .relaxed).newValue
        context.progress(Double(done) / Double(bands.count * groups.count))
      }
    }
    try sum.share { target in bands.map { $0.band.withLock { target.take($0) } } }
  }

  private func addChunks(
    _ context: StageContext, _ reader: borrowing AcquisitionReader, _ sum: inout SumOfFrames
  ) throws {
    let sides = reader.chunkSides ?? (frames: 1, rows: 1)
    // Whole chunks of frames.
    let groups = groups(
      of: max(sides.frames, BandSum.together / sides.frames * sides.frames))
    let height = blockRows(
      sides.rows,
      rowBytes: groups[0].count * metadata.segmentCount * metadata.shape.columns
        * reader.rawKind.byteCount)
    for first in stride(from: 0, to: window.shape.rows, by: height) {
      let block = first..<min(first + height, window.shape.rows)
      let bands = try added(groups, to: block, context, reader)
      try sum.share { target in bands.map { $0.band.withLock { target.take($0) } } }
    }
  }

  /// The sums of some rows of all frames, which are read for them alone.
  private func added(
    _ groups: [Range<Int>], to block: Range<Int>, _ context: StageContext,
    _ reader: borrowing AcquisitionReader
  ) throws -> [SharedBandSum] {
    let bands = emptyBands(block)
    let wide = withHalo(block)
    let full = GridShape(rows: wide.count, columns: metadata.shape.columns)
    var raw = RawSignals(uninitialized: reader.rawKind, count: 0)
    for (count, group) in groups.enumerated() {
      try context.checkCancellation()
      follow(throughFrame: group.upperBound)
      try reader.readRaw(fileRows(wide), ofFrames: group, into: &raw, onAllThreads: true)
      let read = raw
      shareWork(bands.count) { index in
        bands[index].band.withLock { band in
          let rows =
            (band.wide.lowerBound - wide.lowerBound)..<(band.wide.upperBound - wide.lowerBound)
          var part = read.part(ofPlanes: full, rows: rows, columns: fileColumns)
          band.add(&part, frames: group.count)
        }
      }
      let done = Double(count + 1) / Double(groups.count)
      let rows = Double(block.lowerBound) + done * Double(block.count)
      context.progress(rows / Double(window.shape.rows))
    }
    return bands
  }

  /// Rows of the window that are held at once: all, or as many whole chunks as there is room for.
  private func blockRows(_ chunkRows: Int, rowBytes: Int) -> Int {
    let room = max(1, BandSum.room / max(1, rowBytes))
    return room >= window.shape.rows
      ? window.shape.rows : max(chunkRows, room / chunkRows * chunkRows)
  }
}

/// A sum that is put together of bands.
private struct SumOfFrames {
  private let shape: GridShape
  private let segmentCount: Int
  private var values: [Double] = []
  private var flags: [UInt8] = []
  private var scatter = FrameScatter()

  init(shape: GridShape, segmentCount: Int) {
    self.shape = shape
    self.segmentCount = segmentCount
  }

  /// Lends the memory to those who have bands for it, and takes their scatter in order.
  ///
  /// It is taken when it is first lent: by then frames that were unpacked may have left some.
  mutating func share(_ body: (SumTarget) throws -> [FrameScatter]) throws {
    if values.isEmpty {
      values = Array(uninitializedCount: segmentCount * shape.count)
      flags = Array(uninitializedCount: shape.count)
    }
    let parts = try values.share { values in
      try flags.share { flags in
        try body(SumTarget(values: values, flags: flags, columns: shape.columns))
      }
    }
    for part in parts { scatter += part }
  }

  /// - Precondition: All bands were taken.
  consuming func finished(
    electronsPerUnit: Double?
  ) -> (signals: SegmentSignals, scatter: FrameScatter) {
    let signals = SegmentSignals(
      shape: shape, segmentCount: segmentCount, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electronsPerUnit,
      exposures: scatter.medianAdded ?? 1)
    return (signals, scatter)
  }
}

/// Where bands of the sum go.
private struct SumTarget: Sendable {
  let values: SharedPlane<Double>
  let flags: SharedPlane<UInt8>
  /// Of a frame.
  let columns: Int

  /// Puts a finished band in its place.
  func take(_ band: BandSum) -> FrameScatter {
    band.accumulator.write(to: values, flags, at: band.rows.lowerBound * columns)
  }
}

/// The sum of a band of rows of all frames.
private struct BandSum: Sendable {
  /// Rows of a band: few, so that a band of some frames stays in the cache, but many beside its halo.
  static let rows = 64
  /// Frames at a time, at least: their sum is formed before it is added.
  static let together = 4
  /// Bytes of packed frames that are held unpacked at once.
  static let room = 96 << 20

  /// Rows of the window, and those that are read for them.
  let rows: Range<Int>
  let wide: Range<Int>
  private let screen: SignalScreen
  private let shape: GridShape
  private(set) var accumulator: FrameAccumulator

  init(_ reader: FrameReader, _ rows: Range<Int>) {
    self.rows = rows
    wide = reader.withHalo(rows)
    screen = reader.screen(spikeThreshold: reader.frames.spikeThreshold)
    shape = reader.shape(wide)
    accumulator = FrameAccumulator(
      shape: reader.shape(rows), correction: reader.frames.correction,
      electronsPerUnit: reader.frames.electronsPerUnit,
      sampling: ScatterSampling(
        shape: reader.window.shape, frameCount: reader.metadata.frameCount,
        firstRow: rows.lowerBound))
  }

  /// - Parameters:
  ///   - raw: The wide rows of the frames; changed.
  ///   - frames: How many.
  mutating func add(_ raw: inout RawSignals, frames: Int) {
    let first = rows.lowerBound - wide.lowerBound
    let frame = raw.count / frames
    let masks = (0..<frames).map {
      screen.mask(
        of: raw, from: $0 * frame, shape: shape, searching: first..<(first + rows.count))
    }
    accumulator.add(&raw, masks: masks, firstRow: first)
  }
}

/// A band to which one thread adds after the other.
private final class SharedBandSum: Sendable {
  let band: Mutex<BandSum>

  init(_ band: BandSum) { self.band = Mutex(band) }
}
