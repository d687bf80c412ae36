// What a run would do, stage by stage, found without running anything.
public import Digest

/// An input file of a pipeline as a run finds it.
public struct InputReport: Sendable, Equatable, Codable {
  /// The manifest's name for it.
  public var name: String
  public var path: String
  /// nil where it cannot be read.
  public var digest: SHA256Digest?
  /// Bytes; nil where it cannot be read.
  public var size: Int?
  public var failure: StageFailure?

  public init(
    name: String, path: String, digest: SHA256Digest? = nil, size: Int? = nil,
    failure: StageFailure? = nil
  ) {
    self.name = name
    self.path = path
    self.digest = digest
    self.size = size
    self.failure = failure
  }
}

/// What happens to one stage.
public struct PlanStep: Sendable {
  /// Taken from the cache, run for these reasons (never none), or not possible.
  public enum Decision: Sendable {
    case hit(ActionRecord)
    case run([RunReason])
    case blocked(BlockReason)
  }

  public enum BlockReason: Sendable, Equatable {
    /// An input file is missing or unreadable.
    case failure(StageFailure)
    /// These stages, upstream of it, cannot run.
    case upstream([String])
  }

  public var stage: String
  /// The stage type's name.
  public var type: String
  public var decision: Decision
  /// nil while the content of an input is not known, because what feeds it has still to run.
  public var preimage: ActionPreimage?
  public var key: ActionKey?
}

extension PlanStep: CustomStringConvertible {
  /// One line: "potential because field because thickness_nm 50 -> 52", "field: cached".
  public var description: String {
    switch decision {
    case .hit: return "\(stage): cached"
    case .run(let reasons):
      return "\(stage) because " + reasons.map(\.description).joined(separator: " and ")
    case .blocked(.failure(let failure)): return "\(stage): blocked: \(failure.message)"
    case .blocked(.upstream(let stages)):
      return "\(stage): blocked by " + stages.joined(separator: ", ")
    }
  }
}

/// The plan of a run. A stage below one that runs is planned to run too; should that one leave
/// what it left before, the run will find the stage in the cache after all.
public struct PipelinePlan: Sendable {
  public let graph: PipelineGraph
  /// In the graph's order.
  public let steps: [PlanStep]
  /// The inputs that a stage refers to, by name in order.
  public let inputs: [InputReport]
  let lookup: StageLookup

  public var hitCount: Int { steps.count { if case .hit = $0.decision { true } else { false } } }
  /// Whether nothing is to be computed.
  public var isAllHits: Bool { hitCount == steps.count }
  public var runCount: Int { steps.count { if case .run = $0.decision { true } else { false } } }
  public var blockedCount: Int { steps.count - hitCount - runCount }

  public subscript(stage: String) -> PlanStep? { steps.first { $0.stage == stage } }

  /// Digests the inputs (a stat for each that did not change) and looks every stage up.
  ///
  /// Never throws: what cannot be read is part of the plan.
  public init(graph: PipelineGraph, cache: PipelineCache) {
    self.init(graph: graph, cache: cache, early: nil)
  }

  /// - Parameters:
  ///   - known: Input files by path, as far as they were digested already.
  ///   - early: What may begin while files are digested.
  init(
    graph: PipelineGraph, cache: PipelineCache, known: [String: StageLookup.InputState] = [:],
    early: EarlyWork? = nil
  ) {
    self.graph = graph
    lookup = StageLookup(graph: graph, cache: cache, known: known, early: early)
    var planned: [String: PlanStep] = [:]
    for node in graph.stages { planned[node.name] = lookup.step(for: node, after: planned) }
    steps = graph.stages.compactMap { planned[$0.name] }
    inputs = lookup.inputReports
  }
}
