// The sum of a band of rows through a stack.
internal import DPCReconstruction
internal import STEMCore
internal import Synchronization

/// What a finished band leaves beside its sums.
struct BandOutcome: Sendable {
  let scatter: FrameScatter
  let thumbnails: FrameThumbnails?
}

/// What all bands of a stack share.
struct BandTask: Sendable {
  let reader: FrameReader
  let plan: StackPlan
  let thumbnails: ThumbnailGrid?
  let sampling: @Sendable (_ firstRow: Int) -> ScatterSampling
}

/// The sum of a band of rows of all frames.
struct BandSum: Sendable {
  /// Rows of a band: few, so that a band of some frames stays in the cache, but many beside its halo.
  static let rows = ThumbnailGrid.bandRows
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

  init(_ task: BandTask, _ rows: Range<Int>) {
    self.rows = rows
    let reader = task.reader
    wide = reader.withHalo(rows)
    screen = reader.screen(spikeThreshold: reader.frames.spikeThreshold)
    shape = reader.shape(wide)
    accumulator = FrameAccumulator(
      shape: reader.shape(rows), correction: reader.frames.correction,
      electronsPerUnit: reader.frames.electronsPerUnit,
      sampling: task.sampling(rows.lowerBound), thumbnails: task.thumbnails)
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

extension BandSum {
  /// Rows of a window that are held at once: all, or as many as there is room for, whole bands and, if they fit, whole
  /// chunks.
  static func blockRows(of count: Int, chunkRows: Int, rowBytes: Int) -> Int {
    let room = max(1, Self.room / max(1, rowBytes))
    if room >= count { return count }
    let shared = min(chunkRows.trailingZeroBitCount, rows.trailingZeroBitCount)
    let whole = chunkRows * (rows >> shared)
    if whole <= room { return room / whole * whole }
    return (max(chunkRows, room) + rows - 1) / rows * rows
  }
}

/// A band to which one thread adds after the other.
final class SharedBandSum: Sendable {
  let band: Mutex<BandSum>

  init(_ band: BandSum) { self.band = Mutex(band) }
}
