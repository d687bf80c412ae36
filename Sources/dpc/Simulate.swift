// dpc simulate: makes the acquisitions that a manifest declares, each with its truth beside it.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest

struct Simulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Make acquisitions of a declared specimen, each with its truth beside it.",
    discussion: """
      A simulation is a manifest like any other: phantom-... stages add layers of known field to a \
      specimen, and each simulate-acquisition stage NAME leaves two files, NAME.h5 and \
      truth-NAME.h5. Equal manifests give equal files.

      Example: dpc simulate walls.yaml --output data --set top-view.seed=2

      with walls.yaml:

        schema: dpc-pipeline/1
        name: walls
        stages:
          walls:
            uses: phantom-walls
            with:
              positions_nm: [-40, 40]
              field_V_per_m: 1.5e8
              fwhm_nm: 20
              thickness_nm: 60
          top-view:
            uses: simulate-acquisition
            from: walls
            with: { columns_px: 128, rows_px: 96, pixel_size_nm: 2 }
        results: [top-view]

      dpc stages simulate-acquisition tells every parameter.
      """)

  @OptionGroup var options: PipelineOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("The folder for the files; it is made if need be.", valueName: "folder"),
    completion: .directory)
  var output = "."

  @Flag(help: "Simulate nothing: tell the dose and frames that the walls need.")
  var plan = false

  @Option(
    help: ArgumentHelp(
      "With --plan: standard deviations to measure a wall's field to (default: 3).",
      valueName: "number"))
  var sigma: Double?

  @Flag(help: "Replace files that are there already.")
  var force = false

  @Flag(help: "Show the details of failures.")
  var verbose = false

  func validate() throws {
    if sigma != nil && !plan { throw ValidationError("--sigma is for --plan") }
  }

  func run() async throws {
    let code = try await simulate()
    if code != 0 { ExitStatus(code: code).exit() }
  }

  /// The exit code.
  private func simulate() async throws -> Int32 {
    let manifest = try options.load()
    try refuse(manifest.instances)
    let graph = manifest.graph
    let targets = graph.stages.compactMap { SimulationTarget($0, folder: output) }
    if targets.isEmpty {
      throw CommandFailure(
        .usage, "\(options.pipeline): no stage uses simulate-acquisition",
        remedy: "dpc help simulate shows a manifest that does")
    }
    if plan {
      try printPlan(graph)
      return 0
    }
    if !force { try targets.forEach { try $0.checkAbsent() } }
    let cache = try options.openCache()
    defer { cache.close() }
    let runner = PipelineRunner(
      graph: graph, codecs: stageCodecs, cache: cache, toolVersion: dpcVersion,
      threads: ProcessInfo.processInfo.activeProcessorCount)
    let report = await runner.run(cancellation: Interruption.watched())
    for (_, failure) in report.failures {
      CommandFailure(failure, isVerbose: verbose).report()
    }
    if report.interruptedBySignal == nil {
      for target in targets where report[target.stage]?.succeeded ?? false {
        try write(target, runner, report)
      }
    }
    for note in report.cacheNotes + runner.lateNotes { Terminal.printError(note.text) }
    return report.exitCode
  }

  /// Refuses a sweep: its acquisitions would all have one name.
  private func refuse(_ instances: [PipelineInstance]) throws(CommandFailure) {
    guard let first = instances.first else { return }
    let setting = first.settings.first { $0.name.contains(".") }
    throw CommandFailure(
      .usage,
      "\(options.pipeline): foreach and matrix make \(instances.count) runs; one is simulated at a time",
      remedy: "take foreach and matrix out and name each point: --set"
        + " \(setting.map { "\($0.name)=\($0.value)" } ?? "STAGE.PARAMETER=VALUE") --output FOLDER")
  }

  private func printPlan(_ graph: PipelineGraph) throws {
    let sigma = sigma ?? 3
    guard sigma > 0, sigma.isFinite else {
      throw CommandFailure(
        .usage, "--sigma \(sigma): a number above zero is wanted", remedy: "for example --sigma 3")
    }
    do {
      for plan in try SimulationPlan.plans(of: graph, sigmas: sigma) {
        plan.lines.forEach { print($0) }
      }
    } catch let failure as StageFailure {
      throw CommandFailure(failure, isVerbose: verbose)
    }
  }

  private func write(
    _ target: SimulationTarget, _ runner: PipelineRunner, _ report: RunReport
  ) throws {
    do {
      guard
        let files = try runner.value(of: target.output, in: report) as? SimulatedAcquisitionValue
      else { return }
      try PublishedFile.makeFolder(output)
      // The truth first: an acquisition that can be seen has its truth beside it.
      for (path, bytes) in [
        (target.truthPath, files.truth), (target.acquisitionPath, files.acquisition),
      ] {
        let file = try PublishedFile.write(bytes, to: path)
        print("\(file.path)  \(file.byteCount) bytes  SHA-256 \(file.digest)")
      }
    } catch let failure as StageFailure {
      throw CommandFailure(failure, isVerbose: verbose)
    }
    for fact in report[target.stage]?.facts ?? [] { print("  \(fact.text)") }
    for note in report[target.stage]?.notes ?? [] { print("  \(note.kind.rawValue): \(note.text)") }
  }
}

extension StageNode {
  /// Whether it leaves an acquisition and its truth.
  var isSimulation: Bool { type.outputs.first?.kind == .fixed(.simulatedAcquisition) }
}

/// Where a simulated acquisition goes.
private struct SimulationTarget {
  let stage: String
  let output: OutputReference
  let acquisitionPath: String
  let truthPath: String

  /// nil for a stage that simulates nothing.
  init?(_ node: StageNode, folder: String) {
    guard node.isSimulation, let port = node.type.outputs.first else { return nil }
    stage = node.name
    output = OutputReference(stage: node.name, port: port.name)
    let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    acquisitionPath = prefix + node.name + ".h5"
    truthPath = prefix + "truth-" + node.name + ".h5"
  }

  func checkAbsent() throws(CommandFailure) {
    for path in [acquisitionPath, truthPath] where FileManager.default.fileExists(atPath: path) {
      throw CommandFailure(.usage, "\(path) is there already", remedy: "--force replaces it")
    }
  }
}
