// dpc run: runs a pipeline and leaves result, figures and the record of the run.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Provenance

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
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

  @Option(help: "How many stages may run at once (default: one for each processor).")
  var threads: Int?

  @Option(
    help:
      "How progress is shown: \(ProgressStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
  var progress: ProgressStyle = .auto

  @Flag(help: "Show what would run, and why; run nothing.")
  var dryRun = false

  @Option(help: "How --dry-run is printed: text, json.")
  var format: PlanFormat = .text

  @Flag(help: "Show the details of failures.")
  var verbose = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads takes a number of 1 or more") }
  }

  func run() async throws {
    let manifest = try options.load()
    let cache = try options.openCache()
    if dryRun {
      let plan = PipelinePlan(graph: manifest.graph, cache: cache)
      try PlanText.printPlan(plan, format: format)
      PlanText.printPrograms(plan.graph, format)
      return try PlanText.failIfBlocked(plan)
    }
    try programs.check(manifest.graph, from: options.pipeline)
    let folder = OutputFolder(path: try output ?? defaultOutput(manifest.name))
    try folder.prepare()
    let runner = PipelineRunner(
      graph: manifest.graph, codecs: stageCodecs, cache: cache, toolVersion: dpcVersion,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let cancellation = Interruption.watched()
    let display = Progress(progress, graph: manifest.graph)
    let report = await runner.run(cancellation: cancellation) { display.handle($0) }
    try finish(report, runner: runner, manifest: manifest, folder: folder)
  }

  /// A manifest from elsewhere must not choose where to write: its name is a folder's name at most.
  private func defaultOutput(_ name: String) throws(CommandFailure) -> String {
    if name.isEmpty || name.hasPrefix(".") || name.contains("/") {
      throw CommandFailure(
        .usage, "the pipeline's name '\(name)' does not serve as a folder's",
        remedy: "name the output folder with --output")
    }
    return name
  }

  /// Writes what the run produced, says what it found, and ends with its exit code.
  private func finish(
    _ report: RunReport, runner: PipelineRunner, manifest: LoadedManifest, folder: OutputFolder
  ) throws {
    var versions = ResultAssembly.libraryVersions
    versions["dpc"] = dpcVersion
    var outputs: [PublishedFile] = []
    var trouble: CommandFailure?
    // Neither a run that was stopped nor one that the machine failed replaces what there is.
    let isInterrupted = report.interruptedBySignal != nil
    let isCutShort = isInterrupted || report.failures.contains { $0.failure.category == .machine }
    do {
      let assembly = ResultAssembly(runner: runner, report: report)
      let hasOutputs = !isCutShort && !report.producedResults.isEmpty
      if hasOutputs { outputs = try folder.write(assembly, versions: versions) }
      let archive = RunArchive(
        report: report, manifest: manifest.text,
        resolvedManifest: ResolvedManifest.text(manifest.graph),
        commandLine: CommandLine.arguments, versions: versions, outputs: outputs)
      try archive.write(to: folder.archiveFolder(hasOutputs: hasOutputs))
    } catch let failure as StageFailure {
      trouble = CommandFailure(failure, isVerbose: verbose)
    }
    if !report.stages.isEmpty {
      RunSummary(report: report, outputs: outputs, folder: folder.path).printAll()
    }
    // Where both streams go to one place, the failures stand last, in sight.
    fflush(nil)
    for failure in report.failures {
      CommandFailure(failure.failure, isVerbose: verbose).report()
    }
    for note in report.cacheNotes { Terminal.printError("cache: \(note.text)") }
    // What went wrong in the run is told first: it may be why nothing could be written.
    if let trouble {
      trouble.report()
      if !isInterrupted { trouble.status.exit() }
    }
    if report.exitCode != 0 { ExitStatus(code: report.exitCode).exit() }
  }
}
