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
      let width = StageCatalog.dpc.names.map(\.count).max() ?? 0
      for type in StageCatalog.dpc.types {
        WrappedText.print(
          "\(type.name.padding(to: width))  \(type.summary)", indent: width + 2)
      }
      return
    }
    guard let text = StageHelp.text(for: type, in: .dpc) else {
      throw CommandFailure(
        .usage, "there is no stage type '\(type)'",
        remedy: Spelling.suggestion(for: type, among: StageCatalog.dpc.names)
          ?? "dpc stages lists them")
    }
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      // What is copied into a manifest keeps its lines.
      isExample = isExample || line == "example:"
      if isExample {
        printLine(String(line))
      } else {
        WrappedText.print(String(line), indent: line.prefix { $0 == " " }.count + 2)
      }
    }
  }
}
