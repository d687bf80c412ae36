// The plans of many pipelines over one cache, with what they share looked up once.
internal import Dispatch
internal import Synchronization

/// The plans of pipelines that differ in their inputs or parameters.
public struct ManyPlans: Sendable {
  /// By the pipelines' keys, in order.
  public let plans: [(key: String, plan: PipelinePlan)]
  private let cache: PipelineCache

  /// Plans every pipeline, several at a time. An input file costs one stat, however many read it.
  ///
  /// - Parameters:
  ///   - pipelines: Key and graph of each.
  ///   - cache: Where finished stages are looked up.
  ///   - threads: How many may be planned at once.
  public init(
    _ pipelines: [(key: String, graph: PipelineGraph)], cache: PipelineCache, threads: Int
  ) {
    self.cache = cache
    var names: [String: String] = [:]
    for (_, graph) in pipelines {
      // Of two inputs with one file the first is named, the same each time.
      for name in Set(graph.stages.flatMap(\.fileParameters.values)).sorted() {
        if let path = graph.inputPaths[name], names[path] == nil { names[path] = name }
      }
    }
    let files = names.sorted { $0.key < $1.key }
    let counts = Dictionary(files.map { ($0.value, 1) }, uniquingKeysWith: +)
    let states = Self.map(files.count, threads: threads) { index in
      let (path, name) = files[index]
      return StageLookup.digest(name, path, cache, isOneOfMany: (counts[name] ?? 0) > 1)
    }
    let known = Dictionary(uniqueKeysWithValues: zip(files.map(\.key), states))
    let plans = Self.map(pipelines.count, threads: threads) {
      PipelinePlan(graph: pipelines[$0].graph, cache: cache, known: known)
    }
    self.plans = zip(pipelines, plans).map { ($0.key, $1) }
  }

  /// Why each stage of each would run, in the order of ``plans``.
  public func explanations() -> [(key: String, explanation: PlanExplanation)] {
    let costs = MeanCosts(plans.contains { $0.plan.runCount > 0 } ? cache : nil)
    return plans.map { ($0.key, $0.plan.explanation(costs)) }
  }

  /// The values of `body` for 0..<count, computed on several threads in blocks.
  private static func map<Value: Sendable>(
    _ count: Int, threads: Int, _ body: @Sendable (Int) -> Value
  ) -> [Value] {
    let blocks = min(count, max(1, threads) * 8)
    if blocks == 0 { return [] }
    let found = Mutex([[Value]](repeating: [], count: blocks))
    DispatchQueue.concurrentPerform(iterations: threads == 1 ? 1 : blocks) { block in
      for block in threads == 1 ? 0..<blocks : block..<(block + 1) {
        let values = (block * count / blocks..<(block + 1) * count / blocks).map(body)
        found.withLock { $0[block] = values }
      }
    }
    return found.withLock { $0.flatMap { $0 } }
  }
}

/// Equal reasons over many pipelines, told once.
public struct SharedCause: Sendable, Hashable, Codable {
  public var stage: String
  public var reason: String
  /// Every stage that runs because of it.
  public var stages: [String]
  /// The pipelines' keys.
  public var instances: [String]
}

extension SharedCause {
  /// Groups the first causes of many plans, the most frequent first.
  public static func groups(
    _ explanations: [(key: String, explanation: PlanExplanation)]
  ) -> [SharedCause] {
    var order: [SharedCause] = []
    var members: [SharedCause: [String]] = [:]
    for (key, explanation) in explanations {
      for (cause, stages) in explanation.causes {
        let group = SharedCause(
          stage: cause.stage, reason: cause.reason, stages: stages, instances: [])
        if members[group] == nil { order.append(group) }
        members[group, default: []].append(key)
      }
    }
    return order.enumerated().sorted { first, second in
      let counts = (members[first.element]?.count ?? 0, members[second.element]?.count ?? 0)
      return (-counts.0, first.offset) < (-counts.1, second.offset)
    }.map { group in
      var group = group.element
      group.instances = members[group] ?? []
      return group
    }
  }
}
