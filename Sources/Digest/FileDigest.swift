// The digest of a file, read once from beginning to end in large blocks.
internal import Glibc

/// Why a file has no digest: what was tried on which path, and the system's own words.
public struct FileDigestError: Error, Sendable, Hashable {
  /// "open" or "read".
  public let operation: String
  public let path: String
  /// The value of `errno`.
  public let code: Int32

  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// The text of `errno`, such as "No such file or directory".
  public var reason: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
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
  /// How much is read at once: large enough that the calls cost nothing beside the hashing.
  static let blockSize = 4 << 20

  /// The digest of a file's bytes, as `sha256sum` forms it, and their number.
  ///
  /// - Parameter isCancelled: Asked after each block of a few megabytes.
  /// - Throws: ``FileDigestError`` where the file cannot be opened or read (a folder cannot); with ECANCELED where it was
  ///   cancelled.
  public static func ofFile(
    at path: String, isCancelled: () -> Bool = { false }
  ) throws(FileDigestError) -> (digest: SHA256Digest, byteCount: Int) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileDigestError(operation: "open", path: path, code: errno) }
    defer { close(descriptor) }
    var hasher = SHA256Hasher()
    var total = 0
    // Not cleared: only bytes that were read are looked at.
    var block = [UInt8](unsafeUninitializedCapacity: blockSize) { $1 = blockSize }
    while true {
      let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileDigestError(operation: "read", path: path, code: errno)
      }
      if count == 0 { return (hasher.finalize(), total) }
      hasher.update(block.span.extracting(first: count).bytes)
      total += count
      if isCancelled() { throw FileDigestError(operation: "read", path: path, code: ECANCELED) }
    }
  }
}
