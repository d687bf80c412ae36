// dpc cache gc: makes room in the cache without taking away what is still wanted.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest

extension Cache {
  struct Collect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "gc",
      abstract: "Make room: remove what no kept pipeline needs, or what was unused for longest.",
      discussion: """
        Without --keep and --max-size only what no finished stage needs goes. With --keep alone \
        everything else goes; with --max-size so much as it takes, unused for longest first. What \
        was written or used within the grace period always stays.

        Example: dpc cache gc --max-size 20GB --dry-run
        """)
    @OptionGroup var options: Options

    @Option(
      help: ArgumentHelp(
        "A pipeline (YAML) or the output folder of a run or batch whose finished stages stay.",
        valueName: "path"))
    var keep: [String] = []

    @Option(
      name: [.customShort("i"), .long],
      help: ArgumentHelp("An input file of the pipelines to keep.", valueName: "name=file"))
    var input: [String] = []

    @Option(
      help: ArgumentHelp(
        "How much may stay, in bytes or with kB, MB, GB or TB.", valueName: "size"))
    var maxSize: String?

    @Option(help: "Hours for which whatever was written or used stays.")
    var graceHours = 24.0

    @Flag(help: "Tell what would go; remove nothing.")
    var dryRun = false

    func validate() throws {
      if !(graceHours >= 0 && graceHours < 1e6) {
        throw ValidationError("--grace-hours takes a number of hours, 0 or more, not \(graceHours)")
      }
      if let maxSize, Self.byteCount(maxSize) == nil {
        throw ValidationError("--max-size \(maxSize): a size such as 500MB or 20GB is wanted")
      }
    }

    func run() throws {
      let cache = try options.open()
      var roots: Set<ActionKey> = []
      for path in keep { roots.formUnion(try keys(of: path, in: cache)) }
      let rules = PipelineCache.CollectionRules(
        roots: roots, keepsOnlyRoots: !keep.isEmpty,
        maximumByteCount: maxSize.flatMap(Self.byteCount), gracePeriod: graceHours * 3600)
      let done = try commandFailure { () throws(StageFailure) in
        try cache.collect(rules, isDryRun: dryRun)
      }
      print(
        "\(dryRun ? "would remove" : "removed") \(done.recordCount) finished stages,"
          + " \(done.objectCount) objects, \(bytes(done.byteCount));"
          + " \(bytes(done.keptByteCount)) \(dryRun ? "would stay" : "stay")")
      if let maximum = rules.maximumByteCount, done.keptByteCount > maximum {
        print(
          "that is more than \(bytes(maximum)): the rest is kept, or younger than"
            + " \(graceHours) hours (--grace-hours)")
      }
    }

    /// The actions that a pipeline would take from the cache, or that a run left.
    private func keys(
      of path: String, in cache: PipelineCache
    ) throws(CommandFailure) -> Set<ActionKey> {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
        return try keys(ofRunIn: path)
      }
      let options = PipelineOptions(pipeline: path, input: input)
      let manifest = try options.load()
      let plans =
        manifest.instances.isEmpty
        ? [PipelinePlan(graph: manifest.graph, cache: cache)]
        : ManyPlans(
          manifest.instances.map { ($0.key, $0.graph) }, cache: cache,
          threads: ProcessInfo.processInfo.activeProcessorCount
        ).plans.map(\.plan)
      // A root that is not known must not count as one that is not there.
      for plan in plans { try PlanText.failIfBlocked(plan) }
      return Set(plans.flatMap(\.steps).compactMap(\.key))
    }

    /// What is read of a run's record.
    private struct RunRecord: Decodable {
      var run: RunReport
    }

    /// Of the run, or of every run of a batch, each of which has a folder below.
    private func keys(ofRunIn folder: String) throws(CommandFailure) -> Set<ActionKey> {
      var keys = try recordedKeys(in: folder)
      for run in OutputFolder(path: folder).leftovers(besides: []) {
        keys.formUnion(try recordedKeys(in: "\(folder)/\(run)"))
      }
      return keys
    }

    private func recordedKeys(in folder: String) throws(CommandFailure) -> Set<ActionKey> {
      let path = folder + "/provenance/run.json"
      guard let data = FileManager.default.contents(atPath: path),
        let record = try? RecordJSON.value(RunRecord.self, from: data)
      else {
        throw CommandFailure(
          .usage, "--keep \(folder): there is no record of a run in \(path)",
          remedy: "name the output folder of a run, or a pipeline")
      }
      return Set(record.run.stages.compactMap(\.key))
    }

    /// "20GB" in bytes; nil where it is no size.
    static func byteCount(_ text: String) -> Int? {
      let digits = text.prefix { $0.isNumber || $0 == "." }
      let unit = text.dropFirst(digits.count).drop { $0 == " " }
      let factors = ["": 1.0, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12]
      guard let number = Double(digits), let factor = factors[String(unit)],
        number * factor < 1e18
      else { return nil }
      return Int(number * factor)
    }
  }
}
