// dpc plan: what a run would do, and why, without doing it.
import ArgumentParser
import Foundation
import Pipeline
import PipelineManifest

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what a run would do: hit, run or blocked for each stage, and why.",
    discussion: """
      Example: dpc plan Pipelines/top-view.yaml --input acquisition=scan.h5

      dpc run with --dry-run shows the same.
      """)

  @OptionGroup var options: PipelineOptions

  @Option(
    name: [.customShort("o"), .long],
    help: "The output folder, whose folders of rows that are gone are told (default: as for run).")
  var output: String?

  @Option(help: OutputFormat.help)
  var format: OutputFormat = .text

  func run() throws {
    let manifest = try options.load()
    let cache = try options.openCache()
    try PlanText.show(
      manifest, cache, threads: ProcessInfo.processInfo.activeProcessorCount, output: output,
      format: format)
  }
}
