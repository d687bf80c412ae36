// What belongs to all of many runs: the table, the contact sheet and the record, written when all have ended.
import DPCStages
import Pipeline
import PipelineManifest
import Provenance
import WorkSharing

extension ManyRun {
  /// What a file of all runs could not be given of one.
  private struct LostPart {
    /// As a message begins: "contact-sheet.png: no map".
    var words: String
    var key: String
    var failure: StageFailure
  }

  /// Writes what belongs to all, and the record of all.
  ///
  /// - Returns: What was written, and what stood in the way of the rest.
  func share(
    _ report: ManyReport, _ log: ManyLog, _ folder: OutputFolder, _ isVerbose: Bool
  ) -> (outputs: [PublishedFile], trouble: CommandFailure?) {
    do {
      let (files, lost) = try fileShared(report, log, folder)
      log.log.removeFile()
      return (files, trouble(lost, of: report, isVerbose))
    } catch {
      let failure = error as? StageFailure ?? StageFailure(.failed, "\(folder.path): \(error)")
      var trouble = CommandFailure(failure, isVerbose: isVerbose)
      trouble.consequences = [
        report.interruptedBySignal == nil
          ? "neither table nor contact sheet nor record of all runs was written"
          : "the record of all runs was not written"
      ]
      return ([], trouble)
    }
  }

  /// What to say of what was lost; nothing where its runs have said why.
  private func trouble(
    _ lost: [LostPart], of report: ManyReport, _ isVerbose: Bool
  ) -> CommandFailure? {
    let failed = Set(report.instances.filter { !$0.failures.isEmpty }.map(\.key))
    let untold = lost.filter { !failed.contains($0.key) }
    guard let first = untold.first else { return nil }
    let alike = untold.filter { $0.words == first.words }
    var trouble = CommandFailure(first.failure, isVerbose: isVerbose)
    trouble.message =
      "\(first.words) of \(KeyList.text(alike.map(\.key), of: report.instances.count)):"
      + " \(first.failure.message)"
    return trouble
  }

  /// Writes what belongs to all, unless everything is as it was.
  ///
  /// - Returns: Files, and what they could not be given.
  private func fileShared(
    _ report: ManyReport, _ log: ManyLog, _ folder: OutputFolder
  ) throws -> (files: [PublishedFile], lost: [LostPart]) {
    var publication = Publication()
    let resolved = commonManifest
    // A run that was stopped knows too little to replace what belongs to a whole one.
    if report.interruptedBySignal != nil {
      _ = try addArchive(report, log, resolved, nil, folder, &publication)
      try publication.finish()
      return ([], [])
    }
    let table = table(of: report)
    let csv = table.csv
    let assemblies = zip(runners, report.instances).map { runner, instance in
      instance.run.map { ResultAssembly(runner: runner.runner, report: $0) }
    }
    let identity = RunFiling.identity(
      ["4"] + filing.tools
        + assemblies.map { ($0?.contactIdentity ?? "") + " " + ($0?.wallIdentity ?? "") } + [csv])
    let results = report.instances.flatMap { $0.outputs.map { "\($0.path) \($0.digest)" } }
    let record = RunFiling.identity([manifest.text, resolved, identity] + results)
    let isAsBefore = report.instances.allSatisfy { $0.run?.foundEverything == true }
    if isAsBefore, let files = folder.filesIfUnchanged(identity, record: record) {
      return (files, [])
    }
    var lost: [LostPart] = []
    var contents = try folder.replace(identity: identity, in: &publication) { publication in
      var files = [try publication.add(Array(csv.utf8), at: "\(folder.path)/summary.csv")]
      let walls = wallTable(report, assemblies, &lost)
      if let csv = walls?.csv {
        files.append(try publication.add(Array(csv.utf8), at: "\(folder.path)/walls.csv"))
      }
      files.append(
        try publication.make("\(folder.path)/summary.h5") {
          try table.write(to: $0, with: walls, shownTo: $1)
        })
      let (entries, lostMaps) = entries(report, assemblies)
      lost += lostMaps
      if let png = try sheet.png(entries) {
        files.append(try publication.add(png, at: "\(folder.path)/contact-sheet.png"))
      }
      return files
    }
    // The next run is to make them again, though it finds everything as it was.
    if !lost.isEmpty { contents.identity = "" }
    let paths = try addArchive(report, log, resolved, contents, folder, &publication)
    let isWhole = report.exitCode == 0 && lost.isEmpty
    try folder.conclude(contents, record: isWhole ? (record, paths) : nil, to: &publication)
    try publication.finish()
    return (contents.files, lost)
  }

  private var commonManifest: String {
    "# What all runs have in common; each has a resolved manifest of its own.\n"
      + ResolvedManifest.text(manifest.graph)
  }

  private func table(of report: ManyReport) -> SummaryTable {
    SummaryTable(title: manifest.name, instances: report.instances, settings: settings)
  }

  private var settings: [String: [(name: String, value: String)]] {
    Dictionary(
      uniqueKeysWithValues: manifest.instances.map { instance in
        (instance.key, instance.settings.map { ($0.name, $0.value) })
      })
  }

  /// The walls of all runs; nil where none of them lists a table of walls.
  private func wallTable(
    _ report: ManyReport, _ assemblies: [ResultAssembly?], _ lost: inout [LostPart]
  ) -> SummaryTable? {
    if assemblies.allSatisfy({ $0?.wallIdentity == nil }) { return nil }
    var runs: [(key: String, walls: [ListedWall])] = []
    for (index, instance) in report.instances.enumerated() {
      do {
        runs.append((instance.key, try walls[index] ?? assemblies[index]?.walls() ?? []))
      } catch {
        let failure = error as? StageFailure ?? StageFailure(.failed, "\(error)")
        lost.append(
          LostPart(words: "walls.csv: no walls", key: instance.key, failure: failure))
      }
    }
    return SummaryTable.walls(title: manifest.name, runs: runs, settings: settings)
  }

  /// The places of the sheet. The table does not wait for a map that cannot be had: the cache may have lost it.
  private func entries(
    _ report: ManyReport, _ assemblies: [ResultAssembly?]
  ) -> ([ContactSheetDrawing.Entry], [LostPart]) {
    let found = concurrentMap(assemblies.count) { index in
      let instance = report.instances[index]
      if let entry = sheet[index] { return (entry: entry, lost: LostPart?.none) }
      do {
        return (entry(instance, try assemblies[index]?.contactMap()), nil)
      } catch {
        let failure = error as? StageFailure ?? StageFailure(.failed, "\(error)")
        var entry = entry(instance, nil)
        if entry.remark.isEmpty { entry.remark = failure.message }
        return (
          entry,
          LostPart(words: "contact-sheet.png: no map", key: instance.key, failure: failure)
        )
      }
    }
    return (found.map(\.entry), found.compactMap(\.lost))
  }

  func entry(_ instance: InstanceReport, _ map: ContactMap?) -> ContactSheetDrawing.Entry {
    let remark =
      switch instance.outcome {
      case .done: ""
      case .skipped, .interrupted: "not run"
      case .partial, .failed: instance.failures.first?.failure.message ?? "failed"
      }
    return ContactSheetDrawing.Entry(key: instance.key, map: map, remark: remark)
  }

  private func addArchive(
    _ report: ManyReport, _ log: ManyLog, _ resolved: String, _ shared: OutputFolder.Contents?,
    _ folder: OutputFolder, _ publication: inout Publication
  ) throws -> [String] {
    guard let run = log.report else { return [] }
    let results = report.instances.map { instance in
      (instance.key, instance.outputs.filter { $0.path == "\(instance.key)/result.h5" })
    }
    let archive = RunArchive(
      report: run, log: log.log, manifest: manifest.text, resolvedManifest: resolved,
      commandLine: CommandLine.arguments, versions: filing.versions,
      outputs: (shared?.files ?? []) + results.flatMap(\.1),
      outputsByStage: Dictionary(
        results.map { ($0.0, $0.1.map(\.path)) }, uniquingKeysWith: { $1 }),
      exitCode: report.exitCode)
    return try archive.add(to: &publication, in: folder.archiveFolder(hasOutputs: shared != nil))
  }
}
