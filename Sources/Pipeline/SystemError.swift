// What the system says of a call that failed, and of a file as it is.
internal import Glibc

/// A system call that failed: what was tried on which path, and the system's own words.
struct SystemError: Error, Hashable, CustomStringConvertible {
  /// A verb with its preposition, such as "write" or "rename to".
  let operation: String
  let path: String
  /// The value of `errno`.
  let code: Int32

  var reason: String {
    if code == FileSystem.changedWhileRead { return "it is being written to" }
    if code == FileSystem.noRegularFile { return "it is no regular file" }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else {
        return "error \(code)"
      }
      return String(cString: base)
    }
  }

  var description: String { "cannot \(operation) \(path): \(reason)" }
  /// ESTALE: another machine replaced or removed it on a network file system.
  var isMissingFile: Bool { code == ENOENT || code == ENOTDIR || code == ESTALE }
  var isExistingFile: Bool { code == EEXIST }
  var isCancelled: Bool { code == ECANCELED }
  /// Whether the medium cannot give back what was written.
  var isLostData: Bool { code == EIO || code == EBADMSG || code == EUCLEAN }
}

/// What the file system says of a file; unequal stamps mean that it may have changed.
struct FileStamp: Hashable, Codable, Sendable {
  var device: UInt64
  var inode: UInt64
  var size: Int
  /// Nanoseconds since 1970.
  var modified: Int
  /// Nanoseconds since 1970; moves with every write, even when `modified` is set back.
  var changed: Int
}
