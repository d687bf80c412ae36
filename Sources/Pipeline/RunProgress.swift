// The state of a run: what is concluded, what may start, and which values are still needed.
internal import Digest

/// Decides what happens next in a run. Owned by one task, so it needs no lock.
struct RunProgress {
  private let plan: PipelinePlan
  /// Stages in the order in which those that may start have their turn.
  private let startOrder: [StageNode]
  private let resources: RunResources
  private var reports: [String: StageReport] = [:]
  /// Stages that were not started.
  private var pending: Set<String>
  /// Stages whose action another stage is just computing, by key.
  private var followers: [ActionKey: [StageNode]] = [:]
  private var leaders: Set<ActionKey> = []
  private var values: [OutputReference: any StageValue] = [:]
  /// Stages whose cached outputs proved unusable, with the reason.
  private var rejected: [String: RunReason] = [:]
  /// Stages that could not read such an output, each with the outputs that it was sent back for.
  private var sentBack: [String: Set<OutputReference>] = [:]
  private var cacheNotes: [Note] = []
  private let consumers: [OutputReference: [String]]
  private let inputNames: [String: Set<String>]

  private var graph: PipelineGraph { plan.graph }

  init(plan: PipelinePlan, resources: RunResources) {
    self.plan = plan
    startOrder = plan.graph.startOrder
    self.resources = resources
    pending = Set(plan.graph.stages.map(\.name))
    consumers = plan.graph.consumers
    inputNames = plan.graph.inputNames
  }

  /// Reports in the graph's order; every stage has one when the run is over.
  var stageReports: [StageReport] { graph.stages.compactMap { reports[$0.name] } }

  /// Concludes what the plan decided: hits, and stages whose input file cannot be read.
  mutating func concludePlanned() {
    for (node, step) in zip(graph.stages, plan.steps) {
      switch step.decision {
      case .hit(let record): concludeHit(node, record, key: step.key)
      // What was interrupted is concluded like all that did not begin.
      case .blocked(.failure(let failure)) where failure.category != .interrupted:
        conclude(StageReport(node, outcome: .failed(failure)))
      case .blocked, .run: break
      }
    }
  }

  /// The next stage that may start; concludes what cannot start any more.
  mutating func nextJob() -> StageJob? {
    for node in startOrder where pending.contains(node.name) {
      let feeders = Set(node.inputs.values.map(\.stage)).sorted()
      let concluded = feeders.compactMap { reports[$0] }
      let failed = Set(concluded.flatMap(Self.blockers)).sorted()
      if !failed.isEmpty {
        conclude(StageReport(node, outcome: .blocked(by: failed)))
      } else if resources.cancellation.isCancelled
        || concluded.contains(where: { $0.outcome == .cancelled })
      {
        conclude(StageReport(node, outcome: .cancelled))
      } else if concluded.count == feeders.count, hasWhatItMissed(node), let job = job(for: node) {
        return job
      }
    }
    return nil
  }

  /// Whether what it was sent back for is there again; it may be far above the stages that feed it.
  private func hasWhatItMissed(_ node: StageNode) -> Bool {
    sentBack[node.name]?.allSatisfy { reports[$0.stage] != nil } ?? true
  }

  private static func blockers(_ report: StageReport) -> [String] {
    switch report.outcome {
    case .failed: return [report.name]
    case .blocked(let stages): return stages
    case .hit, .ran, .cancelled: return []
    }
  }

  /// nil where the same action is being computed already, or has no key.
  private mutating func job(for node: StageNode) -> StageJob? {
    let (preimage, _) = resources.lookup.preimage(of: node) { output($0) }
    let key: ActionKey
    do { key = try preimage.key() } catch {
      conclude(
        StageReport(
          node, outcome: .failed(StageFailure(.failed, "stage \(node.name): \(error)"))))
      return nil
    }
    pending.remove(node.name)
    if !leaders.insert(key).inserted {
      followers[key, default: []].append(node)
      return nil
    }
    let inputs = StageInputs(node.inputs.compactMapValues { values[$0] })
    // What no other stage waits for is the job's alone: it may change it in place.
    dropUnneededValues()
    return StageJob(
      node: node, preimage: preimage, key: key, reasons: rejected[node.name].map { [$0] },
      source: resources.source(reports.mapValues(\.outputs)),
      inputs: inputs,
      outputKinds: graph.outputKinds(of: node), inputNames: inputNames[node.name] ?? [],
      resources: resources)
  }

  private func output(_ reference: OutputReference) -> OutputRecord? {
    reports[reference.stage]?.outputs[reference.port]
  }

  /// Takes in how a job ended, and concludes the stages that waited for the same action.
  mutating func absorb(_ outcome: JobOutcome) {
    guard let node = graph[outcome.stage] else { return }
    let waiting = followers.removeValue(forKey: outcome.key) ?? []
    leaders.remove(outcome.key)
    note(outcome.reasons, stage: node.name)
    for (reference, value) in outcome.decoded { values[reference] = value }
    switch outcome.result {
    case .hit(let record):
      for node in [node] + waiting { concludeHit(node, record, key: outcome.key) }
    case .ran(let record, let values):
      for (port, value) in values where isShown(node) || waiting.contains(where: isShown) {
        if let output = record.outputs[port] { resources.retained.keep(value, output) }
      }
      for node in [node] + waiting {
        for (port, value) in values {
          self.values[OutputReference(stage: node.name, port: port)] = value
        }
      }
      concludeRun(node, record, outcome)
      for node in waiting { concludeHit(node, record, key: outcome.key) }
    case .unreadable(let reference, let reason):
      pending.formUnion(waiting.map(\.name))
      reject(reference, reason, for: node, outcome)
    case .failed(let failure):
      for node in [node] + waiting { concludeFailure(node, failure, outcome) }
    case .elsewhere: preconditionFailure("a job that is to be asked again has not ended")
    }
    dropUnneededValues()
  }

  /// Whether somebody will ask for the stage's values when the run is over.
  private func isShown(_ node: StageNode) -> Bool {
    graph.results.contains(node.name)
      || !node.type.outputs.contains {
        consumers[OutputReference(stage: node.name, port: $0.name)] != nil
      }
  }

  /// Sends the stage that left an unusable object back to work, once, and each that wanted the object too.
  private mutating func reject(
    _ reference: OutputReference, _ reason: RunReason, for node: StageNode, _ outcome: JobOutcome
  ) {
    let isOwn = rejected[reference.stage] == nil && reports[reference.stage]?.outcome == .ran
    guard !isOwn, sentBack[node.name, default: []].insert(reference).inserted else {
      let failure = StageFailure(
        .failed, "stage \(node.name): \(reference) cannot be read back: \(reason)")
      concludeFailure(node, failure, outcome)
      return
    }
    pending.insert(node.name)
    // Another may have found it first; of two, one found the damage and the other nothing any more.
    if rejected[reference.stage] == nil {
      reject(reference, reason)
    } else {
      note([reason], stage: reference.stage)
    }
  }

  /// Sends the stage that left an unusable object back to work.
  mutating func reject(_ reference: OutputReference, _ reason: RunReason) {
    rejected[reference.stage] = reason
    note([reason], stage: reference.stage)
    reports[reference.stage] = nil
    pending.insert(reference.stage)
  }

  private mutating func concludeHit(_ node: StageNode, _ record: ActionRecord, key: ActionKey?) {
    var report = StageReport(
      node, outcome: .hit(computedByRunID: record.runID, at: record.started))
    report.key = key
    report.fill(from: record)
    conclude(report)
  }

  private mutating func concludeRun(
    _ node: StageNode, _ record: ActionRecord, _ outcome: JobOutcome
  ) {
    var report = StageReport(node, outcome: .ran)
    report.key = outcome.key
    report.reasons = reasons(of: node, outcome)
    report.fill(from: record)
    conclude(report)
  }

  private mutating func concludeFailure(
    _ node: StageNode, _ failure: StageFailure, _ outcome: JobOutcome
  ) {
    let wasStopped = failure.category == .interrupted
    var report = StageReport(node, outcome: wasStopped ? .cancelled : .failed(failure))
    report.key = outcome.key
    report.preimage = resources.lookup.preimage(of: node) { output($0) }.preimage
    report.reasons = reasons(of: node, outcome)
    report.started = outcome.started
    report.duration = outcome.duration
    conclude(report)
  }

  /// The plan's words where it saw more than the stage itself: what upstream set it off.
  private func reasons(of node: StageNode, _ outcome: JobOutcome) -> [String] {
    if case .run(let planned) = plan[node.name]?.decision,
      !outcome.reasons.contains(where: \.isDamage)
    {
      return planned.map(\.description)
    }
    return outcome.reasons.map(\.description)
  }

  private mutating func conclude(_ report: StageReport) {
    pending.remove(report.name)
    reports[report.name] = report
    resources.sink.send(.stageFinished(report))
  }

  private mutating func note(_ reasons: [RunReason], stage: String) {
    for reason in reasons where reason.isDamage {
      let note = Note(.warning, "cache: stage \(stage): \(reason); it is computed again")
      if cacheNotes.contains(note) { continue }
      cacheNotes.append(note)
      resources.sink.send(.cacheNoted(note))
    }
  }

  /// Keeps a value in memory only while a stage that did not start may need it.
  private mutating func dropUnneededValues() {
    let waiting = pending.union(followers.values.flatMap { $0 }.map(\.name))
    for reference in values.keys {
      let isNeeded = consumers[reference]?.contains { waiting.contains($0) } ?? false
      if !isNeeded { values[reference] = nil }
    }
  }
}
