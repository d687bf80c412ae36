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

  /// - Throws: ``StageFailure`` of category `inputRefused` where one of these inputs is not what it
  ///   was when the run began. A file that was only touched is read again and found the same.
  func confirm(_ names: Set<String>) throws(StageFailure) {
    for name in names.sorted() {
      let changed = files.withLock { files -> String? in
        guard let file = files[name] else { return nil }
        do {
          guard let confirmed = try digests.confirm(file) else { return file.path }
          files[name] = confirmed
          return nil
        } catch {
          return "\(file.path) (\(error))"
        }
      }
      if let changed {
        throw StageFailure(
          .inputRefused, "input '\(name)' changed while it was read: \(changed)",
          remedy: "run again once the file is complete")
      }
    }
  }
}
