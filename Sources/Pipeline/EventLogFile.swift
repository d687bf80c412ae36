// The log of a run on the disk while it goes on, so that one that is cut off tells how far it had come.
internal import Glibc
internal import Synchronization

/// A file that grows by a line with each event of a run: `unfinished-PLACE-PROCESS-RANDOM.jsonl`.
///
/// The file is made when the first stage begins: a run that takes everything from the cache leaves no trace, and has
/// none to leave. It is removed once the log stands in the record of the run. What a run that was cut off leaves is found
/// by the next one, which calls it `cut-off.jsonl`. Nobody waits for the disk: a line that a failure of the
/// power takes is lost, a line that was told before the program died is not.
public final class EventLogFile: Sendable {
  /// What the next run calls the log of one that was cut off.
  public static let cutOffFile = "cut-off.jsonl"
  private static let prefix = "unfinished-"
  private static let suffix = ".jsonl"

  private struct State {
    /// nil before the first line and after the last.
    var descriptor: Int32?
    var isOver = false
    var failure: StageFailure?
  }

  private let folder: String
  private let path: String
  private let state = Mutex(State())

  /// A log in a folder that is there.
  ///
  /// - Parameter folder: Where the record of the run will stand.
  public init(in folder: String) {
    self.folder = folder
    path = "\(folder)/\(Self.prefix)\(TemporaryName.make())\(Self.suffix)"
  }

  /// Learns before any work is done whether a log can be made, as far as permissions say.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where no file can be made in the folder.
  public func checkWritable() throws(StageFailure) {
    do throws(SystemError) { try FileSystem.checkWritable(folder) } catch {
      throw PublishedFile.failure(error, writing: folder)
    }
  }

  deinit { _ = closeFile() }

  /// - Returns: Whether there was a file.
  private func closeFile() -> Bool {
    state.withLock { state in
      state.isOver = true
      guard let descriptor = state.descriptor else { return false }
      close(descriptor)
      state.descriptor = nil
      return true
    }
  }

  /// Why the log does not hold all that was told; the run and its record miss nothing.
  public var failure: StageFailure? { state.withLock { $0.failure } }

  /// Adds lines, breaks included, by one call where the system takes them whole.
  func append(_ lines: String) {
    state.withLock { state in
      if state.isOver || state.failure != nil { return }
      do throws(SystemError) {
        if state.descriptor == nil { state.descriptor = try FileSystem.openNew(path) }
        guard let descriptor = state.descriptor else { return }
        try FileSystem.write(Array(lines.utf8), to: descriptor, path)
      } catch {
        state.failure = PublishedFile.failure(error, writing: path)
      }
    }
  }

  /// Takes the file away: what it told stands elsewhere now.
  func remove() {
    if !closeFile() { return }
    // One that cannot be removed tells of its own end, and goes with the next run.
    try? FileSystem.remove(path)
  }

  /// Whether a run is at work whose record will stand in a folder: one that has begun a stage, as far as is known.
  public static func isAnyAtWork(in folder: String) -> Bool {
    logs(in: folder).contains { !$0.isLeftOver }
  }

  /// The logs of runs in a folder, and whether those are no more.
  private static func logs(in folder: String) -> [(path: String, isLeftOver: Bool)] {
    // What cannot be listed or asked is litter, no more.
    ((try? FileSystem.names(in: folder)) ?? []).compactMap { name in
      guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
      let path = "\(folder)/\(name)"
      guard let stamp = try? FileSystem.stamp(of: path) else { return nil }
      let own = name.dropFirst(prefix.count).dropLast(suffix.count)
      return (path, TemporaryName.isLeftOver(own, stamp))
    }
  }

  /// Finds what a run that is no more left in a folder, and gives it its lasting name.
  ///
  /// - Parameter folder: Where records of runs stand.
  /// - Returns: The last run there that was cut off; nil where none was, or it had nothing to tell.
  public static func takeCutOff(in folder: String) -> CutOffRun? {
    var found: (run: CutOffRun, path: String)?
    // What cannot be read, moved or removed is litter, no more.
    for (path, isLeftOver) in logs(in: folder) where isLeftOver {
      let bytes = (try? FileSystem.readAll(path)) ?? []
      if let run = EventLog.cutOff(in: String(decoding: bytes, as: UTF8.self)),
        found.map({ $0.run.started < run.started }) ?? true
      {
        if let earlier = found?.path { try? FileSystem.remove(earlier) }
        found = (run, path)
      } else {
        try? FileSystem.remove(path)
      }
    }
    guard let (run, path) = found else { return nil }
    try? FileSystem.rename(path, to: "\(folder)/\(cutOffFile)")
    return run
  }
}

/// How far a run had come when it was cut off.
public struct CutOffRun: Sendable, Hashable {
  public var runID: String
  /// ISO 8601, UTC.
  public var started: String
  public var stageCount: Int
  /// Of the stages, whatever their outcome.
  public var finishedCount: Int
  /// Stages that were begun and not finished, in the order in which they began.
  public var atWork: [String]
}
