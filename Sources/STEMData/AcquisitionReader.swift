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

  /// Reads and checks everything but the frames.
  public init(path: String) throws(AcquisitionError) {
    self = try AcquisitionReader(path: path).file
  }

  init(
    path: String, metadata: AcquisitionMetadata, frameType: String, frameLayout: String,
    preferredRowCount: Int
  ) {
    self.path = path
    self.metadata = metadata
    self.frameType = frameType
    self.frameLayout = frameLayout
    self.preferredRowCount = preferredRowCount
  }

  /// Opens the frames.
  public func reader() throws(AcquisitionError) -> AcquisitionReader {
    try AcquisitionReader(path: path)
  }
}

/// An open acquisition; several threads may read from it at once.
public struct AcquisitionReader: ~Copyable, Sendable {
  /// Room for unpacked chunks, at most; beyond it, bands unpack some chunks twice, bytes.
  private static let maximumCache = 256 << 20

  private let frames: HDF5Stream
  private let hasFrameAxis: Bool
  /// What the file states.
  public let file: AcquisitionFile
  public var metadata: AcquisitionMetadata { file.metadata }

  /// Opens a file, reads what it states and checks that it can be true.
  public init(path: String) throws(AcquisitionError) {
    let items = try ItemReader(path: path)
    let plan = try items.framePlan()
    let metadata = try items.metadata(frames: plan)
    let frames = try reading { () throws(HDF5Error) in
      let room = plan.cacheBytes(atMost: Self.maximumCache)
      let dataset = try items.file.root.dataset(AcquisitionPath.frames, chunkCacheBytes: room)
      return try HDF5Stream(dataset, cacheBytes: room ?? 0)
    }
    file = AcquisitionFile(
      path: path, metadata: metadata, frameType: plan.element.description,
      frameLayout: plan.layout, preferredRowCount: plan.preferredRowCount)
    hasFrameAxis = plan.hasFrameAxis
    self.frames = frames
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
    if values.count != count(rows) {
      values = try self.rows(rows, ofFrame: frame)
    } else {
      var span = values.mutableSpan
      try readRows(rows, ofFrame: frame, into: &span)
    }
  }

  /// Rows of one frame of every segment in new memory, which nothing touched before.
  ///
  /// - Parameters:
  ///   - rows: Rows of the scan.
  ///   - frame: 0 for a file without a frame axis.
  /// - Returns: `[segment][row][column]`, the column fastest.
  /// - Precondition: `rows` and `frame` lie in the acquisition.
  public func rows(_ rows: Range<Int>, ofFrame frame: Int) throws(AcquisitionError) -> [Double] {
    let count = count(rows)
    var failure: HDF5Error?
    let values = [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(HDF5Error) {
        // SAFETY: a reading that does not throw has written every element.
        try frames.read(
          region(rows, frame), into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
      } catch { failure = error }
    }
    if let failure { throw AcquisitionError(failure) }
    return values
  }

  private func count(_ rows: Range<Int>) -> Int {
    metadata.segmentCount * rows.count * metadata.shape.columns
  }

  private func region(_ rows: Range<Int>, _ frame: Int) -> HDF5Region {
    let shape = metadata.shape
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of the scan")
    precondition(frame >= 0 && frame < metadata.frameCount, "a frame of the acquisition")
    let offset = [0, rows.lowerBound, 0]
    let count = [metadata.segmentCount, rows.count, shape.columns]
    return hasFrameAxis
      ? HDF5Region(offset: [frame] + offset, count: [1] + count)
      : HDF5Region(offset: offset, count: count)
  }

  /// Reads rows of one frame of every segment into memory that is there already.
  ///
  /// - Precondition: `values` counts segments × rows × columns.
  public func readRows(
    _ rows: Range<Int>, ofFrame frame: Int, into values: inout MutableSpan<Double>
  ) throws(AcquisitionError) {
    let region = region(rows, frame)
    do {
      try values.withUnsafeMutableBufferPointer { buffer throws(HDF5Error) in
        try frames.read(region, into: buffer)
      }
    } catch { throw AcquisitionError(error) }
  }

  /// Reads one frame: per segment a plane of the scan's shape.
  ///
  /// - Precondition: `frame` lies in the acquisition.
  public func readFrame(_ frame: Int) throws(AcquisitionError) -> [ScalarField] {
    let shape = metadata.shape
    var values: [Double] = []
    try readRows(0..<shape.rows, ofFrame: frame, into: &values)
    return (0..<metadata.segmentCount).map { segment in
      let first = segment * shape.count
      return ScalarField(shape: shape, values: Array(values[first..<(first + shape.count)]))
    }
  }
}
