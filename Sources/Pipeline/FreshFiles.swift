// Files that have to be seen to later: those too young to be remembered, those that the disk may not have yet.
internal import Digest
internal import Synchronization

/// Files as they were when they were given their names.
final class FreshFiles: Sendable {
  struct File: Sendable {
    var path: String
    var digest: SHA256Digest
    var stamp: FileStamp
  }

  private let files = Mutex<[File]>([])

  func add(_ path: String, _ digest: SHA256Digest, _ stamp: FileStamp) {
    files.withLock { $0.append(File(path: path, digest: digest, stamp: stamp)) }
  }

  /// Hands out, once, the files that meet the condition.
  func take(where condition: (File) -> Bool) -> [File] {
    files.withLock { files in
      let taken = files.filter(condition)
      files.removeAll(where: condition)
      return taken
    }
  }
}
