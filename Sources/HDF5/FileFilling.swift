// A file that the library has closed is filled with the numbers that it lacks, and shown from its first byte to
// its last while the processor still holds them: nobody reads it again to digest it.
internal import CUnistd
internal import Glibc
internal import Synchronization
internal import WorkSharing

/// Sees the bytes of a file in their order, piece after piece; called by one thread at a time.
public typealias FileObserver = @Sendable (UnsafeRawBufferPointer) -> Void

/// Fills a file block by block: while one is formed, the one before it is written and shown.
struct FileFilling {
  let place: Place
  let datasets: [UnfilledDataset]
  let observer: FileObserver?

  /// Bytes that one thread forms at a time; a multiple of every number's.
  private static let pieceLength = 1 << 17
  /// Bytes of a block: enough that threads seldom wait for each other, few enough that both blocks stay in the
  /// second cache.
  private static let blockLength = 1 << 20

  /// After so many blocks the disk is set to work: small files are spared the call, and of large ones little is left
  /// to wait for at the end.
  private static let hintBlocks = 8

  /// - Throws: ``HDF5Error`` where the file cannot be read or written to the end.
  func run() throws(HDF5Error) {
    if datasets.isEmpty && observer == nil { return }
    let descriptor = open(place.file, O_RDWR | O_CLOEXEC)
    if descriptor < 0 { throw Self.failure("write", place) }
    do throws(HDF5Error) {
      let end = lseek(descriptor, 0, SEEK_END)
      if end < 0 { throw Self.failure("write", place) }
      try fill(blocks(until: Int(end)), descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    // Some file systems say only now that something could not be written.
    if close(descriptor) != 0 && errno != EINTR { throw Self.failure("write", place) }
  }

  private func fill(_ blocks: [FileBlock], _ descriptor: Int32) throws(HDF5Error) {
    let place = place
    let memory = BlockMemory(byteCount: blocks.map(\.byteCount).max() ?? 0)
    defer { memory.deallocate() }
    let failure = Mutex<HDF5Error?>(nil)
    for index in 0...blocks.count {
      let written = index > 0 ? blocks[index - 1].pieces : []
      let formed = index < blocks.count ? blocks[index].pieces : []
      let tasks = written.isEmpty ? 0 : 2
      shareWork(tasks + formed.count) { [observer] task in
        do throws(HDF5Error) {
          switch task - tasks {
          case -2:
            for piece in written { observer?(UnsafeRawBufferPointer(memory[index - 1, piece])) }
          case -1:
            for piece in written where piece.dataset != nil {
              try Self.write(memory[index - 1, piece], of: piece, descriptor, place)
            }
            if index % Self.hintBlocks == 0, let last = written.last {
              Self.hint(until: last.bytes.upperBound, descriptor)
            }
          case let number:
            try Self.form(formed[number], memory[index, formed[number]], descriptor, place)
          }
        } catch { failure.withLock { $0 = error } }
      }
      if let error = failure.withLock({ $0 }) { throw error }
    }
  }

  /// The file from its first byte to its last: what the library wrote, and what it left to be formed.
  private func blocks(until end: Int) -> [FileBlock] {
    var blocks = [FileBlock()]
    func add(_ bytes: Range<Int>, _ dataset: UnfilledDataset?) {
      for start in stride(from: bytes.lowerBound, to: bytes.upperBound, by: Self.pieceLength) {
        let end = min(start + Self.pieceLength, bytes.upperBound)
        if blocks[blocks.count - 1].byteCount + (end - start) > Self.blockLength {
          blocks.append(FileBlock())
        }
        blocks[blocks.count - 1].add(start..<end, dataset)
      }
    }
    var done = 0
    for dataset in datasets {
      add(done..<dataset.bytes.lowerBound, nil)
      add(dataset.bytes, dataset)
      done = dataset.bytes.upperBound
    }
    add(done..<max(done, end), nil)
    return blocks
  }

  private static func form(
    _ piece: FilePiece, _ target: UnsafeMutableRawBufferPointer, _ descriptor: Int32, _ place: Place
  ) throws(HDF5Error) {
    guard let dataset = piece.dataset else {
      return try DirectFile.read(descriptor, at: piece.bytes.lowerBound, into: target, place)
    }
    let first = dataset.bytes.lowerBound
    dataset.form((piece.bytes.lowerBound - first)..<(piece.bytes.upperBound - first), target)
  }

  private static func write(
    _ bytes: UnsafeMutableRawBufferPointer, of piece: FilePiece, _ descriptor: Int32, _ place: Place
  ) throws(HDF5Error) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done,
        off_t(piece.bytes.lowerBound + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("write", place)
      }
      done += count
    }
  }

  /// Has the system begin to write the last blocks up to a byte of the file. It may refuse; nothing but time is lost.
  private static func hint(until end: Int, _ descriptor: Int32) {
    let start = max(0, end - hintBlocks * blockLength)
    _ = sync_file_range(
      descriptor, off_t(start), off_t(end - start), UInt32(SYNC_FILE_RANGE_WRITE))
  }

  static func failure(_ operation: String, _ place: Place) -> HDF5Error {
    let code = errno
    let isFull = code == ENOSPC || code == EDQUOT
    return place.error(
      isFull ? .diskFull : .library, operation,
      code == ENOSPC ? "no space left on the device" : String(cString: strerror(code)))
  }
}

/// Bytes of a file that are formed by one thread.
private struct FilePiece: Sendable {
  let bytes: Range<Int>
  /// To which they belong; nil where the library has written them.
  let dataset: UnfilledDataset?
  /// Where they stand in the memory of their block.
  let start: Int
}

/// Pieces that follow each other in the file. In memory each begins where every number may stand.
private struct FileBlock {
  private(set) var pieces: [FilePiece] = []
  /// Memory that they take.
  private(set) var byteCount = 0

  mutating func add(_ bytes: Range<Int>, _ dataset: UnfilledDataset?) {
    pieces.append(FilePiece(bytes: bytes, dataset: dataset, start: byteCount))
    byteCount += (bytes.count + 63) & ~63
  }
}

/// Room for two blocks: the one that is formed, and the one that is written.
private struct BlockMemory: @unchecked Sendable {
  // Not a race: pieces are disjoint, and a block is written and shown after all of it was formed.
  private let memory: UnsafeMutableRawBufferPointer
  private let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    memory = .allocate(byteCount: 2 * byteCount, alignment: 64)
  }

  func deallocate() { memory.deallocate() }

  subscript(block: Int, piece: FilePiece) -> UnsafeMutableRawBufferPointer {
    let start = block % 2 * byteCount + piece.start
    return UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + piece.bytes.count)])
  }
}
