// A dataset that several threads read at once, past the library's lock wherever that is possible.
internal import CHDF5
internal import Glibc

/// A dataset open for reading in pieces, from any number of threads at once.
///
/// Plain numbers (integers of 8 to 64 whole bits and IEEE floating point of 32 or 64, of either byte
/// order) that lie in one piece or in chunks packed by shuffle and deflate are read and converted by
/// the calling thread. Everything else (other types and filters, compact storage, chunks that were
/// never written, files with a user block) is left to the library, one thread at a time. Both give the
/// same numbers.
public struct HDF5Stream: ~Copyable, Sendable {
  private enum Source: Sendable {
    /// Values in one piece from this byte on.
    case contiguous(DirectFile)
    case chunked(ChunkReader)
    case library
  }

  private let dataset: HDF5Dataset
  private let source: Source

  /// Takes a dataset over.
  ///
  /// - Parameters:
  ///   - dataset: Of one axis or more.
  ///   - cacheBytes: Room for unpacked chunks: enough for those that are read again in another piece.
  /// - Throws: ``HDF5Error`` where the values cannot be had or trusted: see
  ///   ``HDF5Dataset/checkReadable()``.
  public init(_ dataset: consuming HDF5Dataset, cacheBytes: Int) throws(HDF5Error) {
    try dataset.checkReadable()
    source = try Self.source(dataset, cacheBytes)
    self.dataset = dataset
  }

  /// Whether threads read at once, without the library.
  package var isDirect: Bool {
    if case .library = source { false } else { true }
  }

  private static func source(
    _ dataset: borrowing HDF5Dataset, _ cacheBytes: Int
  ) throws(HDF5Error) -> Source {
    let id = dataset.id
    let place = dataset.place
    let file = try Handle("read", place) { H5Iget_file_id(id) }
    let descriptor = Library.locked(place.file) { [file = file.id] in
      CHDF5_user_block(file) == 0 ? CHDF5_descriptor(file) : -1
    }
    let type = try Handle("read the type of", place) { H5Dget_type(id) }
    guard descriptor >= 0, !dataset.shape.isEmpty, let number = PlainNumber(libraryType: type.id)
    else { return .library }
    switch dataset.description.storage {
    case .contiguous:
      let address = Library.locked(place.file) { H5Dget_offset(id) }
      guard address != CHDF5_no_address() else { return .library }
      return .contiguous(
        DirectFile(place: place, descriptor: descriptor, number: number, start: Int(address)))
    case .chunked(let chunk):
      return ChunkReader(
        place: place, descriptor: descriptor, number: number, shape: dataset.shape, chunk: chunk,
        filters: dataset.description.filters, cacheBytes: cacheBytes
      ).map { .chunked($0) } ?? .library
    default: return .library
    }
  }

  /// Reads a block, the last axis fastest.
  ///
  /// - Parameters:
  ///   - region: Where the block lies.
  ///   - buffer: Memory for as many numbers as the region has; whatever it holds is written over.
  /// - Throws: ``HDF5Error`` where the region is not in the dataset or its bytes are not in the file.
  public func read(
    _ region: HDF5Region, into buffer: UnsafeMutableBufferPointer<Double>
  ) throws(HDF5Error) {
    try dataset.checkBounds(region)
    precondition(buffer.count == region.elementCount, "one place for each element of the block")
    guard let target = buffer.baseAddress, !buffer.isEmpty else { return }
    switch source {
    case .contiguous(let file): try file.read(region, of: dataset.shape, into: target)
    case .chunked(let chunks):
      if try !chunks.read(region, of: dataset.id, into: target) {
        try dataset.read(region, into: buffer)
      }
    case .library: try dataset.read(region, into: buffer)
    }
  }

  /// The type of the numbers as they are stored; nil where only the library can convert them.
  public var storedType: HDF5NumberType? {
    switch source {
    case .contiguous(let file): file.number.type
    case .chunked(let chunks): chunks.number.type
    case .library: nil
    }
  }

  /// Reads a block of numbers of ``storedType``, the last axis fastest, in the byte order of this machine.
  ///
  /// - Parameters:
  ///   - region: Where the block lies.
  ///   - bytes: Memory for as many numbers as the region has, aligned as they need.
  ///   - reader: Who reads: `.thisThread` for one of several threads that may want the same chunks; `.allThreads`
  ///     for one that has them unpacked by all, each once and for this block only.
  /// - Throws: ``HDF5Error`` where the region is not in the dataset or its bytes are not in the file.
  /// - Precondition: ``storedType`` is not nil.
  public func readStored(
    _ region: HDF5Region, into bytes: UnsafeMutableRawBufferPointer, by reader: Readers
  ) throws(HDF5Error) {
    try dataset.checkBounds(region)
    guard let target = bytes.baseAddress, !bytes.isEmpty else { return }
    let number: PlainNumber
    switch source {
    case .contiguous(let file):
      number = file.number
      try file.readStored(region, of: dataset.shape, into: target)
    case .chunked(let chunks):
      number = chunks.number
      if try !chunks.readStored(region, of: dataset.id, into: target, by: reader) {
        // The library gives them in the order of this machine.
        return try dataset.readChecked(region, as: number.type, into: target)
      }
    case .library: preconditionFailure("numbers that are not plain")
    }
    precondition(bytes.count == region.elementCount * number.byteCount, "a place for each number")
    number.order(target, count: region.elementCount)
  }

  /// On how many threads a block is read.
  public enum Readers: Sendable {
    case thisThread
    case allThreads
  }
}

/// Values in one piece of a file.
struct DirectFile: Sendable {
  let place: Place
  let descriptor: Int32
  let number: PlainNumber
  /// Byte of the first value.
  let start: Int

  /// Bytes that are read at once: they are converted while the processor still holds them.
  private static let pieceBytes = 256 << 10

  func read(
    _ region: HDF5Region, of shape: [Int], into target: UnsafeMutablePointer<Double>
  ) throws(HDF5Error) {
    try forEachRun(region, of: shape) { first, written, count throws(HDF5Error) in
      try read(first, into: target + written, count: count)
    }
  }

  /// Reads numbers as they are stored.
  func readStored(
    _ region: HDF5Region, of shape: [Int], into target: UnsafeMutableRawPointer
  ) throws(HDF5Error) {
    let width = number.byteCount
    try forEachRun(region, of: shape) { first, written, count throws(HDF5Error) in
      let bytes = UnsafeMutableRawBufferPointer(
        start: target + written * width, count: count * width)
      try Self.read(descriptor, at: start + first * width, into: bytes, place)
    }
  }

  /// Hands over what lies in one run in the file and in the region: its first element there, and here, and how
  /// many.
  private func forEachRun(
    _ region: HDF5Region, of shape: [Int], _ body: (Int, Int, Int) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    // Axes behind this one are read whole, so that what lies along it is one run of the file.
    let axis = shape.indices.last { $0 == 0 || region.count[$0] != shape[$0] } ?? 0
    let stride = shape[(axis + 1)...].reduce(1, *)
    let run = region.count[axis] * stride
    var failure: HDF5Error?
    var written = 0
    IndexBlock((0..<axis).map { region.offset[$0]...(region.offset[$0] + region.count[$0] - 1) })
      .forEach { index in
        if failure != nil { return }
        var element = 0
        for outer in 0..<axis { element = element * shape[outer] + index[outer] }
        element = (element * shape[axis] + region.offset[axis]) * stride
        do throws(HDF5Error) { try body(element, written, run) } catch { failure = error }
        written += run
      }
    if let failure { throw failure }
  }

  private func read(
    _ first: Int, into target: UnsafeMutablePointer<Double>, count: Int
  ) throws(HDF5Error) {
    let width = number.byteCount
    if number.isDouble {
      let bytes = UnsafeMutableRawBufferPointer(start: target, count: count * width)
      return try Self.read(descriptor, at: start + first * width, into: bytes, place)
    }
    let piece = min(count, Self.pieceBytes / width)
    try withUnsafeTemporaryAllocation(byteCount: piece * width, alignment: 64) {
      buffer throws(HDF5Error) in
      var done = 0
      while done < count, let base = buffer.baseAddress {
        let next = min(piece, count - done)
        try Self.read(
          descriptor, at: start + (first + done) * width,
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(next * width)]), place)
        number.convert(base, to: target + done, count: next)
        done += next
      }
    }
  }

  /// Fills `bytes` from a byte of the file on.
  ///
  /// - Throws: ``HDF5Error`` where the file ends before or the system cannot read it.
  static func read(
    _ descriptor: Int32, at offset: Int, into bytes: UnsafeMutableRawBufferPointer, _ place: Place
  ) throws(HDF5Error) {
    var done = 0
    while done < bytes.count {
      let count = pread(
        descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        throw MachineTrouble.ofReading(code).error("read", place)
      }
      if count == 0 {
        throw place.error(
          .damaged, "read", "the file ends before its values do: it is cut short or damaged")
      }
      done += count
    }
  }
}
