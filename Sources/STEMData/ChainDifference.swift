// How two chains of steps differ, one entry for each difference.

/// Something that two results state differently.
public struct ResultChange: Sendable, Equatable, Encodable, CustomStringConvertible {
  /// What it is, such as "field.thickness_nm".
  public var name: String
  /// What each result states; nil where it has nothing of the name.
  public var first: String?
  public var second: String?

  public var description: String { "\(name): \(first ?? "(none)") -> \(second ?? "(none)")" }

  /// With words in front of its name.
  func named(_ prefix: String) -> ResultChange {
    ResultChange(name: prefix + name, first: first, second: second)
  }
}

/// Compares what made two results.
enum ChainDifference {
  /// What differs between the steps of equal name; their order and what they found do not count.
  static func entries(_ first: [ProcessStep], _ second: [ProcessStep]) -> [ResultChange] {
    var entries: [ResultChange] = []
    for step in first {
      guard let other = second.first(where: { $0.stage == step.stage }) else {
        entries.append(ResultChange(name: step.stage, first: step.type))
        continue
      }
      entries += changes(header(step), header(other)).map { $0.named("\(step.stage): ") }
      entries += changes(step.parameters, other.parameters).map { $0.named("\(step.stage).") }
      entries += changes(step.inputs, other.inputs).map { $0.named("\(step.stage): from ") }
    }
    let names = Set(first.map(\.stage))
    for step in second where !names.contains(step.stage) {
      entries.append(ResultChange(name: step.stage, second: step.type))
    }
    return entries + changes(files(first), files(second)).map { $0.named("file ") }
  }

  /// An entry for each key whose text differs, in order of the keys.
  static func changes(_ first: [String: String], _ second: [String: String]) -> [ResultChange] {
    Set(first.keys).union(second.keys).sorted().compactMap { key in
      let change = ResultChange(name: key, first: first[key], second: second[key])
      return change.first == change.second ? nil : change
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
