// What is known of a file that was written whole, and the folders for such files.

/// A file that was written whole.
public struct PublishedFile: Sendable, Hashable, Codable {
  public var path: String
  /// SHA-256 of its bytes, hexadecimal.
  public var digest: String
  public var byteCount: Int

  /// Writes bytes to `path`, replacing what was there in one step, and waits for the disk.
  ///
  /// - Throws: ``StageFailure`` of category `machine`; what was at `path` is then untouched.
  public static func write(_ bytes: [UInt8], to path: String) throws -> PublishedFile {
    var publication = Publication()
    let file = try publication.add(bytes, at: path)
    try publication.finish()
    return file
  }

  /// Makes an empty file that says whose a folder is, unless there is a file of that name.
  ///
  /// - Throws: ``StageFailure`` of category `machine`.
  public static func mark(_ path: String) throws(StageFailure) {
    do throws(SystemError) {
      try FileSystem.write([], toNew: path)
    } catch  where error.isExistingFile {
      return
    } catch {
      throw failure(error, writing: path)
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

  /// Makes a folder and those above it; nothing where it is there already.
  ///
  /// - Throws: ``StageFailure`` of category `machine`.
  public static func makeFolder(_ path: String) throws(StageFailure) {
    if FileSystem.isFolder(path) { return }
    do throws(SystemError) {
      try FileSystem.makeFolder(path)
    } catch {
      throw failure(error, writing: path)
    }
  }

  static func failure(_ error: SystemError, writing path: String) -> StageFailure {
    StageFailure(
      .machine, "\(path): cannot be written: \(error)",
      remedy: (error.isPermission ? nil : error.machineRemedy)
        ?? "check the space and the permissions there, or choose another folder")
  }
}
