// Whether it is the command line's doing that a graph is wrong: no line of the manifest shows what was set there.
internal import Pipeline

/// Holds the problems of a graph against the parameters that the command line gave.
struct OverrideAttribution {
  private let stages: [StageNode]
  private let results: [String]
  private var overrides: [(stage: String, key: String, override: AppliedOverride)] = []

  /// - Parameters:
  ///   - drafts: The stages as written, with what was put in place of their parameters.
  ///   - stages: Those of the graph.
  init(drafts: [StageDraft], stages: [StageNode], results: [String]) {
    self.stages = stages
    self.results = results
    for draft in drafts {
      for (key, override) in draft.overrides.sorted(by: { $0.key < $1.key }) {
        overrides.append((draft.name, key, override))
      }
    }
  }

  /// The arguments without any one of which the problem would not be there; nil where there is none.
  func arguments(for problem: GraphProblem) -> String? {
    let responsible = overrides.filter { stage, key, override in
      problem.location == .parameter(stage: stage, key: key)
        || !problems(without: override, of: stage, key).contains(problem)
    }
    return responsible.isEmpty ? nil : responsible.map(\.override.argument).joined(separator: " ")
  }

  /// What is wrong with the graph where the manifest's own value stands.
  private func problems(
    without override: AppliedOverride, of stage: String, _ key: String
  ) -> [GraphProblem] {
    var stages = stages
    guard let index = stages.firstIndex(where: { $0.name == stage }) else { return [] }
    let standard = stages[index].type.parameters.first { $0.key == key }?.defaultValue
    stages[index].parameters[key] =
      override.value ?? standard.map { ResolvedParameter($0, origin: .default) }
    stages[index].fileParameters[key] = override.file
    do {
      _ = try PipelineGraph(name: "", inputPaths: [:], stages: stages, results: results)
      return []
    } catch {
      return error.problems
    }
  }
}

extension GraphProblem {
  /// The message where no line of the manifest tells which stage it is about.
  var messageWithStage: String {
    if case .port(let stage, _) = location { return "stage '\(stage)': \(message)" }
    return message
  }
}
