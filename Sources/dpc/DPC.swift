// dpc: from segmented-detector acquisitions to electric-field maps. Subcommands, one file each.
import ArgumentParser
import CMalloc
import DPCStages
import Pipeline
import ShownText

@main
struct DPC: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpc",
    abstract: "Quantitative electric-field maps from segmented-detector DPC-STEM.",
    discussion: """
      An acquisition (HDF5) goes through a pipeline (YAML); figures, result.h5 and the record of how \
      they were made come out. Finished stages are kept in a cache and never computed twice.

      Example: dpc run Pipelines/top-view.yaml --input acquisition=scan.h5 --output results
      """,
    version: dpcVersion,
    subcommands: [
      Run.self, Plan.self, Explain.self, Graph.self, Stages.self, Inspect.self, Simulate.self,
      Schema.self, Cache.self, ProvenanceCommand.self, Diff.self, Methods.self, Reproduce.self,
    ])

  static func main() async {
    keepFreedMemory()
    endOrderlyOnCrash(exitCode: ExitStatus.inputRefused.code)
    do {
      var command = try parsed(Array(CommandLine.arguments.dropFirst()))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      ExitStatus.done.exit()
    } catch  where exitCode(for: error).isSuccess {
      // Such as the help, which is a command that fails with what it has to say.
      exit(reporting: error)
    } catch let failure as CommandFailure {
      failure.report()
      failure.status.exit()
    } catch let failure as StageFailure {
      CommandFailure(failure).report()
      ExitStatus(failure.category).exit()
    } catch {
      CommandFailure(
        .nothingProduced, "\(error)",
        remedy: "this should not happen: please report it with the command"
      ).report()
      ExitStatus.nothingProduced.exit()
    }
  }

  private static func parsed(_ words: [String]) throws(CommandFailure) -> any ParsableCommand {
    try checkCommand(words)
    let checked = try CommandWords.checked(words)
    do { return try parseAsRoot(checked) } catch { exit(reporting: error) }
  }

  /// Has freed memory used again rather than given back: a map of some megabytes then is not zeroed by the
  /// system anew each time a stage makes one, which takes longer than most stages' arithmetic. One pool
  /// for all threads, for what one thread frees another asks for.
  private static func keepFreedMemory() {
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, Int32.max)
    mallopt(M_ARENA_MAX, 1)
  }

  /// Names the command that was mistyped; what follows it is not to blame.
  private static func checkCommand(_ words: [String]) throws(CommandFailure) {
    // What help is asked for is a command too.
    let command = words.first == "help" ? words.dropFirst() : words[...]
    try check(command.first, of: configuration.subcommands, "")
    if command.first == Cache.configuration.commandName {
      try check(command.dropFirst().first, of: Cache.configuration.subcommands, "cache ")
    }
  }

  private static func check(
    _ word: String?, of commands: [any ParsableCommand.Type], _ prefix: String
  ) throws(CommandFailure) {
    let names = commands.compactMap { $0.configuration.commandName }
    guard let word, !word.hasPrefix("-"), word != "help", !names.contains(word) else { return }
    throw CommandFailure(
      .usage, "there is no command '\(prefix)\(word)'",
      remedy: Spelling.suggestion(for: word, among: names) ?? "dpc \(prefix)--help lists them")
  }

  /// Help and version go to standard output; a mistyped command line is a usage error.
  private static func exit(reporting error: any Error) -> Never {
    let text = fullMessage(for: error)
    if exitCode(for: error).isSuccess {
      print(text)
      ExitStatus.done.exit()
    }
    // The parser's errors begin as all others do, for whoever seeks them in a log.
    let parsers = "Error: "
    Terminal.printError(
      text.hasPrefix(parsers) ? "error: " + text.dropFirst(parsers.count) : text)
    ExitStatus.usage.exit()
  }
}

/// The version of the tool, as every result records it.
let dpcVersion = "0.1.0"
