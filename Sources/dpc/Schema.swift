// dpc schema: a JSON Schema of the manifest, for editors.
import ArgumentParser
import DPCStages
import Pipeline
import PipelineManifest

struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print a JSON Schema of the manifest for editors.",
    discussion: "Example: dpc schema > dpc-pipeline.schema.json")

  func run() throws { print(JSONSchema.text(for: .dpc), terminator: "") }
}
