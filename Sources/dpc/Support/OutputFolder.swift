// The output folder: only what dpc made is replaced, and nothing in it is ever half-written.
import Foundation
import Pipeline
import Provenance

/// A folder that holds result.h5, figures/, logs/ of programs, and provenance/.
struct OutputFolder {
  let path: String

  /// - Parameter path: As given; slashes at its end say nothing.
  init(path: String) {
    let end = path.lastIndex { $0 != "/" }
    self.path = end.map { String(path[...$0]) } ?? path
  }

  private static let stateFile = "outputs.json"
  var provenance: String { path + "/provenance" }
  var statePath: String { "\(provenance)/\(Self.stateFile)" }

  /// The folder of a pipeline's name. A manifest from elsewhere must not choose where to write: its name is a
  /// folder's name at most.
  static func defaultPath(_ name: String) throws(CommandFailure) -> String {
    if name.isEmpty || name.hasPrefix(".") || name.contains("/") {
      throw CommandFailure(
        .usage, "the pipeline's name '\(name)' does not serve as a folder's",
        remedy: "name the output folder with --output")
    }
    return name
  }

  /// The folder of one of many runs.
  func folder(of key: String) -> OutputFolder { OutputFolder(path: "\(path)/\(key)") }

  /// Refuses a folder with someone else's files.
  func checkOwner() throws(CommandFailure) {
    if Self.exists(statePath) { return }
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if manager.fileExists(atPath: path, isDirectory: &isFolder) {
      if !isFolder.boolValue {
        throw CommandFailure(
          .usage, "\(path): a file, not a folder", remedy: "name another --output")
      }
      if !isOurs() {
        throw CommandFailure(
          .usage, "\(path): not empty, and not made by dpc",
          remedy: "name an empty or a new folder with --output")
      }
    }
  }

  /// Refuses a folder with someone else's files, makes one that is not there, and begins the log of a run in it.
  ///
  /// - Parameters:
  ///   - units: What the run consists of, to tell how far an earlier one had come that was cut off; nil: it is
  ///     not told.
  ///   - findsEverything: Whether the run will take all from the cache; asked where the folder cannot be written
  ///     to. A complete one may then do, as in an archive that nobody is to change.
  /// - Returns: Where the log stands until the run is filed.
  func begin(
    telling units: String?, findsEverything: () -> Bool = { false }
  ) throws(CommandFailure) -> EventLogFile {
    try checkOwner()
    let missing = missingFolders()
    do {
      try prepare()
      if let run = EventLogFile.takeCutOff(in: provenance), let units {
        Terminal.printError(words(on: run, units))
      }
      if units != nil && EventLogFile.isAnyAtWork(in: provenance) {
        Terminal.printError(
          "another run is at work on \(path): of the two the later one to end leaves its files here;"
            + " name another folder with --output to keep both")
      }
      let logFile = EventLogFile(in: provenance)
      do throws(StageFailure) { try logFile.checkWritable() } catch {
        if readState()?.record == nil || !findsEverything() { throw error }
      }
      return logFile
    } catch let failure as StageFailure {
      Self.removeEmpty(missing)
      throw CommandFailure(failure)
    } catch {
      throw CommandFailure(.machine, "\(path): \(error.localizedDescription)")
    }
  }

  private func words(on run: CutOffRun, _ units: String) -> String {
    var text =
      "the run begun here at \(run.started) was cut off: \(run.finishedCount) of"
      + " \(run.stageCount) \(units) finished"
    if !run.atWork.isEmpty {
      text += ", at work on \(KeyList.text(run.atWork, of: run.stageCount))"
    }
    return text + "; its log is \(provenance)/\(EventLogFile.cutOffFile)"
  }

  private func prepare() throws {
    try PublishedFile.makeFolder(provenance)
    for folder in [
      path, "\(path)/figures", "\(path)/logs", provenance, "\(provenance)/failed-run",
    ] {
      PublishedFile.sweep(folder)
    }
    // From here on the folder is ours, however the run may end.
    if !Self.exists(statePath) { try PublishedFile.mark(statePath) }
  }

  // MARK: Folders of runs that are no more

  /// Folders of earlier runs below this one that belong to none of these, by their keys. A key has two parts
  /// at most: that of the acquisition, and that of the point of a matrix.
  func leftovers(besides keys: [String]) -> [String] {
    let known = Set(keys)
    var found: [String] = []
    for name in Self.names(in: path) where name != "provenance" && name != "figures" {
      if !known.contains(name), Self.holdsRun("\(path)/\(name)") { found.append(name) }
      for inner in Self.names(in: "\(path)/\(name)") where inner != "provenance" {
        let key = "\(name)/\(inner)"
        if !known.contains(key), Self.holdsRun("\(path)/\(key)") { found.append(key) }
      }
    }
    return found
  }

  /// The names in a folder, in order; none where there is no such folder, or no leave to look.
  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  private static func holdsRun(_ folder: String) -> Bool {
    RunArchive.exists(in: folder + "/provenance")
      || FileManager.default.fileExists(atPath: "\(folder)/provenance/\(stateFile)")
  }

  /// Refuses a folder whose result is this file: it would be replaced by what is compared with it.
  func refuse(replacing file: String) throws(CommandFailure) {
    let (own, other) = ("\(path)/result.h5", file)
    let places = [own, other].map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
    if places[0] == places[1] {
      throw CommandFailure(
        .usage, "\(path): holds the result that is to be made again",
        remedy: "name another folder with --output")
    }
  }

  /// Whether the folder is empty or the work of an earlier run, which may have died at any moment.
  private func isOurs() -> Bool {
    if Self.exists(statePath) || RunArchive.exists(in: provenance) { return true }
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: path)) ?? []
    // A run that died before its first record leaves temporaries in provenance/ at most.
    let records = (try? manager.contentsOfDirectory(atPath: provenance)) ?? []
    return names.allSatisfy { $0 == "provenance" } && records.allSatisfy { $0.hasPrefix(".") }
  }

  /// What a run has to make before it can begin, the innermost first.
  private func missingFolders() -> [String] {
    var missing: [String] = []
    var folder = provenance
    while !folder.isEmpty && !Self.exists(folder) {
      missing.append(folder)
      folder = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? ""
    }
    return missing
  }

  /// Leaves no empty shell where a run could not begin, and what was there before it as it was.
  ///
  /// - Parameter folders: Those that were made for it, the innermost first.
  private static func removeEmpty(_ folders: [String]) {
    // The system removes none that holds anything.
    for folder in folders { rmdir(folder) }
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }
}
