// Digests of files, remembered: an unchanged file costs one stat, not a reading.
internal import Digest

/// A file as it was when it was digested.
struct DigestedFile: Sendable, Hashable {
  var path: String
  var digest: SHA256Digest
  var stamp: FileStamp
  /// The file was so young that a later write might leave its stamp as it is.
  var isYoung: Bool
}

/// Digests of files by path, with a memo of (device, inode, size, times) -> digest.
///
/// ```
/// CACHE/v1/memo/DEVICE-INODE   stamp and digest of the file with these numbers, hexadecimal
/// ```
/// A digest is remembered only when the file was last touched more than its settling time before it
/// was read: within one tick of the file system's clock a second write leaves the same stamp, and
/// such clocks tick every few milliseconds at best and once in two seconds at worst. The memo saves
/// time and decides nothing: a memo that cannot be read or written costs a reading of the file.
struct FileDigests: Sendable {
  /// Nanoseconds: the coarsest tick in use (FAT, 2 s).
  private static let coarseSettlingTime = 2_000_000_000
  /// Nanoseconds: several ticks of a kernel that stamps files at its timer's rate (at most 10 ms).
  private static let fineSettlingTime = 40_000_000
  /// A file that changes this often while it is read is being written.
  private static let attempts = 3

  /// Where the memo is kept.
  let folder: String

  init(folder: String) { self.folder = folder }

  /// What stands in a memo file.
  private struct Entry: Codable {
    var stamp: FileStamp
    var digest: SHA256Digest
  }

  /// The digest of the file at `path`.
  ///
  /// - Parameter early: What may begin while the file is read, under the name of the input; not with a young file, whose
  ///   stamp says nothing.
  /// - Throws: ``SystemError``, with EAGAIN where the file changed while it was read.
  func digest(
    of path: String, early: (work: EarlyWork, name: String)? = nil
  ) throws(SystemError) -> DigestedFile {
    for _ in 0..<Self.attempts {
      let start = Clock.now()
      let stamp = try FileSystem.stamp(of: path)
      let isYoung = Self.isYoung(stamp, at: start)
      if !isYoung, let digest = remembered(stamp) {
        return DigestedFile(path: path, digest: digest, stamp: stamp, isYoung: false)
      }
      func read(_ hasPassed: (Int) -> Void) throws(SystemError) -> SHA256Digest {
        try Self.read(path) { byteCount in
          hasPassed(byteCount)
          return !(early?.work.isCancelled ?? false)
        }.digest
      }
      let digest =
        if let early, !isYoung {
          try early.work.during(digestOf: early.name, path: path, stamp: stamp, read)
        } else {
          try read { _ in }
        }
      if try FileSystem.stamp(of: path) == stamp {
        if !isYoung { remember(Entry(stamp: stamp, digest: digest)) }
        return DigestedFile(path: path, digest: digest, stamp: stamp, isYoung: isYoung)
      }
    }
    throw SystemError(operation: "read", path: path, code: FileSystem.changedWhileRead)
  }

  /// Whether the file is still what it was: by its stamp, by its bytes where the stamp says nothing.
  ///
  /// - Returns: The file with its present stamp, or nil when its content is another.
  func confirm(_ file: DigestedFile) throws(SystemError) -> DigestedFile? {
    if try FileSystem.stamp(of: file.path) == file.stamp && !file.isYoung { return file }
    let present = try digest(of: file.path)
    return present.digest == file.digest ? present : nil
  }

  /// A stamp from the future is young too: it belongs to a clock that is not ours.
  private static func isYoung(_ stamp: FileStamp, at time: Int) -> Bool {
    let touched = max(stamp.modified, stamp.changed)
    // A time that is no multiple of 10 ms was not stamped by a coarse clock.
    let settlingTime =
      touched % 10_000_000 == 0 ? coarseSettlingTime : fineSettlingTime
    return time - touched < settlingTime
  }

  static func read(
    _ path: String, goesOn: (_ byteCount: Int) -> Bool = { _ in true }
  ) throws(SystemError) -> (digest: SHA256Digest, byteCount: Int) {
    do {
      return try SHA256Digest.ofFile(at: path, goesOn: goesOn)
    } catch {
      throw SystemError(operation: error.operation, path: path, code: error.code)
    }
  }

  private func memoPath(_ stamp: FileStamp) -> String {
    folder + "/" + String(stamp.device, radix: 16) + "-" + String(stamp.inode, radix: 16)
  }

  /// The path of every memo, in order.
  func memoPaths() throws(SystemError) -> [String] {
    try FileSystem.names(in: folder).map { folder + "/" + $0 }
  }

  static func isSoundMemo(_ bytes: [UInt8]) -> Bool {
    (try? CacheJSON.unseal(Entry.self, from: bytes)) != nil
  }

  /// Forgets a file that is about to go.
  func forget(_ stamp: FileStamp) { try? FileSystem.remove(memoPath(stamp)) }

  private func remembered(_ stamp: FileStamp) -> SHA256Digest? {
    guard let bytes = try? FileSystem.readAll(memoPath(stamp)),
      let entry = try? CacheJSON.unseal(Entry.self, from: bytes), entry.stamp == stamp
    else { return nil }
    return entry.digest
  }

  private func remember(_ entry: Entry) {
    // A memo that cannot be kept is no loss: the file is read again.
    guard let bytes = try? CacheJSON.seal(entry) else { return }
    let temporaries = FileSystem.parent(of: folder) + "/tmp"
    let temporary = temporaries + "/" + TemporaryName.make()
    do {
      try FileSystem.makeSharedFolder(folder)
      try FileSystem.makeSharedFolder(temporaries)
      try FileSystem.write(bytes, toNew: temporary)
      FileSystem.shareWithGroup(temporary, in: temporaries)
      try FileSystem.rename(temporary, to: memoPath(entry.stamp))
    } catch { try? FileSystem.remove(temporary) }
  }
}
