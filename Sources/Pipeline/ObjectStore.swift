// Objects by the digest of their bytes: the content store under the action cache.
public import Digest
internal import Synchronization
internal import WorkSharing

/// Files named by the SHA-256 of their bytes.
///
/// ```
/// CACHE/v1/objects/ab/cdef...   an object, read-only; ab cdef... is its digest
/// CACHE/v1/tmp/                 objects and records being written
/// ```
/// An object appears under its name only when it is complete: written under `tmp`, then renamed.
/// Nobody waits for the disk: what a failure of the power takes is noticed, since an object is read to
/// its end unless its record says that these bytes reached the disk, or were written since the machine
/// started.
public struct ObjectStore: Sendable {
  /// What became of an object since it was published.
  enum State: Equatable, CustomStringConvertible {
    case intact
    case missing
    /// Its bytes are others than they were.
    case damaged
    case unreadable(SystemError)

    var description: String {
      switch self {
      case .intact: return "intact"
      case .missing: return "missing"
      case .damaged: return "corrupt"
      case .unreadable(let error): return "unreadable: \(error)"
      }
    }
  }

  /// Nanoseconds since 1970: 1 January 2000, when every object was last modified. Whoever writes to one leaves
  /// another time, in the same tick of the file system's clock too.
  static let modified = 946_684_800_000_000_000

  let root: String
  let digests: FileDigests

  private var temporaries: String { root + "/tmp" }

  init(root: String, digests: FileDigests) {
    self.root = root
    self.digests = digests
  }

  /// Where the object of this digest stands, whether or not it is there.
  public func path(of digest: SHA256Digest) -> String { folder(of: digest) + "/" + name(digest) }

  private func folder(of digest: SHA256Digest) -> String {
    root + "/objects/" + String(digest.hex.prefix(2))
  }

  private func name(_ digest: SHA256Digest) -> String { String(digest.hex.dropFirst(2)) }

  /// Compares an object's bytes with its name; a stat where the memo knows the file.
  func state(of digest: SHA256Digest) -> State {
    do {
      return try digests.digest(of: path(of: digest)).digest == digest ? .intact : .damaged
    } catch {
      return error.isMissingFile ? .missing : .unreadable(error)
    }
  }

  /// Compares an object's bytes with its name, all of them read whatever memo and stamps say. One with other bytes
  /// is removed: nobody is to take it on its stamp again.
  func readState(of digest: SHA256Digest) -> State {
    // One reader at a time: another would remove what has been computed again after the first.
    Self.examination.withLock { _ in examined(digest) }
  }

  private static let examination = Mutex(())

  private func examined(_ digest: SHA256Digest) -> State {
    let path = path(of: digest)
    let stamp = try? FileSystem.stamp(of: path)
    do {
      if try FileDigests.read(path).digest == digest { return .intact }
    } catch {
      if error.isMissingFile { return .missing }
      if !error.isLostData { return .unreadable(error) }
    }
    // One that cannot be removed is replaced where its stage is computed again, as one in its place may be already.
    if (try? FileSystem.stamp(of: path)) == stamp { try? FileSystem.remove(path) }
    return .damaged
  }

  /// A path for a new file on the file system of the cache.
  ///
  /// - Throws: ``SystemError`` where the cache cannot be written to.
  func temporaryPath() throws(SystemError) -> String {
    try FileSystem.makeSharedFolder(temporaries)
    return temporaries + "/" + TemporaryName.make()
  }

  /// A new file on its way to become an object.
  ///
  /// - Throws: ``SystemError`` where the cache cannot be written to.
  func newFile() throws(SystemError) -> ObjectFile {
    try ObjectFile(at: try temporaryPath(), helper: .take())
  }

  /// Learns before any work is done whether its result could be kept.
  func checkWritable() throws(SystemError) {
    let path = try temporaryPath()
    // The probe is of no use to anybody; one that cannot be removed is swept up later.
    defer { try? FileSystem.remove(path) }
    try FileSystem.write([0], toNew: path)
  }

  /// Moves a file that is complete to its place among the objects.
  ///
  /// An object that is there already is replaced: its bytes are the same unless it was damaged.
  ///
  /// - Returns: The output, and the object's stamp; without one where the object might change unnoticed.
  func publish(
    _ file: ObjectFile, kind: String
  ) throws(SystemError) -> (output: OutputRecord, stamp: FileStamp?) {
    let (digest, size) = try file.finish()
    let temporary = file.path
    try FileSystem.makeReadOnly(temporary)
    // A file system that keeps no such times has its objects read.
    try? FileSystem.setModified(temporary, to: Self.modified)
    let path = path(of: digest)
    try Self.move(temporary, to: path, in: folder(of: digest))
    let stamp = try? FileSystem.stamp(of: path)
    return (
      OutputRecord(digest: digest, byteCount: size, kind: kind),
      stamp?.modified == Self.modified ? stamp : nil
    )
  }

  /// Writes a small file so that it is there whole or not at all, failures of the power apart: its
  /// seal tells of those.
  func writeAtomically(_ bytes: [UInt8], to path: String) throws(SystemError) {
    let temporary = try temporaryPath()
    do {
      try FileSystem.write(bytes, toNew: temporary)
      FileSystem.shareWithGroup(temporary, in: temporaries)
      try Self.move(temporary, to: path, in: FileSystem.parent(of: path))
    } catch {
      // The first error is the one to tell; what is left behind is swept up later.
      try? FileSystem.remove(temporary)
      throw error
    }
  }

  private static func move(
    _ temporary: String, to path: String, in folder: String
  ) throws(SystemError) {
    if !FileSystem.isFolder(folder) { try FileSystem.makeSharedFolder(folder) }
    try FileSystem.rename(temporary, to: path)
  }

  /// Removes what killed runs left half-written.
  func sweepTemporaries() {
    // A cache that cannot be swept, a read-only one for instance, is as good as before.
    for name in (try? FileSystem.names(in: temporaries)) ?? [] {
      let path = temporaries + "/" + name
      if FileSystem.isFolder(path) {
        // A program may work in its folder for days: only the end of its process says that it is done.
        if TemporaryName.isOfDeadProcess(name) { try? FileSystem.removeFolder(path) }
      } else if let stamp = try? FileSystem.stamp(of: path),
        TemporaryName.isLeftOver(name, stamp)
      {
        try? FileSystem.remove(path)
      }
    }
  }

  /// Every object's digest, in order; names that are no digest are left out.
  func all() throws(SystemError) -> [SHA256Digest] {
    var found: [SHA256Digest] = []
    for prefix in try FileSystem.names(in: root + "/objects") {
      for name in try FileSystem.names(in: root + "/objects/" + prefix) {
        if let digest = SHA256Digest(hex: prefix + name) { found.append(digest) }
      }
    }
    return found
  }
}
