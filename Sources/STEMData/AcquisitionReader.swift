// An acquisition file: what it states, and its frames band by band.
internal import HDF5
public import STEMCore

/// A checked acquisition file by its path; a value that can be opened again, from any thread.
public struct AcquisitionFile: Sendable {
  public let path: String
  public let metadata: AcquisitionMetadata
  /// How a frame's numbers are stored, as "uint16".
  public let frameType: String
  /// How the frames are laid out, as "contiguous" or "chunks of 1×8×16×128, gzip".
  public let frameLayout: String
  /// Reading this many rows at a time, from a multiple of it, cuts through no chunk.
  public let preferredRowCount: Int
  /// Where the file says one thing twice and differently, and which is used.
  public let contradictions: [String]
  /// What stands in the file and is read by nothing for its name, in sentences.
  public let unread: [String]

  /// Reads and checks everything but the frames.
  public init(path: String) throws(AcquisitionError) {
    self = try AcquisitionReader(path: path).file
  }

  init(
    path: String, metadata: AcquisitionMetadata, frameType: String, frameLayout: String,
    preferredRowCount: Int, contradictions: [String], unread: [String]
  ) {
    self.path = path
    self.metadata = metadata
    self.frameType = frameType
    self.frameLayout = frameLayout
    self.preferredRowCount = preferredRowCount
    self.contradictions = contradictions
    self.unread = unread
  }
}

/// An open acquisition; several threads may read from it at once.
public struct AcquisitionReader: ~Copyable, Sendable {
  /// Room for unpacked chunks, at most; beyond it, bands unpack some chunks twice, bytes.
  private static let maximumCache = 256 << 20

  private let frames: HDF5Stream
  /// The type of the numbers that ``readRaw(_:ofFrames:into:onAllThreads:)`` gives.
  public let rawKind: RawSignals.Kind
  /// Frames and rows of a chunk; nil where frames are stored in one piece.
  public let chunkSides: (frames: Int, rows: Int)?
  private let hasFrameAxis: Bool
  /// What the file states.
  public let file: AcquisitionFile
  public var metadata: AcquisitionMetadata { file.metadata }

  /// Opens a file, reads what it states and checks that it can be true.
  public init(path: String) throws(AcquisitionError) {
    let items = try ItemReader(path: path)
    let (plan, metadata, contradictions, unread) = try HDF5Library.together {
      () throws(AcquisitionError) -> (FramePlan, AcquisitionMetadata, [String], [String]) in
      let (plan, metadata) = try items.contents()
      return (
        plan, metadata, items.axisContradictions(metadata.pixelSize, shape: metadata.shape),
        items.misnamed().map(\.words)
      )
    }
    try self.init(items, plan, metadata, contradictions, unread)
  }

  /// Opens the frames of a file that was read before, and takes what it stated for granted.
  ///
  /// - Throws: also where the frames are no longer as many and of the shape that they were.
  public init(path: String, stating metadata: AcquisitionMetadata) throws(AcquisitionError) {
    let items = try ItemReader(path: path)
    let plan = try items.framePlan()
    guard plan.shape == metadata.shape, plan.segmentCount == metadata.segmentCount,
      plan.frameCount == metadata.frameCount
    else {
      throw items.failure(
        .wrongShape, AcquisitionPath.frames,
        "they are not what they were when the file was checked",
        "leave the file alone while it is worked on, and run again")
    }
    try self.init(items, plan, metadata, [], [])
  }

  private init(
    _ items: borrowing ItemReader, _ plan: FramePlan, _ metadata: AcquisitionMetadata,
    _ contradictions: [String], _ unread: [String]
  ) throws(AcquisitionError) {
    let frames = try reading { () throws(HDF5Error) in
      let room = plan.cacheBytes(atMost: Self.maximumCache)
      let dataset = try items.file.root.dataset(AcquisitionPath.frames, chunkCacheBytes: room)
      return try HDF5Stream(dataset, cacheBytes: room ?? 0)
    }
    file = AcquisitionFile(
      path: items.file.path, metadata: metadata, frameType: plan.element.description,
      frameLayout: plan.layout, preferredRowCount: plan.preferredRowCount,
      contradictions: contradictions, unread: unread)
    hasFrameAxis = plan.hasFrameAxis
    chunkSides = plan.chunkSides
    rawKind = frames.storedType.flatMap(Self.kind) ?? .double
    self.frames = frames
  }

  /// The kind of signals that holds numbers as they are stored; nil for those that become `Double`.
  private static func kind(_ type: HDF5NumberType) -> RawSignals.Kind? {
    switch type {
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .int16: .int16
    case .int32: .int32
    case .float: .float
    case .double: .double
    case .int8, .int64, .uint64: nil
    }
  }

  /// Reads rows of frames of every segment: `[frame][segment][row][column]`, the column fastest.
  ///
  /// Numbers are those of the file, as it counts and stores them, NaN where missing. Types that
  /// `RawSignals` does not list come as `Double`: integers of up to 32 bits are exact.
  /// - Parameters:
  ///   - rows: Rows of the scan.
  ///   - selected: 0 ..< 1 for a file without a frame axis.
  ///   - raw: Replaced where its type or count does not fit, else its memory is used again.
  ///   - onAllThreads: Whether all threads unpack chunks for this call, each once; else they are shared with
  ///     other calls, as long as there is room for them.
  /// - Precondition: `rows` and `selected` lie in the acquisition.
  public func readRaw(
    _ rows: Range<Int>, ofFrames selected: Range<Int>, into raw: inout RawSignals,
    onAllThreads: Bool
  ) throws(AcquisitionError) {
    let region = region(rows, selected)
    if raw.kind != rawKind || raw.count != region.elementCount {
      raw = RawSignals(uninitialized: rawKind, count: region.elementCount)
    }
    do {
      try raw.withUnsafeMutableBytes { bytes throws(HDF5Error) in
        if frames.storedType.flatMap(Self.kind) == nil {
          // SAFETY: numbers that are not plain are kept as doubles.
          try frames.read(region, into: bytes.bindMemory(to: Double.self))
        } else {
          try frames.readStored(region, into: bytes, by: onAllThreads ? .allThreads : .thisThread)
        }
      }
    } catch { throw AcquisitionError(error) }
  }

  /// Reads rows of one frame of every segment: `[segment][row][column]`, the column fastest.
  ///
  /// Numbers are those of the file, as it counts them, NaN where missing. Integers of up to 32
  /// bits and floating-point numbers are exact.
  /// - Parameters:
  ///   - rows: Rows of the scan.
  ///   - frame: 0 for a file without a frame axis.
  ///   - values: Resized where its count does not fit, else its memory is used again.
  /// - Precondition: `rows` and `frame` lie in the acquisition.
  public func readRows(
    _ rows: Range<Int>, ofFrame frame: Int, into values: inout [Double]
  ) throws(AcquisitionError) {
    let region = region(rows, frame..<(frame + 1))
    if values.count != region.elementCount {
      values = [Double](repeating: 0, count: region.elementCount)
    }
    do {
      try values.withUnsafeMutableBufferPointer { buffer throws(HDF5Error) in
        try frames.read(region, into: buffer)
      }
    } catch { throw AcquisitionError(error) }
  }

  private func region(_ rows: Range<Int>, _ frames: Range<Int>) -> HDF5Region {
    let shape = metadata.shape
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of the scan")
    precondition(
      frames.lowerBound >= 0 && frames.upperBound <= metadata.frameCount,
      "frames of the acquisition")
    let offset = [0, rows.lowerBound, 0]
    let count = [metadata.segmentCount, rows.count, shape.columns]
    return hasFrameAxis
      ? HDF5Region(offset: [frames.lowerBound] + offset, count: [frames.count] + count)
      : HDF5Region(offset: offset, count: count)
  }
}
