// Frames band by band: read, corrected, their spikes masked, and what is made of them gathered in order.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData
internal import WorkSharing

/// Reads the frames of an acquisition through bands of rows, so that neither a stack nor a large frame
/// has to fit in memory. Bands and their order are fixed: results do not depend on threads.
struct FrameReader {
  let frames: FramesValue
  var window: ScanWindow { frames.window }
  var metadata: AcquisitionMetadata { frames.acquisition.metadata }

  /// Rows of neighbors that the spike rule looks at on either side; at the frame's rim all on one.
  static let halo = 4
  /// Rows of a band; a multiple of common chunk sides, and enough to make the halo cheap.
  static let bandRows = 64

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
}

/// Adds what is known of the fit of other positions.
private func += (total: inout FitQuality?, other: FitQuality?) {
  if let other { total = (total ?? FitQuality()) + other }
}
