// dpc plan: what a run would do, and why, without doing it.
import ArgumentParser
import Pipeline
import PipelineManifest

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a run would do: hit, run or blocked for each stage, and why.",
    discussion: "Example: dpc plan Pipelines/top-view.yaml --input acquisition=scan.h5")

  @OptionGroup var options: PipelineOptions

  @Option(help: PlanFormat.help)
  var format: PlanFormat = .text

  func run() throws {
    let plan = PipelinePlan(graph: try options.load().graph, cache: try options.openCache())
    try PlanText.printPlan(plan, format: format)
    PlanText.printPrograms(plan.graph, format)
    try PlanText.failIfBlocked(plan)
  }
}
