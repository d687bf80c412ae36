// The plan of many runs: equal reasons over acquisitions told once.
import ArgumentParser
import Foundation
import Pipeline
import PipelineManifest

struct ManyPlanText {
  private let manifest: LoadedManifest
  private let many: ManyPlans

  init(_ manifest: LoadedManifest, _ cache: PipelineCache, threads: Int) {
    self.manifest = manifest
    many = ManyPlans(
      manifest.instances.map { ($0.key, $0.graph) }, cache: cache, threads: threads)
  }

  /// The layout of the JSON.
  private struct Document: Encodable {
    let schema = "dpc-explanations/1"
    let pipeline: String
    let causes: [SharedCause]
    let instances: [Instance]
    /// Keys of folders of earlier runs that belong to none of these; nil where nobody asked.
    let leftovers: [String]?

    struct Instance: Encodable {
      let key: String
      let explanation: PlanExplanation
    }
  }

  /// What happens to a stage, over all instances that it happens to.
  private struct Line: Hashable {
    var decision: String
    var stage: String
    var reason: String
  }

  /// - Parameters:
  ///   - format: How it is printed.
  ///   - folder: Where results of earlier runs may stand.
  func printPlan(_ format: OutputFormat, _ folder: OutputFolder) throws {
    let leftovers = folder.leftovers(besides: many.plans.map(\.key))
    if format == .json { return try printDocument(leftovers: leftovers) }
    let width = manifest.graph.stages.map(\.name.count).max() ?? 0
    for (line, keys) in lines {
      let text = "\(line.decision.padding(to: 7))  \(line.stage.padding(to: width))"
      let reason = line.reason.isEmpty ? "" : "  \(line.reason)"
      WrappedText.print(
        "\(text)\(reason)  (\(KeyList.text(keys, of: many.plans.count)))", indent: width + 11)
    }
    printTotals()
    if let line = KeyList.leftovers(leftovers, in: folder.path) { print(line) }
    try failIfBlocked()
  }

  /// When, where and how the stages were computed last.
  func printLogs(stage: String?, _ format: OutputFormat, _ cache: PipelineCache) throws {
    try StageLogText(
      manifest.name, cache, many.plans.map { (key: $0.key, plan: $0.plan) }, stage: stage
    ).printAll(format)
  }

  /// Why stages run, down to the first causes.
  func printExplanation(stage: String?, _ format: OutputFormat) throws {
    if format == .json { return try printDocument(stage: stage) }
    let causes = SharedCause.groups(many.explanations())
      .filter { cause in stage.map { cause.stages.contains($0) } ?? true }
    for cause in causes {
      WrappedText.print(
        "\(cause.stage) because \(cause.reason): \(cause.stages.joined(separator: ", "))"
          + "  (\(KeyList.text(cause.instances, of: many.plans.count)))", indent: 4)
    }
    for (line, keys) in lines where line.decision == "blocked" {
      WrappedText.print(
        "\(line.stage) blocked \(line.reason)  (\(KeyList.text(keys, of: many.plans.count)))",
        indent: 4)
    }
    printTotals()
    try failIfBlocked()
  }

  private func printDocument(stage: String? = nil, leftovers: [String]? = nil) throws {
    let explanations = many.explanations()
    let instances = explanations.map { key, explanation in
      var explanation = explanation
      if let stage { explanation.stages.removeAll { $0.stage != stage } }
      return Document.Instance(key: key, explanation: explanation)
    }
    try printJSON(
      Document(
        pipeline: manifest.name, causes: SharedCause.groups(explanations), instances: instances,
        leftovers: leftovers))
    try failIfBlocked()
  }

  /// In the order of the stages, hits first, then by how many there are.
  private var lines: [(line: Line, keys: [String])] {
    var keys: [Line: [String]] = [:]
    for (key, plan) in many.plans {
      for step in plan.steps {
        if let line = Self.line(step) { keys[line, default: []].append(key) }
      }
    }
    let order = Dictionary(
      manifest.graph.stages.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { $1 })
    return keys.sorted { first, second in
      let (a, b) = (first.key, second.key)
      let stages = (order[a.stage] ?? 0, order[b.stage] ?? 0)
      return (stages.0, a.decision, -first.value.count, a.reason)
        < (stages.1, b.decision, -second.value.count, b.reason)
    }.map { ($0.key, $0.value) }
  }

  /// nil for a stage below one that is blocked, of which there is nothing more to say.
  private static func line(_ step: PlanStep) -> Line? {
    switch step.decision {
    case .hit: return Line(decision: "hit", stage: step.stage, reason: "")
    case .run(let reasons):
      let text = reasons.map { first($0).description }.joined(separator: "; ")
      return Line(decision: "run", stage: step.stage, reason: text)
    case .blocked(.failure(let failure)):
      return Line(decision: "blocked", stage: step.stage, reason: failure.message)
    case .blocked(.upstream): return nil
    }
  }

  /// The stage that sets it off, and its reason, without those that only pass it on.
  private static func first(_ reason: RunReason) -> RunReason {
    if case .upstream(_, let deeper) = reason, case .upstream = deeper { return first(deeper) }
    return reason
  }

  private func printTotals() {
    let plans = many.plans.map(\.plan)
    let (hits, runs, blocked) = (
      plans.reduce(0) { $0 + $1.hitCount }, plans.reduce(0) { $0 + $1.runCount },
      plans.reduce(0) { $0 + $1.blockedCount }
    )
    print(
      "\(plans.count) runs: \(hits) stages from the cache, \(runs) to run, \(blocked) blocked")
    if runs == 0 { return }
    let expected = many.explanations().map(\.explanation.expected)
    let duration = expected.reduce(0) { $0 + $1.duration }
    if duration > 0 {
      print(
        "expected: \(seconds(duration)) of work and"
          + " \(bytes(expected.reduce(0) { $0 + $1.byteCount })), as in the runs on record")
    }
    let unknown = Set(expected.flatMap(\.unknown)).sorted()
    if !unknown.isEmpty {
      WrappedText.print("never run before: \(unknown.joined(separator: ", "))", indent: 18)
    }
  }

  /// Ends as the run would: refused where nothing can be done, partial where something can.
  private func failIfBlocked() throws {
    let blocked = many.plans.filter { $0.plan.blockedCount > 0 }
    if blocked.isEmpty { return }
    if blocked.count < many.plans.count { ExitStatus.partial.exit() }
    for (_, plan) in blocked { try PlanText.failIfBlocked(plan) }
  }
}
