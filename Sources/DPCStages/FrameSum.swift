// The sum of a stack of frames, in memory that does not grow with their number.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData
internal import Synchronization
internal import WorkSharing

extension FrameReader {
  /// The sum of frames and their scatter, and what their thumbnails tell.
  ///
  /// A few frames at a time are read, in the file's order, behind whoever digests the file. Of frames in one piece
  /// each thread reads the rows that it adds; frames in chunks are read as a whole, so that each chunk is unpacked
  /// once. No number depends on which way it is.
  ///
  /// - Parameters:
  ///   - plan: Which frames are added, and where each is read; nil adds all where they are, and finds out whether
  ///     another plan is due.
  func sum(_ context: StageContext, plan: StackPlan? = nil) throws -> StackSum {
    var sum = try self.sum(context, plan, groupHeight: ScatterSampling.heights[0])
    // Where masks leave hardly a whole group, or the scan is small, the frames are read again for lower ones.
    for height in ScatterSampling.heights.dropFirst() where !sum.scatter.isTelling {
      sum = try self.sum(context, plan, groupHeight: height)
    }
    return sum
  }

  private func sum(
    _ context: StageContext, _ plan: StackPlan?, groupHeight height: Int
  ) throws -> StackSum {
    let thumbnails =
      plan == nil
      ? ThumbnailGrid(
        shape: window.shape, frameCount: metadata.frameCount,
        azimuths: metadata.detector.segments.map { $0.middle + metadata.detector.orientation },
        correction: frames.correction, pixelSize: metadata.pixelSize) : nil
    let plan = plan ?? StackPlan(frameCount: metadata.frameCount)
    var sum = SumOfFrames(shape: window.shape, segmentCount: metadata.segmentCount)
    let task = BandTask(
      reader: self, plan: plan, thumbnails: thumbnails,
      sampling: {
        ScatterSampling(
          shape: window.shape, frameCount: plan.count, firstRow: $0, height: height)
      })
    try withReader { reader in
      if reader.chunkSides == nil {
        try addBands(context, reader, task, &sum)
      } else {
        try addChunks(context, reader, task, &sum)
      }
    }
    return sum.finished(
      electronsPerUnit: frames.electronsPerUnit, frameCount: metadata.frameCount)
  }

  /// Rows of the window in bands, one of few rows at its end.
  private func bands(_ rows: Range<Int>) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: BandSum.rows).map {
      $0..<min($0 + BandSum.rows, rows.upperBound)
    }
  }

  /// Sums of some rows of the window in bands, nothing added yet.
  private func emptyBands(_ rows: Range<Int>, _ task: BandTask) -> [SharedBandSum] {
    bands(rows).map { SharedBandSum(BandSum(task, $0)) }
  }

  private func addBands(
    _ context: StageContext, _ reader: borrowing AcquisitionReader, _ task: BandTask,
    _ sum: inout SumOfFrames
  ) throws {
    let bands = emptyBands(0..<window.shape.rows, task)
    let groups = task.plan.groups(of: BandSum.together)
    let finished = Atomic(0)
    for group in groups {
      follow(throughFrame: group.frames.upperBound)
      _ = try concurrentMap(bands.count) { number in
        try context.checkCancellation()
        try bands[number].band.withLock { band in
          var raw = RawSignals(uninitialized: reader.rawKind, count: 0)
          try reader.readRaw(
            fileRows(band.wide).moved(by: group.shift.rows), ofFrames: group.frames, into: &raw,
            onAllThreads: false)
          if window.shape.columns == metadata.shape.columns {
            band.add(&raw, frames: group.frames.count)
          } else {
            let full = GridShape(rows: band.wide.count, columns: metadata.shape.columns)
            var part = raw.part(
              ofPlanes: full, rows: 0..<full.rows,
              columns: fileColumns.moved(by: group.shift.columns))
            band.add(&part, frames: group.frames.count)
          }
        }
        let done = finished.add(1, ordering: .relaxed).newValue
        context.progress(Double(done) / Double(bands.count * groups.count))
      }
    }
    try sum.share { target in
      concurrentMap(bands.count) { bands[$0].band.withLock { target.take($0) } }
    }
  }

  private func addChunks(
    _ context: StageContext, _ reader: borrowing AcquisitionReader, _ task: BandTask,
    _ sum: inout SumOfFrames
  ) throws {
    let sides = reader.chunkSides ?? (frames: 1, rows: 1)
    // Whole chunks of frames.
    let together = max(sides.frames, BandSum.together / sides.frames * sides.frames)
    let groups = task.plan.groups(of: together)
    let height = BandSum.blockRows(
      of: window.shape.rows, chunkRows: sides.rows,
      rowBytes: together * metadata.segmentCount * metadata.shape.columns
        * reader.rawKind.byteCount)
    for first in stride(from: 0, to: window.shape.rows, by: height) {
      let block = first..<min(first + height, window.shape.rows)
      let bands = try added(groups, to: block, context, reader, task)
      try sum.share { target in
        concurrentMap(bands.count) { bands[$0].band.withLock { target.take($0) } }
      }
    }
  }

  /// The sums of some rows of all frames, which are read for them alone.
  private func added(
    _ groups: [FrameGroup], to block: Range<Int>, _ context: StageContext,
    _ reader: borrowing AcquisitionReader, _ task: BandTask
  ) throws -> [SharedBandSum] {
    let bands = emptyBands(block, task)
    let wide = withHalo(block)
    let full = GridShape(rows: wide.count, columns: metadata.shape.columns)
    var raw = RawSignals(uninitialized: reader.rawKind, count: 0)
    for (count, group) in groups.enumerated() {
      try context.checkCancellation()
      follow(throughFrame: group.frames.upperBound)
      try reader.readRaw(
        fileRows(wide).moved(by: group.shift.rows), ofFrames: group.frames, into: &raw,
        onAllThreads: true)
      let read = raw
      shareWork(bands.count) { index in
        bands[index].band.withLock { band in
          let rows =
            (band.wide.lowerBound - wide.lowerBound)..<(band.wide.upperBound - wide.lowerBound)
          var part = read.part(
            ofPlanes: full, rows: rows, columns: fileColumns.moved(by: group.shift.columns))
          band.add(&part, frames: group.frames.count)
        }
      }
      let done = Double(count + 1) / Double(groups.count)
      let rows = Double(block.lowerBound) + done * Double(block.count)
      context.progress(rows / Double(window.shape.rows))
    }
    return bands
  }
}

/// A sum that is put together of bands.
private struct SumOfFrames {
  private let shape: GridShape
  private let segmentCount: Int
  private var values: [Double] = []
  private var flags: [UInt8] = []
  private var scatter = FrameScatter()
  private var thumbnails: FrameThumbnails?

  init(shape: GridShape, segmentCount: Int) {
    self.shape = shape
    self.segmentCount = segmentCount
  }

  /// Lends the memory to those who have bands for it, and takes their scatter in order.
  ///
  /// It is taken when it is first lent: by then frames that were unpacked may have left some.
  mutating func share(_ body: (SumTarget) throws -> [BandOutcome]) throws {
    if values.isEmpty {
      values = Array(uninitializedCount: segmentCount * shape.count)
      flags = Array(uninitializedCount: shape.count)
    }
    let parts = try values.share { values in
      try flags.share { flags in
        try body(SumTarget(values: values, flags: flags, columns: shape.columns))
      }
    }
    for part in parts {
      scatter += part.scatter
      if let band = part.thumbnails {
        if thumbnails == nil { thumbnails = band } else { thumbnails?.append(band) }
      }
    }
  }

  /// - Precondition: All bands were taken.
  consuming func finished(electronsPerUnit: Double?, frameCount: Int) -> StackSum {
    let signals = SegmentSignals(
      shape: shape, segmentCount: segmentCount, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electronsPerUnit,
      exposures: scatter.medianAdded ?? 1)
    return StackSum(
      signals: signals, scatter: scatter,
      findings: thumbnails?.findings(frameCount: frameCount))
  }
}

/// A sum of frames.
struct StackSum: Sendable {
  var signals: SegmentSignals
  var scatter: FrameScatter
  /// nil where they were not asked for.
  var findings: StackFindings?
}

/// Where bands of the sum go.
private struct SumTarget: Sendable {
  let values: SharedPlane<Double>
  let flags: SharedPlane<UInt8>
  /// Of a frame.
  let columns: Int

  /// Puts a finished band in its place.
  func take(_ band: BandSum) -> BandOutcome {
    BandOutcome(
      scatter: band.accumulator.write(to: values, flags, at: band.rows.lowerBound * columns),
      thumbnails: band.accumulator.thumbnails)
  }
}
