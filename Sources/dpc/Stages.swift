// dpc stages: every stage type with its ports and parameters.
import ArgumentParser
import DPCStages
import Pipeline
import PipelineManifest
import ShownText

struct Stages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages",
    abstract: "List the stage types, or describe one with all its parameters.",
    discussion: "Example: dpc stages deflection")

  @Argument(help: "A stage type.")
  var type: String?

  func run() throws {
    guard let type else {
      print(StageHelp.list(.dpc), terminator: "")
      return
    }
    guard let text = StageHelp.text(for: type, in: .dpc) else {
      throw CommandFailure(
        .usage, "there is no stage type '\(type)'",
        remedy: Spelling.suggestion(for: type, among: StageCatalog.dpc.names)
          ?? "dpc stages lists them")
    }
    print(text, terminator: "")
  }
}
