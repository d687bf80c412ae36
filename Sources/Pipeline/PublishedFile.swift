// Files that a reader never sees half-written: written beside, made durable, then renamed into place.
internal import Digest

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
    try make(path) { temporary in
      do throws(SystemError) {
        try FileSystem.write(bytes, toNew: temporary, durably: true)
      } catch {
        throw failure(error, writing: path)
      }
    }
  }

  /// Lets `body` write a file at a temporary path beside `path`, then publishes it there.
  ///
  /// - Throws: what `body` throws, or ``StageFailure`` of category `machine`; what was at `path` is
  ///   then untouched.
  public static func make(
    _ path: String, _ body: (_ temporary: String) throws -> Void
  ) throws -> PublishedFile {
    let name = path.split(separator: "/").last.map(String.init) ?? "file"
    let folder = FileSystem.parent(of: path)
    let temporary = "\(folder)/.\(name).\(TemporaryName.make())"
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
    do {
      let content = try SHA256Digest.ofFile(at: temporary)
      try FileSystem.synchronize(temporary)
      try FileSystem.rename(temporary, to: path)
      try FileSystem.synchronize(FileSystem.parent(of: path))
      return PublishedFile(path: path, digest: content.digest.hex, byteCount: content.byteCount)
    } catch let error as SystemError {
      throw failure(error, writing: path)
    }
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

  private static func failure(_ error: SystemError, writing path: String) -> StageFailure {
    StageFailure(
      .machine, "\(path): cannot be written: \(error)",
      remedy: "check the space and the permissions there, or choose another folder")
  }
}
