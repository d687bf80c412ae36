// What an output folder holds: files that are replaced where they would be others, and what an earlier run left.
import DPCStages
import Foundation
import Pipeline
import Provenance

extension OutputFolder {
  /// What the folder held after the last run, and how to see that it still does.
  struct Contents: Codable {
    /// Decides whether the files still are what a run would write.
    var identity: String
    var files: [PublishedFile]
    var stamps: [String: Stamp]
    /// The record beside them; nil where it is not that of the run that left them.
    var record: Record?
  }

  /// What decides whether the record of a run still tells how the files beside it were made.
  struct Record: Codable {
    var identity: String
    var stamps: [String: Stamp]
  }

  struct Stamp: Codable, Equatable {
    var size: Int
    var modified: Double
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

  /// Of which other files, or by which other pipeline, the results here were made that a run is about to replace; nil
  /// where it replaces none, or its own.
  ///
  /// - Parameter report: Of that run.
  func others(replacedBy report: RunReport) -> String? {
    guard readState()?.files.isEmpty == false, let run = RunArchive.run(in: provenance) else {
      return nil
    }
    if run.pipeline != report.pipeline { return "the pipeline \(run.pipeline)" }
    let known = Set(report.inputs.map(\.digest))
    let others = run.inputs.filter { !known.contains($0.digest) }
    return others.isEmpty ? nil : others.map(\.path).joined(separator: ", ")
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

  func readState() -> Contents? {
    guard let data = FileManager.default.contents(atPath: statePath) else { return nil }
    // A garbled state only means that everything is written again.
    return try? RecordJSON.value(Contents.self, from: data)
  }

  private func add(_ state: Contents, to publication: inout Publication) throws {
    try publication.add(try RecordJSON.bytes(of: state), at: statePath)
  }
}
