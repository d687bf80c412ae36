// dpc run: runs a pipeline and leaves result, figures and the record of the run.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import WorkSharing

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a pipeline; finished stages are taken from the cache.",
    discussion: """
      Example: dpc run Pipelines/top-view.yaml --input acquisition=scan.h5 --output results \
      --set field.thickness_nm=50
      """)

  @OptionGroup var options: PipelineOptions
  @OptionGroup var programs: ProgramOptions

  @Option(
    name: [.customShort("o"), .long],
    help: "The output folder (default: ./ and the pipeline's name).")
  var output: String?

  @Option(help: "How many threads work at once (default: one for each processor).")
  var threads: Int?

  @Option(
    help:
      "How progress is shown: \(ProgressStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
  var progress: ProgressStyle = .auto

  @Flag(help: "Over many acquisitions: begin no other once one has failed (default: go on).")
  var failFast = false

  @Option(help: "Over many acquisitions: begin no other once so many have failed.")
  var maxFailures: Int?

  @Flag(help: "Show what would run, and why; run nothing.")
  var dryRun = false

  @Option(help: "How --dry-run is printed: text, json (default: text).")
  var format: OutputFormat?

  @Flag(help: "Show the details of failures.")
  var verbose = false

  func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads takes a number of 1 or more, not \(threads)")
    }
    if let maxFailures, maxFailures < 1 {
      throw ValidationError("--max-failures takes a number of 1 or more, not \(maxFailures)")
    }
    if failFast && maxFailures != nil {
      throw ValidationError("--fail-fast is --max-failures 1: give one of the two")
    }
    if format != nil && !dryRun {
      throw ValidationError("--format is for --dry-run; a run tells its events by --progress json")
    }
  }

  func run() async throws {
    let manifest = try options.load()
    let cache = try options.openCache()
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    limitThreads(to: threads)
    let many = manifest.instances.isEmpty ? nil : ManyRun(manifest, cache, threads: threads)
    if many == nil && (failFast || maxFailures != nil) {
      throw CommandFailure(
        .usage, "\(failFast ? "--fail-fast" : "--max-failures"): \(options.pipeline) is one run",
        remedy: "it is for manifests with foreach or matrix")
    }
    let folder = OutputFolder(path: try output ?? OutputFolder.defaultPath(manifest.name))
    if dryRun {
      return try PlanText.show(
        manifest, cache, threads: threads, output: folder.path, format: format ?? .text)
    }
    try programs.check(manifest.graph, from: options.pipeline)
    if let many {
      let limit = failFast ? 1 : maxFailures
      return try await many.run(
        into: folder, maxFailures: limit, style: progress, isVerbose: verbose)
    }
    let runner = PipelineRunner(
      graph: manifest.graph, codecs: stageCodecs, cache: cache, toolVersion: dpcVersion,
      threads: threads)
    try folder.checkOwner()
    try refuse(runner, folder)
    let logFile = try folder.begin(telling: "stages") { runner.plan().isAllHits }
    let display = Progress(progress, graph: manifest.graph, logFile: logFile)
    let cancellation = Interruption.watched(lastWords: display.lastWords) { display.tellStopping() }
    let report = await runner.run(cancellation: cancellation) { display.handle($0) }
    try finish(report, display.log, logFile, runner: runner, manifest: manifest, folder: folder)
  }

  /// Ends the command where no stage can run, before anything is made for it.
  private func refuse(_ runner: PipelineRunner, _ folder: OutputFolder) throws(CommandFailure) {
    let refusals = runner.refusals()
    guard let last = refusals.last else { return }
    for failure in refusals.dropLast() { CommandFailure(failure, isVerbose: verbose).report() }
    var failure = CommandFailure(last, isVerbose: verbose)
    let count = runner.graph.stages.count
    failure.consequences = [
      (count == 1 ? "the only stage was not run" : "none of the \(count) stages was run")
        + "; nothing was written"
    ]
    failure.consequences += [folder.earlierOutputsLine(isRecorded: false)].compactMap(\.self)
    throw failure
  }

  /// Writes what the run produced, says what it found, and ends with its exit code.
  private func finish(
    _ report: RunReport, _ log: EventLog, _ logFile: EventLogFile, runner: PipelineRunner,
    manifest: LoadedManifest, folder: OutputFolder
  ) throws {
    let replaced = folder.others(replacedBy: report)
    let (outputs, trouble) = RunFiling(manifest).file(report, log, runner: runner, folder: folder)
    runner.cache.close()
    if !report.stages.isEmpty {
      let earlier = outputs.isEmpty && trouble == nil
      RunSummary(
        report: report, outputs: outputs, folder: folder.path,
        earlier: earlier ? folder.earlierOutputsLine(isRecorded: true) : nil,
        replaced: outputs.isEmpty ? nil : replaced
      ).printAll()
    }
    // Where both streams go to one place, the failures stand last, in sight.
    fflush(nil)
    for failure in report.failures {
      CommandFailure(failure.failure, isVerbose: verbose).report()
    }
    if let failure = logFile.failure { Terminal.printError("warning: \(failure.message)") }
    for note in report.cacheNotes + runner.lateNotes { Terminal.printError(note.text) }
    // What went wrong in the run is told first: it may be why nothing could be written.
    if let trouble {
      CommandFailure(trouble, isVerbose: verbose).report()
      if report.interruptedBySignal == nil { ExitStatus(trouble.category).exit() }
    }
    if report.exitCode != 0 { ExitStatus(code: report.exitCode).exit() }
    let simulations = manifest.graph.stages.filter(\.isSimulation).map(\.name)
    if !simulations.isEmpty {
      Terminal.printError(
        "note: \(simulations.joined(separator: ", ")): a run leaves no acquisition; dpc simulate"
          + " \(options.pipeline) writes it and its truth")
    }
  }
}
