// The output folder: only what dpc made is replaced, and nothing in it is ever half-written.
import DPCStages
import Foundation
import Pipeline
import Provenance
import STEMData

/// A folder that holds result.h5, figures/, logs/ of programs, and provenance/.
struct OutputFolder {
  let path: String

  /// - Parameter path: As given; slashes at its end say nothing.
  init(path: String) {
    let end = path.lastIndex { $0 != "/" }
    self.path = end.map { String(path[...$0]) } ?? path
  }

  private static let stateFile = "outputs.json"
  private var provenance: String { path + "/provenance" }
  private var statePath: String { "\(provenance)/\(Self.stateFile)" }

  /// What the folder held after the last run, and how to see that it still does.
  struct Contents: Codable {
    /// Decides whether the files still are what a run would write.
    var identity: String
    var files: [PublishedFile]
    fileprivate var stamps: [String: Stamp]
    /// The record beside them; nil where it is not that of the run that left them.
    fileprivate var record: Record?
  }

  /// What decides whether the record of a run still tells how the files beside it were made.
  fileprivate struct Record: Codable {
    var identity: String
    var stamps: [String: Stamp]
  }

  fileprivate struct Stamp: Codable, Equatable {
    var size: Int
    var modified: Double
  }

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

  /// What an earlier run left, if it still is what this run would leave.
  private func unchanged(_ identity: String, _ earlier: Contents?) -> Contents? {
    guard let earlier, earlier.identity == identity, holds(earlier.stamps),
      earlier.stamps.count == earlier.files.count
    else { return nil }
    return earlier
  }

  private func holds(_ stamps: [String: Stamp]) -> Bool {
    stamps.allSatisfy { Self.stamp(of: "\(path)/\($0.key)") == $0.value }
  }

  /// The files of an earlier run, if they and its record still are what this run would leave: then nothing is to be
  /// written at all.
  ///
  /// - Parameters:
  ///   - identity: Decides about the files.
  ///   - record: Decides about the record.
  func filesIfUnchanged(_ identity: String, record: String) -> [PublishedFile]? {
    guard let earlier = unchanged(identity, readState()), let noted = earlier.record,
      noted.identity == record, holds(noted.stamps)
    else { return nil }
    return earlier.files
  }

  /// Adds result and figures to what is published, and the removal of what an earlier run left and this one
  /// does not.
  func add(
    _ assembly: ResultAssembly, versions: [String: String], to publication: inout Publication
  ) throws -> Contents {
    try replace(identity: assembly.identity(versions: versions), in: &publication) { publication in
      var files: [PublishedFile] = []
      if !assembly.quantityStages.isEmpty {
        files.append(
          try publication.make("\(path)/result.h5") { temporary, observer in
            try assembly.writeResult(
              versions: versions, to: temporary, name: "\(path)/result.h5", shownTo: observer)
          })
      }
      let figures = try assembly.figures()
      if !figures.isEmpty { try PublishedFile.makeFolder("\(path)/figures") }
      for figure in figures {
        files.append(try publication.add(figure.bytes, at: "\(path)/figures/\(figure.name)"))
      }
      let logs = try assembly.logs()
      if !logs.isEmpty { try PublishedFile.makeFolder("\(path)/logs") }
      for log in logs {
        files.append(
          try publication.add(Array(log.text.utf8), at: "\(path)/logs/\(log.stage).log"))
      }
      return files
    }
  }

  /// Has files added unless those of an earlier run are the same, and those removed which that one left and
  /// this one does not.
  ///
  /// - Parameters:
  ///   - identity: Decides whether earlier files still are what `body` would add.
  ///   - publication: What the run publishes.
  ///   - body: Adds the files.
  /// - Returns: What the folder will hold; ``conclude(_:record:to:)`` takes it down.
  func replace(
    identity: String, in publication: inout Publication,
    _ body: (inout Publication) throws -> [PublishedFile]
  ) throws -> Contents {
    let earlier = readState()
    if let unchanged = unchanged(identity, earlier) { return unchanged }
    let files = try body(&publication).map(relative)
    for old in earlier?.files ?? [] where !files.contains(where: { $0.path == old.path }) {
      publication.remove("\(path)/\(old.path)")
    }
    return Contents(
      identity: identity, files: files, stamps: stamps(of: files.map(\.path), publication))
  }

  /// Of files on their way to their places.
  private func stamps(of names: [String], _ publication: borrowing Publication) -> [String: Stamp] {
    var stamps: [String: Stamp] = [:]
    for name in names {
      stamps[name] = Self.stamp(of: publication.location(of: "\(path)/\(name)"))
    }
    return stamps
  }

  /// Takes down what the folder will hold, as the last of what a run publishes.
  ///
  /// - Parameters:
  ///   - contents: Results and figures.
  ///   - record: Decides whether the record still is that of these files, and the paths of its files; nil where it
  ///     is to be written anew by the next run.
  ///   - publication: What the run publishes.
  func conclude(
    _ contents: Contents, record: (identity: String, paths: [String])?,
    to publication: inout Publication
  ) throws {
    var contents = contents
    contents.record = record.map { record in
      let names = record.paths.map { String($0.dropFirst(path.count + 1)) }
      return Record(identity: record.identity, stamps: stamps(of: names, publication))
    }
    try add(contents, to: &publication)
  }

  /// What an earlier run left here and is still here, and which run that was; nil where there is nothing.
  func earlierOutputs() -> String? {
    let paths = (readState()?.files ?? []).map(\.path).filter { Self.exists("\(path)/\($0)") }
    if paths.isEmpty { return nil }
    var parts = paths.filter { !$0.contains("/") }
    for (folder, noun) in [("figures/", "figure"), ("logs/", "log")] {
      let count = paths.count { $0.hasPrefix(folder) }
      if count > 0 { parts.append("\(count) \(noun)\(count == 1 ? "" : "s")") }
    }
    let list = [parts.dropLast().joined(separator: ", "), parts.last ?? ""]
      .filter { !$0.isEmpty }.joined(separator: " and ")
    guard let run = RunArchive.run(in: provenance) else { return "\(list) of an earlier run" }
    return "\(list) of an earlier run: \(run.pipeline), begun at \(run.started), \(run.runID)"
  }

  /// The line that says so after a run that left nothing; nil where there is nothing to say.
  ///
  /// - Parameter isRecorded: Whether the record of that run was written.
  func earlierOutputsLine(isRecorded: Bool) -> String? {
    earlierOutputs().map {
      "\(path) still holds \($0)"
        + (isRecorded ? "; the record of this run is in \(archiveFolder(hasOutputs: false))" : "")
    }
  }

  /// Where the record of a run goes: a run that left nothing does not replace that of one that did.
  func archiveFolder(hasOutputs: Bool) -> String {
    hasOutputs || readState()?.files.isEmpty != false ? provenance : "\(provenance)/failed-run"
  }

  private func relative(_ file: PublishedFile) -> PublishedFile {
    var file = file
    file.path = String(file.path.dropFirst(path.count + 1))
    return file
  }

  private static func stamp(of path: String) -> Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
    return Stamp(size: Int(status.st_size), modified: modified)
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }

  private func readState() -> Contents? {
    guard let data = FileManager.default.contents(atPath: statePath) else { return nil }
    // A garbled state only means that everything is written again.
    return try? RecordJSON.value(Contents.self, from: data)
  }

  private func add(_ state: Contents, to publication: inout Publication) throws {
    try publication.add(try RecordJSON.bytes(of: state), at: statePath)
  }
}
