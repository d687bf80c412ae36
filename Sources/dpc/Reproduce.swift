// dpc reproduce: makes a result again from the chain that it carries, and says how far the two agree.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import STEMData
import Synchronization
import WorkSharing

struct Reproduce: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Make a result again from the file alone and its inputs, and compare.",
    discussion: """
      Everything is computed anew; --cache lets finished stages be taken from a cache. Ends with 0 where \
      the data are identical, 1 where they differ, otherwise as a run does.

      Example: dpc reproduce results/result.h5 --input acquisition=scan.h5 --output again
      """)

  @Argument(help: "A result.h5.", completion: .file())
  var file: String

  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp("An input file of the result's pipeline.", valueName: "name=file"))
  var input: [String] = []

  @Option(
    name: [.customShort("o"), .long],
    help: "The output folder (default: ./ and the pipeline's name, then -reproduced).")
  var output: String?

  @Option(help: "Take finished stages from this cache (default: none, all is computed).")
  var cache: String?

  @Option(help: "How many threads work at once (default: one for each processor).")
  var threads: Int?

  @Flag(help: "Accept inputs whose bytes are not those of the result's.")
  var otherInput = false

  @OptionGroup var programs: ProgramOptions

  @Flag(help: "Show the details of failures.")
  var verbose = false

  func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads takes a number of 1 or more, not \(threads)")
    }
  }

  func run() async throws {
    // Ends the process only after the temporary cache is gone.
    let code = try await reproduce()
    if code != 0 { ExitStatus(code: code).exit() }
  }

  /// The exit code.
  private func reproduce() async throws -> Int32 {
    let record = try RecordedResult(path: file)
    let inputs = try InputOverrides.read(input)
    try record.check(inputs, acceptsOthers: otherInput)
    let manifest = try record.manifest(inputs: inputs)
    try programs.check(manifest.graph, from: file)
    let folder = OutputFolder(path: output ?? record.defaultOutput)
    try folder.refuse(replacing: file)
    let logFile = try folder.begin(telling: "stages")
    let ownCache = "\(folder.path)/provenance/.reproduction-\(UUID().uuidString)"
    // A cache of its own that cannot be removed does no harm beside the result.
    defer { if cache == nil { try? FileManager.default.removeItem(atPath: ownCache) } }
    let place = PipelineCache(path: cache ?? ownCache)
    defer { place.close() }
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    limitThreads(to: threads)
    let runner = PipelineRunner(
      graph: manifest.graph, codecs: stageCodecs, cache: place,
      toolVersion: dpcVersion, threads: threads)
    let log = Mutex(EventLog(logFile: logFile))
    // Its own cache is used by no other command: nothing goes on from there.
    let cancellation =
      cache == nil ? Interruption.watched(lastWords: "stopped") : Interruption.watched()
    let report = await runner.run(cancellation: cancellation) { event in
      log.withLock { $0.append(event) }
    }
    let filing = RunFiling(
      manifest: ResolvedManifest.text(manifest.graph),
      chainOrder: record.contents.steps.map(\.stage))
    let (outputs, trouble) = filing.file(
      report, log.withLock { $0 }, runner: runner, folder: folder)
    for (_, failure) in report.failures { CommandFailure(failure, isVerbose: verbose).report() }
    for note in report.cacheNotes + runner.lateNotes { Terminal.printError(note.text) }
    if let trouble {
      let failure = CommandFailure(trouble, isVerbose: verbose)
      if report.interruptedBySignal == nil { throw failure }
      failure.report()
    }
    let isSame = try verdict(record, outputs, folder)
    return report.exitCode != 0 ? report.exitCode : isSame ? 0 : 1
  }

  /// Prints how far the two results agree; false where a number differs.
  private func verdict(
    _ record: RecordedResult, _ outputs: [PublishedFile], _ folder: OutputFolder
  ) throws(CommandFailure) -> Bool {
    guard let made = outputs.first(where: { $0.path == "result.h5" }) else {
      print("not reproduced: no result could be made")
      if let line = folder.earlierOutputsLine(isRecorded: true) { print(line) }
      return false
    }
    let path = "\(folder.path)/result.h5"
    print("A  \(file)\nB  \(path)")
    if made.digest == record.digest {
      print("reproduced: identical bytes (SHA-256 \(made.digest))")
      return true
    }
    let comparison = try Comparison.read(file, path)
    Comparison.print(comparison, listingAll: false)
    if comparison.isIdenticalData {
      print("reproduced: identical data in \(comparison.datasets.count) datasets, other bytes")
      return true
    }
    print(
      "not reproduced: \(comparison.differingDatasets.count) of \(comparison.datasets.count)"
        + " datasets differ")
    return false
  }
}
