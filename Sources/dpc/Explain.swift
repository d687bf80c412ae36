// dpc explain: why a stage would run, down to the parameter that changed.
import ArgumentParser
import Pipeline
import PipelineManifest

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain why stages would run, or what a cached stage stands on.",
    discussion: "Example: dpc explain Pipelines/top-view.yaml --stage potential")

  @OptionGroup var options: PipelineOptions

  @Option(help: "Only this stage.")
  var stage: String?

  func run() throws {
    let graph = try options.load().graph
    if let stage, graph[stage] == nil {
      throw CommandFailure(
        .usage, "there is no stage '\(stage)' in \(options.pipeline)",
        remedy: Spelling.suggestion(for: stage, among: graph.stages.map(\.name)))
    }
    let plan = PipelinePlan(graph: graph, cache: try options.openCache())
    for step in plan.steps where stage == nil || step.stage == stage { explain(step) }
    try PlanText.failIfBlocked(plan)
  }

  private func explain(_ step: PlanStep) {
    print(step.description)
    if stage != nil, let preimage = step.preimage { printKey(preimage) }
    if case .hit(let record) = step.decision, stage != nil {
      print("  computed \(record.started) in \(seconds(record.duration)) by run \(record.runID)")
    }
  }

  private func printKey(_ preimage: ActionPreimage) {
    print("  type \(preimage.stageType), algorithm version \(preimage.algorithmVersion)")
    for (key, value) in preimage.parameters.sorted(by: { $0.key < $1.key }) {
      print("  parameter \(key) = \(value)")
    }
    for (port, content) in preimage.inputs.sorted(by: { $0.key < $1.key }) {
      print("  input \(port): \(content.kind) \(content.digest.hex.prefix(16))")
    }
    for (key, digest) in preimage.files.sorted(by: { $0.key < $1.key }) {
      print("  file \(key): SHA-256 \(digest.hex)")
    }
  }
}

/// "0.12 s", "3 min 20 s".
func seconds(_ duration: Double) -> String {
  if duration >= 60 {
    return "\(Int(duration) / 60) min \(Int(duration) % 60) s"
  }
  let hundredths = Int((duration * 100).rounded())
  return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
}
