// dpc cache: where finished stages are kept, whether they are sound, and how to be rid of them.
import ArgumentParser
import Pipeline

struct Cache: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Look after the cache: what it holds, whether it is sound, what may go.",
    discussion: "Example: dpc cache verify",
    subcommands: [List.self, Verify.self, Collect.self, Clear.self], defaultSubcommand: List.self)

  struct Options: ParsableArguments {
    @Option(help: "The cache folder (default: dpc in your cache folder).")
    var cache: String?

    /// - Throws: `CommandFailure` where the folder that is named holds no cache: a slip of the pen must not pass
    ///   as an empty cache, or a sound one.
    func open() throws(CommandFailure) -> PipelineCache {
      let place = PipelineCache(path: try CacheLocation.resolved(cache))
      if let cache, !place.exists {
        throw CommandFailure(
          .usage, "\(cache): no cache of dpc",
          remedy: "name the folder that runs were given by --cache; without --cache it is your own")
      }
      return place
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Tell where the cache is and what it holds.",
      discussion: "Example: dpc cache list")
    @OptionGroup var options: Options

    @Option(help: OutputFormat.help)
    var format: OutputFormat = .text

    /// The layout of `--format json`.
    private struct Document: Encodable {
      let schema = "dpc-cache/1"
      let path: String
      let recordCount: Int
      let objectCount: Int
      let byteCount: Int
      let leaseCount: Int
      let stageTypes: [PipelineCache.Holding]
    }

    func run() throws {
      let cache = try options.open()
      let (contents, holdings) = try commandFailure { () throws(StageFailure) in
        (try cache.contents(), try cache.holdings())
      }
      if format == .json {
        return try printJSON(
          Document(
            path: cache.path, recordCount: contents.recordCount,
            objectCount: contents.objectCount, byteCount: contents.byteCount,
            leaseCount: contents.leaseCount, stageTypes: holdings))
      }
      print("\(cache.path)")
      print(
        "  \(contents.recordCount) finished stages, \(contents.objectCount) objects,"
          + " \(bytes(contents.byteCount))")
      if contents.leaseCount > 0 { print("  \(contents.leaseCount) being computed") }
      let width = holdings.map(\.stageType.count).max() ?? 0
      for holding in holdings {
        print(
          "  \(holding.stageType.padding(to: width))  \(holding.recordCount) finished,"
            + " \(bytes(holding.byteCount)), \(seconds(holding.duration)) of work,"
            + " the newest \(holding.newest)")
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Read everything in the cache again and name what is damaged.",
      discussion: """
        Ends with 5 where something is damaged and not removed. What is removed is computed again.

        Example: dpc cache verify --repair
        """)
    @OptionGroup var options: Options

    @Flag(help: "Remove what is damaged.")
    var repair = false

    func run() throws {
      let cache = try options.open()
      let found = try commandFailure { () throws(StageFailure) in
        try cache.verify(isRepairing: repair)
      }
      for path in found.damage { print("damaged\(repair ? ", removed" : ""): \(path)") }
      if found.incompleteRecordCount > 0 {
        print("\(found.incompleteRecordCount) finished stages lack an object: computed again")
      }
      let state =
        found.isSound
        ? "all sound" : "\(found.damage.count) damaged" + (repair ? ", removed" : "")
      print(
        "\(found.objectCount) objects (\(bytes(found.byteCount))), \(found.recordCount) records:"
          + " \(state)")
      if !found.isSound && !repair {
        throw CommandFailure(
          .machine, "\(cache.path): \(found.damage.count) damaged files",
          remedy: "dpc cache verify --repair removes them; what they held is computed again")
      }
    }
  }

  struct Clear: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "clear",
      abstract: "Remove finished stages: all, or those older than some days.",
      discussion: "Example: dpc cache clear --older-than-days 30")
    @OptionGroup var options: Options

    @Option(help: "Keep what was computed or used within this many days.")
    var olderThanDays: Double?

    func validate() throws {
      if let olderThanDays, !(olderThanDays >= 0 && olderThanDays < 1e5) {
        throw ValidationError(
          "--older-than-days takes a number of days, 0 or more and below 100000, not \(olderThanDays)"
        )
      }
    }

    func run() throws {
      let cache = try options.open()
      guard let days = olderThanDays else {
        let contents = try commandFailure { () throws(StageFailure) in
          let contents = try cache.contents()
          try cache.clear()
          return contents
        }
        print(
          "removed \(contents.recordCount) finished stages, \(contents.objectCount) objects,"
            + " \(bytes(contents.byteCount)): \(cache.path) is empty")
        return
      }
      let removed = try commandFailure { () throws(StageFailure) in
        try cache.collect(.init(keepsOnlyRoots: true, gracePeriod: days * 86_400))
      }
      print(
        "removed \(removed.recordCount) finished stages, \(removed.objectCount) objects,"
          + " \(bytes(removed.byteCount))")
    }
  }
}
