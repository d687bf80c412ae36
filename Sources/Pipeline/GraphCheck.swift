// Everything that is wrong with a graph, found at one go.
internal import ShownText

/// The checks of a graph, gathering every problem.
struct GraphCheck {
  private let byName: [String: StageNode]
  private let stages: [StageNode]
  private(set) var problems: [GraphProblem] = []

  init(stages: [StageNode]) {
    self.stages = stages.sorted { $0.name < $1.name }
    byName = Dictionary(stages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// No two stages share a name.
  mutating func checkNames() {
    for (first, second) in zip(stages, stages.dropFirst()) where first.name == second.name {
      problems.append(
        GraphProblem(.stage(second.name), "there are two stages named '\(second.name)'"))
    }
  }

  /// Every connection names an existing output and a declared input; required inputs are fed.
  mutating func checkPorts() {
    for stage in stages {
      let declared = stage.type.inputs.map(\.name)
      for (port, source) in stage.inputs.sorted(by: { $0.key < $1.key }) {
        let location = GraphLocation.port(stage: stage.name, port: port)
        if !declared.contains(port) {
          problems.append(
            GraphProblem(
              location, "\(stage.type.name) has no input port '\(port)'",
              suggestion: Spelling.suggestion(for: port, among: declared)))
        }
        guard let feeder = byName[source.stage] else {
          problems.append(
            GraphProblem(
              location, "there is no stage '\(source.stage)'",
              suggestion: Spelling.suggestion(for: source.stage, among: Array(byName.keys))))
          continue
        }
        let outputs = feeder.type.outputs.map(\.name)
        if !outputs.contains(source.port) {
          problems.append(
            GraphProblem(
              location,
              "stage '\(source.stage)' (\(feeder.type.name)) has no output '\(source.port)'",
              suggestion: Spelling.suggestion(for: source.port, among: outputs)))
        }
      }
      for port in stage.type.inputs where port.isRequired && stage.inputs[port.name] == nil {
        problems.append(
          GraphProblem(
            .stage(stage.name),
            "stage '\(stage.name)' (\(stage.type.name)) needs its input '\(port.name)':"
              + " \(port.summary)",
            suggestion: "connect it with from: (it takes \(Self.list(port.kinds)))"))
      }
    }
  }

  /// Stages so ordered that each follows its feeders; each cycle is reported once, as a path.
  mutating func topologicalOrder() -> [StageNode] {
    var ordered: [StageNode] = []
    var done: Set<String> = []
    var path: [String] = []
    func visit(_ stage: StageNode) -> [String]? {
      if done.contains(stage.name) { return nil }
      if let start = path.firstIndex(of: stage.name) { return Array(path[start...]) + [stage.name] }
      path.append(stage.name)
      defer { path.removeLast() }
      for source in Set(stage.inputs.values.map(\.stage)).sorted() {
        if let feeder = byName[source], let cycle = visit(feeder) { return cycle }
      }
      done.insert(stage.name)
      ordered.append(stage)
      return nil
    }
    for stage in stages {
      // Stages of a cycle that was reported count as done, so that other cycles are found too.
      while let cycle = visit(stage) {
        done.formUnion(cycle)
        problems.append(
          GraphProblem(
            .stage(cycle[0]),
            "the stages feed each other in a circle: " + cycle.joined(separator: " <- ")))
      }
    }
    return ordered
  }

  /// What flows into each port is of a kind that the port takes.
  mutating func checkKinds() {
    for stage in stages {
      for port in stage.type.inputs {
        guard let source = stage.inputs[port.name], let kind = kind(of: source) else { continue }
        if !port.kinds.contains(kind) {
          problems.append(
            GraphProblem(
              .port(stage: stage.name, port: port.name),
              "\(stage.type.name) takes \(Self.list(port.kinds)) at '\(port.name)',"
                + " but \(source) is \(Self.article(kind))",
              suggestion: nil))
        }
      }
    }
  }

  /// No stage objects to its parameters.
  mutating func checkParameters() {
    for stage in stages {
      let parameters = stage.parameters.mapValues(\.value)
      for problem in stage.type.problems(with: parameters, connected: Set(stage.inputs.keys)) {
        problems.append(
          GraphProblem(
            .parameter(stage: stage.name, key: problem.key),
            "stage '\(stage.name)' (\(stage.type.name)): \(problem.message)",
            suggestion: problem.suggestion))
      }
    }
  }

  mutating func checkResults(_ results: [String]) {
    for (index, name) in results.enumerated() where byName[name] == nil {
      problems.append(
        GraphProblem(
          .result(index), "results: there is no stage '\(name)'",
          suggestion: Spelling.suggestion(for: name, among: Array(byName.keys))))
    }
  }

  /// Follows "same as the input" upstream; bounded, since a broken graph may hold a cycle.
  func kind(of reference: OutputReference) -> PortKind? {
    var reference = reference
    for _ in 0...stages.count {
      guard let stage = byName[reference.stage],
        let output = stage.type.outputs.first(where: { $0.name == reference.port })
      else { return nil }
      switch output.kind {
      case .fixed(let kind): return kind
      case .sameAs(let input):
        guard let source = stage.inputs[input] else { return nil }
        reference = source
      case .chosen(let key, let kinds):
        guard case .text(let word) = stage.parameters[key]?.value else { return nil }
        return kinds[word]
      }
    }
    return nil
  }

  private static func list(_ kinds: [PortKind]) -> String {
    kinds.map { article($0) }.joined(separator: " or ")
  }

  private static func article(_ kind: PortKind) -> String {
    // Many of something: segments, frames, walls.
    if kind.name.hasSuffix("s") { return kind.name }
    let vowel = kind.name.first.map { "aeiou".contains($0) } ?? false
    return (vowel ? "an " : "a ") + kind.name
  }
}
