// A plan as text and as JSON: what each stage would do, why, and what that is expected to take.
import DPCStages
import Pipeline
import PipelineManifest

enum PlanText {
  /// What `plan` and `run --dry-run` tell: of one run, or of all that a manifest is over.
  ///
  /// - Parameters:
  ///   - threads: How many plans are made at once.
  ///   - output: The output folder, where results of earlier runs may stand; nil: the one that a run would take.
  static func show(
    _ manifest: LoadedManifest, _ cache: PipelineCache, threads: Int, output: String?,
    format: OutputFormat
  ) throws {
    if !manifest.instances.isEmpty {
      let folder = OutputFolder(path: try output ?? OutputFolder.defaultPath(manifest.name))
      return try ManyPlanText(manifest, cache, threads: threads).printPlan(format, folder)
    }
    let plan = PipelinePlan(graph: manifest.graph, cache: cache)
    try printPlan(plan, format: format)
    printPrograms(plan.graph, format)
    try failIfBlocked(plan)
  }

  private static func printPlan(_ plan: PipelinePlan, format: OutputFormat) throws {
    if format == .json { return try printJSON(plan.explanation()) }
    let explanation = plan.explanation()
    let width = plan.steps.map(\.stage.count).max() ?? 0
    for (step, explained) in zip(plan.steps, explanation.stages) {
      let name = step.stage.padding(to: width)
      switch step.decision {
      case .hit: print("hit      \(name)")
      case .run:
        let causes = words(on: explained).joined(separator: "; ")
        WrappedText.print("run      \(name)  \(causes)", indent: width + 11)
      case .blocked(.failure(let failure)):
        WrappedText.print("blocked  \(name)  \(failure.message)", indent: width + 11)
      case .blocked(.upstream): break
      }
    }
    for (blockers, stages) in blocked(plan).groups {
      WrappedText.print(
        "blocked  by \(blockers.joined(separator: ", ")): \(stages.joined(separator: ", "))",
        indent: 9)
    }
    print("\(plan.hitCount) from the cache, \(plan.runCount) to run, \(plan.blockedCount) blocked")
    printExpectation(explanation)
  }

  /// Why a stage runs, without the stages that only pass a reason on: "field because thickness_nm 50 -> 52".
  static func words(on explained: StageExplanation) -> [String] {
    explained.causes.map { cause in
      cause.stage == explained.stage ? cause.reason : "\(cause.stage) because \(cause.reason)"
    }
  }

  /// Stages below those that cannot run, together where the same ones stand in their way.
  static func blocked(_ plan: PipelinePlan) -> BlockedStages {
    var blocked = BlockedStages()
    for step in plan.steps {
      if case .blocked(.upstream(let blockers)) = step.decision {
        blocked.add(step.stage, by: blockers)
      }
    }
    return blocked
  }

  /// One line on time and room, where something is to run.
  static func printExpectation(_ explanation: PlanExplanation) {
    let expected = explanation.expected
    let known = explanation.stages.count { $0.decision == .run } - expected.unknown.count
    if known > 0 {
      print(
        "expected: \(seconds(expected.duration)) of work and \(bytes(expected.byteCount)),"
          + " as in the runs on record")
    }
    if !expected.unknown.isEmpty {
      let names =
        expected.unknown.count == explanation.stages.count
        ? "all \(expected.unknown.count) stages" : expected.unknown.joined(separator: ", ")
      WrappedText.print("never run before: \(names)", indent: 18)
    }
  }

  /// What a run of the pipeline has to be allowed.
  private static func printPrograms(_ graph: PipelineGraph, _ format: OutputFormat) {
    if format == .json || graph.programStages.isEmpty { return }
    let names = graph.programStages.map(\.name).joined(separator: ", ")
    print("programs of the pipeline's own choosing: \(names); a run needs --allow-exec")
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
