// Sees to it that nothing is published that was computed from a file which changed meanwhile.
internal import Synchronization

/// The input files of a run as they were digested when it began.
final class InputWatch: Sendable {
  private let files: Mutex<[String: DigestedFile]>
  private let digests: FileDigests

  init(_ lookup: StageLookup) {
    var files: [String: DigestedFile] = [:]
    for (name, state) in lookup.inputs { if case .file(let file) = state { files[name] = file } }
    self.files = Mutex(files)
    digests = lookup.cache.digests
  }

  /// The stamps of these inputs, whose content is what it was when the run began. A file that was
  /// only touched is read again and found the same. Two equal answers mean that nothing was written
  /// between: a file that was changed and changed back has another stamp.
  ///
  /// - Throws: ``StageFailure`` of category `inputRefused` where the content is another, and what reading a file
  ///   fails with where that is not known.
  func confirm(_ names: Set<String>) throws(StageFailure) -> [String: FileStamp] {
    var stamps: [String: FileStamp] = [:]
    for name in names.sorted() { stamps[name] = try confirm(name) }
    return stamps
  }

  /// nil for an input that is no file.
  private func confirm(_ name: String) throws(StageFailure) -> FileStamp? {
    try files.withLock { files throws(StageFailure) in
      guard let file = files[name] else { return nil }
      do throws(SystemError) {
        if let confirmed = try digests.confirm(file) {
          files[name] = confirmed
          return confirmed.stamp
        }
      } catch {
        // One that is gone or being written to is another; of one that cannot be read nobody knows.
        if error.isMissingFile || error.code == FileSystem.changedWhileRead {
          throw Self.changed(name, "\(file.path) (\(error))")
        }
        throw StageFailure(input: name, error)
      }
      throw Self.changed(name, file.path)
    }
  }

  private static func changed(_ name: String, _ file: String) -> StageFailure {
    StageFailure(
      .inputRefused, "input '\(name)' changed while it was read: \(file)",
      remedy: "run again once the file is complete")
  }

  /// What to say of an input that never stood still.
  func unstable(_ name: String) -> StageFailure {
    let path = files.withLock { $0[name]?.path } ?? name
    return StageFailure(
      .inputRefused, "input '\(name)' was touched each time that it was read: \(path)",
      remedy: "run again once nothing works on the file any more")
  }
}
