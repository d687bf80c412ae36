// Explains a plan against the records of the cache.
internal import Digest

extension PipelinePlan {
  /// Why each stage would run, and what that is expected to cost. Reads records, runs nothing.
  ///
  /// Stages that never ran under this name are expected to cost what others of their type did on
  /// average; never throws, since what cannot be read only explains less.
  public func explanation() -> PlanExplanation {
    explanation(MeanCosts(runCount > 0 ? lookup.cache : nil))
  }

  func explanation(_ costs: MeanCosts) -> PlanExplanation {
    PlanExplanation(
      pipeline: graph.name, stages: zip(graph.stages, steps).map { explain($0, $1, costs) })
  }

  private func explain(
    _ node: StageNode, _ step: PlanStep, _ costs: MeanCosts
  ) -> StageExplanation {
    var explained = StageExplanation(
      stage: step.stage, type: step.type, decision: .hit, key: step.key, reasons: [], causes: [],
      differences: [])
    switch step.decision {
    case .hit(let record):
      explained.computed = .init(
        runID: record.runID, started: record.started, duration: record.duration,
        byteCount: record.byteCount)
    case .blocked(let reason):
      explained.decision = .blocked
      switch reason {
      case .failure(let failure): explained.reasons = [failure.message]
      case .upstream(let stages):
        explained.reasons = ["blocked by " + stages.joined(separator: ", ")]
      }
    case .run(let reasons):
      explained.decision = .run
      explained.reasons = reasons.map(\.description)
      explained.causes = causes(of: step.stage)
      let (preimage, unknownPorts) = present(node)
      if let nearest = lookup.latest.nearest(
        of: step.stage, to: preimage, ignoring: unknownPorts)
      {
        explained.differences = preimage.fieldDifferences(
          from: nearest.preimage, ignoring: unknownPorts)
      }
      explained.expected =
        lookup.latest[step.stage].map {
          ExpectedCost(
            duration: $0.duration, byteCount: $0.byteCount, recordCount: 1, isOwn: true)
        } ?? costs[step.type]
    }
    return explained
  }

  /// The stage's action as far as it is known now.
  private func present(
    _ node: StageNode
  ) -> (preimage: ActionPreimage, unknownPorts: Set<String>) {
    lookup.preimage(of: node) { source in
      guard case .hit(let record)? = self[source.stage]?.decision else { return nil }
      return record.outputs[source.port]
    }
  }

  /// The reasons of a stage that are its own, and those of the stages that set it off.
  private func causes(of stage: String) -> [StageExplanation.Cause] {
    guard case .run(let reasons)? = self[stage]?.decision else { return [] }
    var found: [StageExplanation.Cause] = []
    for reason in reasons {
      let new: [StageExplanation.Cause]
      if case .upstream(let feeder, _) = reason {
        new = causes(of: feeder)
      } else {
        new = [.init(stage: stage, reason: reason.description)]
      }
      for cause in new where !found.contains(cause) { found.append(cause) }
    }
    return found
  }
}

extension ActionRecord {
  /// Of all outputs together.
  var byteCount: Int { outputs.values.reduce(0) { $0 + $1.byteCount } }
}

/// What stages of each type cost on average.
struct MeanCosts {
  private let byType: [String: ExpectedCost]

  /// - Parameter cache: nil where nothing is to run, and nothing need be known.
  init(_ cache: PipelineCache?) {
    let records = (try? cache?.records()) ?? []
    byType = Dictionary(grouping: records, by: \.preimage.stageType).mapValues { records in
      ExpectedCost(
        duration: records.reduce(0) { $0 + $1.duration } / Double(records.count),
        byteCount: records.reduce(0) { $0 + $1.byteCount } / records.count,
        recordCount: records.count, isOwn: false)
    }
  }

  subscript(type: String) -> ExpectedCost? { byType[type] }
}
