// Files that a reader never sees half-written: written beside, made durable, then renamed into place.
internal import Digest
internal import Dispatch
internal import Synchronization

/// A file that was written whole.
public struct PublishedFile: Sendable, Hashable, Codable {
  public var path: String
  /// SHA-256 of its bytes, hexadecimal.
  public var digest: String
  public var byteCount: Int

  /// Writes bytes to `path`, replacing what was there in one step.
  ///
  /// - Throws: ``StageFailure`` of category `machine`; what was at `path` is then untouched.
  public static func write(_ bytes: [UInt8], to path: String) throws -> PublishedFile {
    try write([(path, bytes)])[0]
  }

  /// Writes files of one folder, each replacing what was there in one step; one that holds these bytes
  /// already stays as it is.
  ///
  /// - Parameter contents: Path and bytes of each.
  /// - Throws: ``StageFailure`` of category `machine`; what was at a path is then untouched or replaced,
  ///   never anything else.
  @discardableResult
  public static func write(
    _ contents: [(path: String, bytes: [UInt8])]
  ) throws -> [PublishedFile] {
    var written: [(temporary: String, path: String)] = []
    // What has been moved to its place is no longer there; what is left belongs to a failure.
    defer { for file in written { try? FileSystem.remove(file.temporary) } }
    for (path, bytes) in contents {
      if let present = try? FileSystem.readAll(path), present == bytes { continue }
      let temporary = temporaryPath(for: path)
      written.append((temporary, path))
      do throws(SystemError) {
        try FileSystem.write(bytes, toNew: temporary, durably: true)
      } catch {
        throw failure(error, writing: path)
      }
    }
    for (temporary, path) in written {
      do throws(SystemError) {
        try FileSystem.rename(temporary, to: path)
      } catch {
        throw failure(error, writing: path)
      }
    }
    for folder in Set(written.map { FileSystem.parent(of: $0.path) }).sorted() {
      do throws(SystemError) { try FileSystem.synchronize(folder) } catch {
        throw failure(error, writing: folder)
      }
    }
    return contents.map { path, bytes in
      PublishedFile(path: path, digest: SHA256Digest(of: bytes).hex, byteCount: bytes.count)
    }
  }

  private static func temporaryPath(for path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? "file"
    return "\(FileSystem.parent(of: path))/.\(name).\(TemporaryName.make())"
  }

  /// Lets `body` write a file at a temporary path beside `path`, then publishes it there.
  ///
  /// - Throws: what `body` throws, or ``StageFailure`` of category `machine`; what was at `path` is
  ///   then untouched.
  public static func make(
    _ path: String, _ body: (_ temporary: String) throws -> Void
  ) throws -> PublishedFile {
    let temporary = temporaryPath(for: path)
    do {
      try body(temporary)
      return try publish(temporary, as: path)
    } catch {
      // The failure at hand is the one to report; a temporary that stays does no harm.
      try? FileSystem.remove(temporary)
      throw error
    }
  }

  /// Learns before any work is done whether a file can be written in a folder.
  ///
  /// - Throws: ``StageFailure`` of category `machine`.
  public static func checkWritable(_ folder: String) throws(StageFailure) {
    let probe = "\(folder)/.probe.\(TemporaryName.make())"
    do throws(SystemError) {
      try FileSystem.write([0], toNew: probe, durably: false)
      try FileSystem.remove(probe)
    } catch {
      throw failure(error, writing: folder)
    }
  }

  /// Removes what killed processes left half-written in a folder; the files of one that is still at
  /// work stay.
  public static func sweep(_ folder: String) {
    // What cannot be listed or removed is litter, no more.
    for name in (try? FileSystem.names(in: folder)) ?? [] where name.hasPrefix(".") {
      guard let suffix = name.split(separator: ".").last, TemporaryName.isTemporary(suffix),
        let stamp = try? FileSystem.stamp(of: folder + "/" + name),
        TemporaryName.isLeftOver(suffix, stamp)
      else { continue }
      try? FileSystem.remove(folder + "/" + name)
    }
  }

  private static func publish(_ temporary: String, as path: String) throws -> PublishedFile {
    do throws(SystemError) {
      let content = try synchronizedContent(of: temporary)
      try FileSystem.rename(temporary, to: path)
      try FileSystem.synchronize(FileSystem.parent(of: path))
      return PublishedFile(path: path, digest: content.digest.hex, byteCount: content.byteCount)
    } catch {
      throw failure(error, writing: path)
    }
  }

  /// The digest is formed while the disk works.
  private static func synchronizedContent(
    of path: String
  ) throws(SystemError) -> (digest: SHA256Digest, byteCount: Int) {
    let disk = Mutex<Result<Void, SystemError>?>(nil)
    let content = Mutex<Result<(digest: SHA256Digest, byteCount: Int), SystemError>?>(nil)
    DispatchQueue.concurrentPerform(iterations: 2) { part in
      if part == 0 {
        let result = Result { () throws(SystemError) in try FileSystem.synchronize(path) }
        disk.withLock { $0 = result }
      } else {
        let result = Result { () throws(SystemError) in try FileDigests.read(path) }
        content.withLock { $0 = result }
      }
    }
    try disk.withLock { $0 }?.get()
    guard let content = content.withLock({ $0 }) else {
      preconditionFailure("both parts are done")
    }
    return try content.get()
  }

  /// Makes a folder and those above it; nothing where it is there already.
  ///
  /// - Throws: ``StageFailure`` of category `machine`.
  public static func makeFolder(_ path: String) throws(StageFailure) {
    do throws(SystemError) {
      try FileSystem.makeFolder(path)
    } catch {
      throw failure(error, writing: path)
    }
  }

  static func failure(_ error: SystemError, writing path: String) -> StageFailure {
    StageFailure(
      .machine, "\(path): cannot be written: \(error)",
      remedy: "check the space and the permissions there, or choose another folder")
  }
}
