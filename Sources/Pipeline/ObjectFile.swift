// A new object on its way to the disk: its bytes are digested while they are written.
internal import Digest
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import WorkSharing

/// The file that a codec writes a value to, from beginning to end.
///
/// What is written is digested at the same time, on another thread where there is one to spare, so that nobody reads
/// the file again to learn its name.
public final class ObjectFile {
  /// Bytes that are written and digested at a time: the processor still holds what the one thread has looked at when
  /// the other comes to it.
  private static let pieceLength = 1 << 20

  let path: String
  /// -1 once it is closed.
  private var descriptor: Int32
  private let digesting: Digesting
  private var byteCount = 0

  /// - Parameters:
  ///   - path: Of a file that is not there yet.
  ///   - helper: Digests; nil: whoever writes does.
  init(at path: String, helper: BorrowedThread?) throws(SystemError) {
    descriptor = try FileSystem.openNew(path)
    self.path = path
    digesting = Digesting(helper)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds bytes to the file.
  ///
  /// - Throws: an error that tells the file and the system's words.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    // Whoever gave the memory may take it back after this.
    defer { digesting.wait() }
    var start = 0
    while start < bytes.count {
      let end = min(start + Self.pieceLength, bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      digesting.add(piece, isAlone: start == 0 && end == bytes.count)
      try FileSystem.write(piece, to: descriptor, path)
      start = end
    }
    byteCount += bytes.count
  }

  /// Adds bytes to the file.
  ///
  /// - Throws: an error that tells the file and the system's words.
  public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Closes the file.
  ///
  /// - Returns: The digest of all that was written, and its length.
  /// - Throws: ``SystemError``: some file systems say only now that something could not be written.
  func finish() throws(SystemError) -> (digest: SHA256Digest, byteCount: Int) {
    let status = close(descriptor)
    let code = errno
    descriptor = -1
    if status != 0 && code != EINTR {
      throw SystemError(operation: "write", path: path, code: code)
    }
    return (digesting.finish(), byteCount)
  }
}

/// Forms a digest of pieces in their order, behind whoever adds them.
private final class Digesting: Sendable {
  /// Digested in less time than another thread takes to begin.
  private static let smallCount = 1 << 16

  /// Bytes that stay where they are until they were digested.
  private struct Piece: @unchecked Sendable {
    // Not a race: nobody writes to them, and whoever adds them waits.
    let bytes: UnsafeRawBufferPointer
  }

  private let hasher = Mutex<SHA256Hasher?>(SHA256Hasher())
  private let helper: BorrowedThread?
  /// nil: digested by whoever adds.
  private let queue: DispatchQueue?

  init(_ helper: BorrowedThread?) {
    self.helper = helper
    queue = helper == nil ? nil : DispatchQueue(label: "digest")
  }

  /// - Parameters:
  ///   - bytes: Stay as they are until ``wait()`` returns.
  ///   - isAlone: Whether nothing was added since then, nor will be: a small piece is not worth another thread.
  func add(_ bytes: UnsafeRawBufferPointer, isAlone: Bool) {
    let piece = Piece(bytes: bytes)
    guard let queue, !isAlone || bytes.count > Self.smallCount else { return digest(piece) }
    queue.async { self.digest(piece) }
  }

  private func digest(_ piece: Piece) {
    hasher.withLock { $0?.update(piece.bytes) }
  }

  /// Returns when everything added was digested.
  func wait() { queue?.sync {} }

  func finish() -> SHA256Digest {
    wait()
    return hasher.withLock { hasher in
      guard let whole = hasher.take() else {
        preconditionFailure("a file of the cache is finished once")
      }
      return whole.finalize()
    }
  }
}
