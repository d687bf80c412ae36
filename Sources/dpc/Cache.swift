// dpc cache: where finished stages are kept, whether they are sound, and how to be rid of them.
import ArgumentParser
import Pipeline

struct Cache: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look after the cache: what it holds, whether it is sound, what may go.",
    discussion: "Example: dpc cache verify",
    subcommands: [List.self, Verify.self, Clear.self], defaultSubcommand: List.self)

  struct Options: ParsableArguments {
    @Option(help: "The cache folder (default: dpc in your cache folder).")
    var cache: String?

    func open() throws(CommandFailure) -> PipelineCache {
      PipelineCache(path: try CacheLocation.resolved(cache))
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Tell where the cache is and how much it holds.",
      discussion: "Example: dpc cache list")
    @OptionGroup var options: Options

    func run() throws {
      let cache = try options.open()
      let contents = try commandFailure { () throws(StageFailure) in try cache.contents() }
      print("\(cache.path)")
      print(
        "  \(contents.recordCount) finished stages, \(contents.objectCount) objects,"
          + " \(bytes(contents.byteCount))")
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read everything in the cache again and remove what is damaged.",
      discussion: "Example: dpc cache verify")
    @OptionGroup var options: Options

    func run() throws {
      let cache = try options.open()
      let found = try commandFailure { () throws(StageFailure) in try cache.verify() }
      for path in found.damagedObjects + found.damagedRecords { print("damaged, removed: \(path)") }
      print(
        "\(found.objectCount) objects (\(bytes(found.byteCount))), \(found.recordCount) records: "
          + (found.isSound ? "all sound" : "the damaged ones will be computed again"))
    }
  }

  struct Clear: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove finished stages: all, or those older than some days.",
      discussion: "Example: dpc cache clear --older-than-days 30")
    @OptionGroup var options: Options

    @Option(help: "Keep what was computed within this many days.")
    var olderThanDays: Double?

    func validate() throws {
      if let olderThanDays, !(olderThanDays >= 0) {
        throw ValidationError("--older-than-days takes a number of days, 0 or more")
      }
    }

    func run() throws {
      let cache = try options.open()
      guard let days = olderThanDays else {
        try commandFailure { () throws(StageFailure) in try cache.clear() }
        print("\(cache.path): empty")
        return
      }
      let removed = try commandFailure { () throws(StageFailure) in
        try cache.removeResults(olderThan: days * 86_400)
      }
      print("removed \(removed.objectCount) objects, \(bytes(removed.byteCount))")
    }
  }
}

/// Runs what fails as a stage does and fails as a command does.
func commandFailure<Value>(
  _ body: () throws(StageFailure) -> Value
) throws(CommandFailure) -> Value {
  do { return try body() } catch { throw CommandFailure(error) }
}

/// "12 kB", "3.4 GB".
func bytes(_ count: Int) -> String {
  var value = Double(count)
  for unit in ["B", "kB", "MB", "GB", "TB"] {
    if value < 1000 || unit == "TB" {
      let tenths = Int((value * 10).rounded())
      let text = unit == "B" || tenths >= 100 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
      return "\(text) \(unit)"
    }
    value /= 1000
  }
  return "\(count) B"
}
