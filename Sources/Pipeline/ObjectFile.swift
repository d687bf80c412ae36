// A new object on its way to the disk: its bytes are digested while they are written.
internal import Digest
internal import Glibc
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
  }

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
    return digesting.finish()
  }
}
