// dpc graph: the pipeline as a drawing for Mermaid or Graphviz.
import ArgumentParser
import PipelineManifest

struct Graph: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Draw a pipeline as Mermaid or Graphviz text.",
    discussion: "Example: dpc graph Pipelines/top-view.yaml --format dot | dot -Tsvg > graph.svg")

  enum Format: String, ExpressibleByArgument, CaseIterable { case mermaid, dot }

  @OptionGroup var options: PipelineOptions

  @Option(help: "The language of the drawing.")
  var format: Format = .mermaid

  func run() throws {
    let graph = try options.load().graph
    switch format {
    case .mermaid: print(GraphDrawing.mermaid(graph), terminator: "")
    case .dot: print(GraphDrawing.dot(graph), terminator: "")
    }
  }
}
