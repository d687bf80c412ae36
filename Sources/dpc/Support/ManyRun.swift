// dpc run over many acquisitions: a folder for each, and table, contact sheet and record of all.
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Provenance
import Synchronization
import WorkSharing

/// A manifest with foreach or matrix, ready to run.
struct ManyRun {
  let manifest: LoadedManifest
  let threads: Int
  private let runners: [(key: String, runner: PipelineRunner)]
  private let filing: RunFiling
  private let sheet: ContactSheetDrawing

  init(_ manifest: LoadedManifest, _ cache: PipelineCache, threads: Int) {
    self.manifest = manifest
    self.threads = threads
    filing = RunFiling(manifest)
    sheet = ContactSheetDrawing(title: manifest.name, count: manifest.instances.count)
    runners = manifest.instances.map { instance in
      let runner = PipelineRunner(
        graph: instance.graph, codecs: stageCodecs, cache: cache, toolVersion: dpcVersion,
        threads: threads)
      return (instance.key, runner)
    }
  }

  /// Runs all of them, writes what belongs to all, says what there is, and ends with the exit code.
  func run(
    into folder: OutputFolder, maxFailures: Int?, style: ProgressStyle, isVerbose: Bool
  ) async throws {
    for instance in manifest.instances { try folder.folder(of: instance.key).checkOwner() }
    try refuse(isVerbose)
    let logFile = try folder.begin(telling: "runs") {
      runners.allSatisfy { $0.runner.plan().isAllHits }
    }
    let runner = ManyRunner(
      pipeline: manifest.name, toolVersion: dpcVersion, runners: runners, threads: threads,
      maxFailures: maxFailures)
    let log = Mutex(ManyLog(pipeline: manifest.name, parameters: parameters, logFile: logFile))
    let display = ManyProgress(style, total: runners.count)
    let cancellation = Interruption.watched(lastWords: display.lastWords) { display.tellStopping() }
    let report = await runner.run(cancellation: cancellation) { event in
      log.withLock { $0.absorb(event) }
      display.handle(event)
    } begin: { index throws(StageFailure) in
      try begin(index, folder)
    } finish: { index, run, log, rests in
      file(index, run, log, folder, rests)
    }
    var outputs: [PublishedFile] = []
    var trouble: CommandFailure?
    do {
      outputs = try fileShared(report, log.withLock { $0 }, folder)
      log.withLock { $0.log.removeFile() }
    } catch let failure as StageFailure {
      trouble = CommandFailure(failure, isVerbose: isVerbose)
    }
    runners.first?.runner.cache.close()
    let hasLeftNothing = outputs.isEmpty && trouble == nil
    ManySummary(
      report: report, outputs: outputs, folder: folder.path,
      leftovers: folder.leftovers(besides: runners.map(\.key)),
      unrenewed: unrenewed(report, folder),
      earlier: hasLeftNothing ? folder.earlierOutputsLine(isRecorded: true) : nil
    ).printAll(isVerbose)
    if let failure = logFile.failure { Terminal.printError("warning: \(failure.message)") }
    if let trouble {
      trouble.report()
      if report.interruptedBySignal == nil { trouble.status.exit() }
    }
    if report.exitCode != 0 { ExitStatus(code: report.exitCode).exit() }
  }

  /// Keys of runs that left nothing where an earlier one had left something.
  private func unrenewed(_ report: ManyReport, _ folder: OutputFolder) -> [String] {
    report.instances.filter {
      $0.outputs.isEmpty && folder.folder(of: $0.key).earlierOutputs() != nil
    }.map(\.key)
  }

  /// Ends the command where no stage of any run can run, before anything is made for it.
  private func refuse(_ isVerbose: Bool) throws {
    var refused: [ManySummary.Refusal] = []
    for (key, runner) in runners {
      let refusals = runner.refusals()
      if refusals.isEmpty { return }
      let inputs = runner.graph.inputPaths
      refused += refusals.map { .init(key: key, stage: nil, failure: $0, inputs: inputs) }
    }
    let complaints = ManySummary.complaints(refused, of: runners.count, isVerbose)
    for failure in complaints.dropLast() { failure.report() }
    guard var last = complaints.last else { return }
    last.consequences = ["none of the \(runners.count) runs was begun; nothing was written"]
    throw last
  }

  /// Makes an instance's folder, and begins its log there.
  private func begin(_ index: Int, _ folder: OutputFolder) throws(StageFailure) -> EventLogFile {
    do throws(CommandFailure) {
      let (key, runner) = runners[index]
      return try folder.folder(of: key).begin(telling: nil) { runner.plan().isAllHits }
    } catch {
      throw StageFailure(.machine, error.message, remedy: error.remedy)
    }
  }

  /// Writes what one instance left; what stands in the way is that instance's failure.
  private func file(
    _ index: Int, _ run: RunReport, _ log: EventLog, _ folder: OutputFolder, _ rests: () -> Void
  ) -> InstanceReport {
    let (key, runner) = runners[index]
    var map: Result<ContactMap?, any Error>?
    if run.interruptedBySignal == nil && !run.foundEverything {
      // While its values are in memory: later they are to be read, or formed again. Whoever needs a map that cannot
      // be had says why.
      map = Result { try ResultAssembly(runner: runner, report: run).contactMap() }
      // While this thread has its turn: what others left is drawn before all of them are done.
      sheet.advance()
    }
    let (outputs, trouble) = filing.file(
      run, log, runner: runner, folder: folder.folder(of: key), rests: rests)
    var run = run
    run.cacheNotes += runner.lateNotes
    let report = InstanceReport(
      key: key, run: run,
      outputs: outputs.map { file in
        var file = file
        file.path = "\(key)/\(file.path)"
        return file
      }, trouble: trouble)
    if case .success(let map)? = map { sheet.add(entry(report, map), at: index) }
    return report
  }

  // MARK: What belongs to all

  private var parameters: [String: [String: ResolvedParameter]] {
    Dictionary(
      uniqueKeysWithValues: manifest.instances.map { instance in
        let values = instance.settings.filter { $0.name.contains(".") }.map {
          ($0.name, ResolvedParameter(.text($0.value), origin: $0.origin))
        }
        return (instance.key, Dictionary(values, uniquingKeysWith: { $1 }))
      })
  }

  /// Writes what belongs to all, and the record of all, unless everything is as it was.
  private func fileShared(
    _ report: ManyReport, _ log: ManyLog, _ folder: OutputFolder
  ) throws -> [PublishedFile] {
    var publication = Publication()
    let resolved =
      "# What all runs have in common; each has a resolved manifest of its own.\n"
      + ResolvedManifest.text(manifest.graph)
    // A run that was stopped knows too little to replace what belongs to a whole one.
    if report.interruptedBySignal != nil {
      _ = try addArchive(report, log, resolved, nil, folder, &publication)
      try publication.finish()
      return []
    }
    let table = SummaryTable(
      title: manifest.name, instances: report.instances,
      settings: Dictionary(
        uniqueKeysWithValues: manifest.instances.map { instance in
          (instance.key, instance.settings.map { ($0.name, $0.value) })
        }))
    let csv = table.csv
    let assemblies = zip(runners, report.instances).map { runner, instance in
      instance.run.map { ResultAssembly(runner: runner.runner, report: $0) }
    }
    let identity = RunFiling.identity(
      ["3"] + filing.tools + assemblies.map { $0?.contactIdentity ?? "" } + [csv])
    let results = report.instances.flatMap { $0.outputs.map { "\($0.path) \($0.digest)" } }
    let record = RunFiling.identity([manifest.text, resolved, identity] + results)
    let isAsBefore = report.instances.allSatisfy { $0.run?.foundEverything == true }
    if isAsBefore, let files = folder.filesIfUnchanged(identity, record: record) { return files }
    let contents = try folder.replace(identity: identity, in: &publication) { publication in
      var files = [try publication.add(Array(csv.utf8), at: "\(folder.path)/summary.csv")]
      files.append(
        try publication.make("\(folder.path)/summary.h5") { try table.write(to: $0, shownTo: $1) })
      let entries = try concurrentMap(assemblies.count) { index in
        try sheet[index] ?? entry(report.instances[index], assemblies[index]?.contactMap())
      }
      if let png = try sheet.png(entries) {
        files.append(try publication.add(png, at: "\(folder.path)/contact-sheet.png"))
      }
      return files
    }
    let paths = try addArchive(report, log, resolved, contents, folder, &publication)
    try folder.conclude(
      contents, record: report.exitCode == 0 ? (record, paths) : nil, to: &publication)
    try publication.finish()
    return contents.files
  }

  private func entry(
    _ instance: InstanceReport, _ map: ContactMap?
  ) -> ContactSheetDrawing.Entry {
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
