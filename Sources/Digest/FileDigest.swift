// The digest of a file, read once from beginning to end in large blocks.
internal import Dispatch
internal import Glibc

/// Why a file has no digest: what was tried on which path, and the system's own words.
public struct FileDigestError: Error, Sendable, Hashable {
  /// "open" or "read".
  public let operation: String
  public let path: String
  /// The value of `errno`.
  public let code: Int32
  /// The code for a pipe or a device, which has no content: no call of the system leaves it.
  public static let noRegularFile = EMEDIUMTYPE

  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// The text of `errno`, such as "No such file or directory".
  public var reason: String {
    if code == Self.noRegularFile { return "it is no regular file" }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else {
        return "error \(code)"
      }
      return String(cString: base)
    }
  }
}

extension FileDigestError: CustomStringConvertible {
  public var description: String { "cannot \(operation) \(path): \(reason)" }
}

extension SHA256Digest {
  /// The digest of a file's bytes, as `sha256sum` forms it, and their number.
  ///
  /// - Parameter goesOn: Asked after each block of a megabyte, with the number of bytes that were digested.
  /// - Throws: ``FileDigestError`` where the file cannot be opened or read (a folder cannot); with ECANCELED where it
  ///   does not go on.
  public static func ofFile(
    at path: String, goesOn: (_ byteCount: Int) -> Bool = { _ in true }
  ) throws(FileDigestError) -> (digest: SHA256Digest, byteCount: Int) {
    // A pipe would be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw FileDigestError(operation: "open", path: path, code: errno) }
    let blocks = FileBlocks(descriptor)
    var status = stat()
    if fstat(descriptor, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) {
      throw FileDigestError(
        operation: "read", path: path, code: FileDigestError.noRegularFile)
    }
    var hasher = SHA256Hasher()
    var total = 0
    while true {
      let block = blocks.next()
      if block.code != 0 { throw FileDigestError(operation: "read", path: path, code: block.code) }
      if block.bytes.isEmpty { return (hasher.finalize(), total) }
      hasher.update(block.bytes)
      total += block.bytes.count
      if !goesOn(total) { throw FileDigestError(operation: "read", path: path, code: ECANCELED) }
    }
  }
}

/// The blocks of a file in their order. While one is looked at, another thread reads the next: a copy out of the system's
/// memory takes a sixth of a digest's time.
private final class FileBlocks: @unchecked Sendable {
  // Not a race: only one side, who asks or the queue, touches these at a time, and who asks waits for the queue.
  private var blocks: (current: UnsafeMutableRawBufferPointer, next: UnsafeMutableRawBufferPointer)
  private var count = 0
  private var code: Int32 = 0
  private var isBegun = false

  private let descriptor: Int32
  private let queue = DispatchQueue(label: "read ahead")

  /// Large enough that the calls cost nothing beside the hashing, and that both blocks stay in the second cache.
  static let blockSize = 1 << 20

  /// - Parameter descriptor: Of a file open for reading; closed at the end.
  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    blocks = (
      .allocate(byteCount: Self.blockSize, alignment: 64),
      .allocate(byteCount: Self.blockSize, alignment: 64)
    )
  }

  deinit {
    close(descriptor)
    blocks.current.deallocate()
    blocks.next.deallocate()
  }

  /// The next block, whose bytes stay until the one after it is asked for; empty at the end of the file, or with the
  /// value of `errno` where it cannot be read.
  func next() -> (bytes: UnsafeRawBufferPointer, code: Int32) {
    if isBegun { queue.sync {} } else { read() }
    blocks = (blocks.next, blocks.current)
    let bytes = UnsafeRawBufferPointer(rebasing: blocks.current[0..<count])
    let result = (bytes: bytes, code: code)
    // A block that is not full is the last one, or soon followed by it.
    isBegun = count == Self.blockSize
    if isBegun { queue.async { self.read() } }
    return result
  }

  private func read() {
    repeat {
      let result = Glibc.read(descriptor, blocks.next.baseAddress, Self.blockSize)
      (count, code) = result < 0 ? (0, errno) : (result, 0)
    } while code == EINTR
  }
}
