// dpc plan: what a run would do, and why, without doing it.
import ArgumentParser
import Pipeline
import PipelineManifest

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a run would do: hit, run or blocked for each stage, and why.",
    discussion: "Example: dpc plan Pipelines/top-view.yaml --input acquisition=scan.h5")

  @OptionGroup var options: PipelineOptions

  func run() throws {
    let plan = PipelinePlan(graph: try options.load().graph, cache: try options.openCache())
    PlanText.printPlan(plan)
    try PlanText.failIfBlocked(plan)
  }
}

/// A plan as text.
enum PlanText {
  static func printPlan(_ plan: PipelinePlan) {
    let width = plan.steps.map(\.stage.count).max() ?? 0
    for step in plan.steps {
      let name = step.stage.padding(to: width)
      switch step.decision {
      case .hit: print("hit      \(name)")
      case .run(let reasons):
        print("run      \(name)  \(reasons.map(\.description).joined(separator: "; "))")
      case .blocked(.failure(let failure)): print("blocked  \(name)  \(failure.message)")
      case .blocked(.upstream(let stages)):
        print("blocked  \(name)  by \(stages.joined(separator: ", "))")
      }
    }
    print("\(plan.hitCount) from the cache, \(plan.runCount) to run, \(plan.blockedCount) blocked")
  }

  /// A plan that cannot be carried out ends the command as the run would.
  static func failIfBlocked(_ plan: PipelinePlan) throws(CommandFailure) {
    for step in plan.steps {
      if case .blocked(.failure(let failure)) = step.decision { throw CommandFailure(failure) }
    }
  }
}

extension String {
  /// Padded on the right with spaces.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
