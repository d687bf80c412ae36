// dpc explain: why a stage would run, down to the parameter that changed.
import Digest
import ArgumentParser
import Foundation
import Pipeline
import PipelineManifest
import ShownText

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explain why stages would run, or what a cached stage stands on.",
    discussion: "Example: dpc explain Pipelines/top-view.yaml --stage potential")

  @OptionGroup var options: PipelineOptions

  @Option(help: "Only this stage.")
  var stage: String?

  @Flag(help: "Tell when, where and how a stage was computed, and what it said then.")
  var log = false

  @Option(help: OutputFormat.help)
  var format: OutputFormat = .text

  func run() throws {
    let manifest = try options.load()
    let graph = manifest.graph
    if let stage, graph[stage] == nil {
      throw CommandFailure(
        .usage, "there is no stage '\(stage)' in \(options.pipeline)",
        remedy: Spelling.suggestion(for: stage, among: graph.stages.map(\.name)))
    }
    let cache = try options.openCache()
    if !manifest.instances.isEmpty {
      let threads = ProcessInfo.processInfo.activeProcessorCount
      let text = ManyPlanText(manifest, cache, threads: threads)
      return log
        ? try text.printLogs(stage: stage, format, cache)
        : try text.printExplanation(stage: stage, format)
    }
    let plan = PipelinePlan(graph: graph, cache: cache)
    if log {
      return try StageLogText(graph.name, cache, [(key: nil, plan: plan)], stage: stage)
        .printAll(format)
    }
    var explanation = plan.explanation()
    if let stage { explanation.stages.removeAll { $0.stage != stage } }
    if format == .json {
      try printJSON(explanation)
    } else {
      for stage in explanation.stages { explain(stage, plan) }
      for (blockers, stages) in PlanText.blocked(plan).groups where stage == nil {
        WrappedText.print(
          "blocked by \(blockers.joined(separator: ", ")): \(stages.joined(separator: ", "))",
          indent: 4)
      }
      if stage == nil { printCauses(explanation) }
      PlanText.printExpectation(explanation)
    }
    try PlanText.failIfBlocked(plan)
  }

  private func explain(_ explained: StageExplanation, _ plan: PipelinePlan) {
    guard let step = plan[explained.stage] else { return }
    switch step.decision {
    case .run:
      let causes = PlanText.words(on: explained).joined(separator: " and ")
      WrappedText.print("\(step.stage) because \(causes)", indent: 4)
    // Told with the others that the same stages stand in the way of.
    case .blocked(.upstream) where stage == nil: return
    case .hit, .blocked: WrappedText.print(step.description, indent: 4)
    }
    for difference in explained.differences {
      WrappedText.print(
        "  \(difference.field): \(Self.short(difference.before)) ->"
          + " \(Self.short(difference.after))", indent: 4)
    }
    if let expected = explained.expected {
      print(
        "  expected \(seconds(expected.duration)) and \(bytes(expected.byteCount)), "
          + (expected.isOwn
            ? "as the last time" : "the mean of \(expected.recordCount) of its type"))
    }
    guard stage != nil else { return }
    if let preimage = step.preimage { printKey(preimage) }
    if let computed = explained.computed {
      print(
        "  computed \(computed.started) in \(seconds(computed.duration)) by run \(computed.runID)")
    }
  }

  /// A value as it was; of a digest the first digits, which tell two apart.
  private static func short(_ value: String?) -> String {
    guard let value else { return "none" }
    guard let range = value.range(of: "sha256:") else { return value }
    return String(value[..<range.upperBound] + value[range.upperBound...].prefix(12))
  }

  /// Where many stages run for one reason, that reason once.
  private func printCauses(_ explanation: PlanExplanation) {
    for (cause, stages) in explanation.causes where stages.count > 1 {
      WrappedText.print(
        "\(stages.count) stages because \(cause.stage) has \(cause.reason):"
          + " \(stages.joined(separator: ", "))", indent: 4)
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
