// dpc run over many acquisitions: a folder for each, and table, contact sheet and record of all.
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Provenance
import Synchronization

/// A manifest with foreach or matrix, ready to run.
struct ManyRun {
  let manifest: LoadedManifest
  let cache: PipelineCache
  let threads: Int
  private let runners: [(key: String, runner: PipelineRunner)]
  private let filing: RunFiling

  init(_ manifest: LoadedManifest, _ cache: PipelineCache, threads: Int) {
    self.manifest = manifest
    self.cache = cache
    self.threads = threads
    filing = RunFiling(manifest)
    runners = manifest.instances.map { instance in
      let runner = PipelineRunner(
        graph: instance.graph, codecs: stageCodecs, cache: cache, toolVersion: dpcVersion,
        threads: threads)
      return (instance.key, runner)
    }
  }

  /// What each instance would do, equal reasons together.
  func printPlan(_ format: PlanFormat, _ folder: OutputFolder) throws {
    try ManyPlanText(manifest, cache, threads: threads).printPlan(format, folder)
  }

  /// Runs all of them, writes what belongs to all, says what there is, and ends with the exit code.
  func run(
    into folder: OutputFolder, maxFailures: Int?, style: ProgressStyle, isVerbose: Bool
  ) async throws {
    for instance in manifest.instances { try folder.folder(of: instance.key).checkOwner() }
    let trail = try folder.begin(telling: "runs")
    let runner = ManyRunner(
      pipeline: manifest.name, toolVersion: dpcVersion, runners: runners, threads: threads,
      maxFailures: maxFailures)
    let log = Mutex(ManyLog(pipeline: manifest.name, parameters: parameters, trail: trail))
    let display = ManyProgress(style, total: runners.count)
    let cancellation = Interruption.watched { display.tellStopping() }
    let report = await runner.run(cancellation: cancellation) { event in
      log.withLock { $0.absorb(event) }
      display.handle(event)
    } begin: { index throws(StageFailure) in
      try begin(index, folder)
    } finish: { index, run, log in
      file(index, run, log, folder)
    }
    var outputs: [PublishedFile] = []
    var trouble: CommandFailure?
    do {
      var publication = Publication()
      let shared = try addShared(report, folder, &publication)
      try addArchive(report, log.withLock { $0 }, shared, folder, &publication)
      try publication.finish()
      log.withLock { $0.log.removeTrail() }
      outputs = shared
    } catch let failure as StageFailure {
      trouble = CommandFailure(failure, isVerbose: isVerbose)
    }
    runners.first?.runner.cache.settle()
    ManySummary(
      report: report, outputs: outputs, folder: folder.path,
      leftovers: folder.leftovers(besides: runners.map(\.key))
    ).printAll(isVerbose)
    if let failure = trail.failure { Terminal.printError("warning: \(failure.message)") }
    if let trouble {
      trouble.report()
      if report.interruptedBySignal == nil { trouble.status.exit() }
    }
    if report.exitCode != 0 { ExitStatus(code: report.exitCode).exit() }
  }

  /// Makes an instance's folder, and begins its log there.
  private func begin(_ index: Int, _ folder: OutputFolder) throws(StageFailure) -> EventTrail {
    do throws(CommandFailure) {
      return try folder.folder(of: runners[index].key).begin(telling: nil)
    } catch {
      throw StageFailure(.machine, error.message, remedy: error.remedy)
    }
  }

  /// Writes what one instance left; what stands in the way is that instance's failure.
  private func file(
    _ index: Int, _ run: RunReport, _ log: EventLog, _ folder: OutputFolder
  ) -> InstanceReport {
    let (key, runner) = runners[index]
    let (outputs, trouble) = filing.file(
      run, log, runner: runner, folder: folder.folder(of: key))
    // A thousand maps do not fit in memory; the contact sheet takes each from the cache.
    runner.releaseValues()
    return InstanceReport(
      key: key, run: run,
      outputs: outputs.map { file in
        var file = file
        file.path = "\(key)/\(file.path)"
        return file
      }, trouble: trouble)
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

  /// Table and contact sheet. A run that was stopped knows too little to replace those of a whole one.
  private func addShared(
    _ report: ManyReport, _ folder: OutputFolder, _ publication: inout Publication
  ) throws -> [PublishedFile] {
    if report.interruptedBySignal != nil { return [] }
    let table = SummaryTable(
      title: manifest.name, instances: report.instances,
      settings: Dictionary(
        uniqueKeysWithValues: manifest.instances.map { instance in
          (instance.key, instance.settings.map { ($0.name, $0.value) })
        }))
    let csv = Array(table.csv.utf8)
    let assemblies = zip(runners, report.instances).map { runner, instance in
      instance.run.map { ResultAssembly(runner: runner.runner, report: $0) }
    }
    let maps = assemblies.map { $0?.contactIdentity ?? "" }
    let versions = filing.versions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let identity = (["2"] + versions + maps).joined(separator: " ") + "\n" + table.csv
    return try folder.replace(
      identity: SHA256Digest(of: Array(identity.utf8)).hex, in: &publication
    ) { publication in
      var files = [try publication.add(csv, at: "\(folder.path)/summary.csv")]
      files.append(try publication.make("\(folder.path)/summary.h5") { try table.write(to: $0) })
      let entries = try zip(report.instances, assemblies).map { instance, assembly in
        (instance.key, try assembly?.contactMap(), Self.remark(instance))
      }
      if let png = try ContactSheetDrawing.png(title: manifest.name, entries) {
        files.append(try publication.add(png, at: "\(folder.path)/contact-sheet.png"))
      }
      return files
    }
  }

  private static func remark(_ instance: InstanceReport) -> String {
    switch instance.outcome {
    case .done: ""
    case .skipped, .interrupted: "not run"
    case .partial, .failed: instance.failures.first?.failure.message ?? "failed"
    }
  }

  private func addArchive(
    _ report: ManyReport, _ log: ManyLog, _ shared: [PublishedFile], _ folder: OutputFolder,
    _ publication: inout Publication
  ) throws {
    guard let run = log.report else { return }
    let results = report.instances.map { instance in
      (instance.key, instance.outputs.filter { $0.path == "\(instance.key)/result.h5" })
    }
    let archive = RunArchive(
      report: run, log: log.log, manifest: manifest.text,
      resolvedManifest: "# What all runs have in common; each has a resolved manifest of its own.\n"
        + ResolvedManifest.text(manifest.graph),
      commandLine: CommandLine.arguments, versions: filing.versions,
      outputs: shared + results.flatMap(\.1),
      outputsByStage: Dictionary(
        results.map { ($0.0, $0.1.map(\.path)) }, uniquingKeysWith: { $1 }),
      exitCode: report.exitCode)
    try archive.add(to: &publication, in: folder.archiveFolder(hasOutputs: !shared.isEmpty))
  }
}
