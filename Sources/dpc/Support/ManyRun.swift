// dpc run over many acquisitions: a folder for each.
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Synchronization

/// A manifest with foreach or matrix, ready to run.
struct ManyRun {
  let manifest: LoadedManifest
  let threads: Int
  let runners: [(key: String, runner: PipelineRunner)]
  let filing: RunFiling
  let sheet: ContactSheetDrawing
  let walls = CollectedWalls()

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
    let (outputs, trouble) = share(report, log.withLock { $0 }, folder, isVerbose)
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
      let assembly = ResultAssembly(runner: runner, report: run)
      map = Result { try assembly.contactMap() }
      walls[index] = try? assembly.walls()
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

  private var parameters: [String: [String: ResolvedParameter]] {
    Dictionary(
      uniqueKeysWithValues: manifest.instances.map { instance in
        let values = instance.settings.filter { $0.name.contains(".") }.map {
          ($0.name, ResolvedParameter(.text($0.value), origin: $0.origin))
        }
        return (instance.key, Dictionary(values, uniquingKeysWith: { $1 }))
      })
  }
}
