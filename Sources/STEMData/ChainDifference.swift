// How two chains of steps differ, one line for each difference.

/// Compares what made two results.
enum ChainDifference {
  /// What differs between the steps of equal name; their order and what they found do not count.
  static func lines(_ first: [ProcessStep], _ second: [ProcessStep]) -> [String] {
    var lines: [String] = []
    for step in first {
      guard let other = second.first(where: { $0.stage == step.stage }) else {
        lines.append("\(step.stage): \(step.type) -> (no such stage)")
        continue
      }
      lines += changes(header(step), header(other)).map { "\(step.stage): \($0)" }
      lines += changes(step.parameters, other.parameters).map { "\(step.stage).\($0)" }
      lines += changes(step.inputs, other.inputs).map { "\(step.stage): from \($0)" }
    }
    let names = Set(first.map(\.stage))
    for step in second where !names.contains(step.stage) {
      lines.append("\(step.stage): (no such stage) -> \(step.type)")
    }
    return lines + changes(files(first), files(second)).map { "file \($0)" }
  }

  /// "key: A -> B" for each key whose text differs, in order of the keys.
  static func changes(_ first: [String: String], _ second: [String: String]) -> [String] {
    Set(first.keys).union(second.keys).sorted().compactMap { key in
      let (a, b) = (first[key], second[key])
      return a == b ? nil : "\(key): \(a ?? "(none)") -> \(b ?? "(none)")"
    }
  }

  private static func header(_ step: ProcessStep) -> [String: String] {
    ["type": step.type, "algorithm version": "\(step.algorithmVersion)"]
  }

  /// Name of an input to its SHA-256, over all steps.
  private static func files(_ steps: [ProcessStep]) -> [String: String] {
    steps.reduce(into: [:]) { $0.merge($1.files) { first, _ in first } }
  }
}
