// The methods paragraph of a result: what was done, with the values that the result itself states.
public import STEMData

/// Writes how a result was made, for a publication.
public struct MethodsText: Sendable {
  private let contents: ResultContents

  public init(_ contents: ResultContents) { self.contents = contents }

  /// A paragraph, a sentence or two for each step, then the references in the order of their numbers.
  public var text: String {
    var cited: [Reference] = []
    var sentences = [opening]
    for step in contents.steps {
      let account = account(of: step)
      for reference in account.references where !cited.contains(reference) {
        cited.append(reference)
      }
      let numbers = account.references.compactMap { cited.firstIndex(of: $0) }.map { "\($0 + 1)" }
      let mark = numbers.isEmpty ? "" : " [\(numbers.joined(separator: ", "))]"
      sentences.append("\(account.sentence)\(mark).")
    }
    sentences.append(closing)
    let list = cited.enumerated().map { "[\($0.offset + 1)] \($0.element.text)" }
    return (Self.wrapped(sentences.joined(separator: " ")) + (list.isEmpty ? [] : [""]) + list)
      .joined(separator: "\n") + "\n"
  }

  /// The references of the formulas used, each once, in the order of the paragraph.
  public var bibTeX: String {
    var cited: [Reference] = []
    for reference in contents.steps.flatMap({ account(of: $0).references })
    where !cited.contains(reference) { cited.append(reference) }
    return cited.map(\.bibTeX).joined(separator: "\n")
  }

  private var opening: String {
    let libraries = contents.versions.filter { $0.key != "dpc" }.sorted { $0.key < $1.key }
      .map { "\($0.key.uppercased()) \($0.value)" }.joined(separator: ", ")
    let version = contents.versions["dpc"].map { " \($0)" } ?? ""
    return "The data were evaluated with dpc\(version)"
      + (libraries.isEmpty ? "" : " (\(libraries))") + ", pipeline \(contents.title)."
  }

  private var closing: String {
    let common = contents.quantities.compactMap { $0.attributes["errors_common"] }.first
    return "Errors are one standard deviation as stated with each quantity"
      + (common == nil ? "." : ", what all pixels share included where stated.")
  }

  private func account(of step: ProcessStep) -> StageAccount {
    let quantity = contents.quantities.first { $0.name == step.stage }
    let downstream = contents.quantities.filter { isUpstream(step.stage, of: $0.name) }
    return StageAccount(
      step: step, attributes: ([quantity].compactMap { $0 } + downstream).map(\.attributes))
  }

  /// Whether what `stage` yields went into `other`.
  private func isUpstream(_ stage: String, of other: String) -> Bool {
    var open = [other]
    var seen: Set<String> = []
    while let name = open.popLast() {
      guard seen.insert(name).inserted, let step = contents.steps.first(where: { $0.stage == name })
      else { continue }
      let sources = step.inputs.values.map { String($0.prefix { $0 != "." }) }
      if sources.contains(stage) { return true }
      open += sources
    }
    return false
  }

  /// Lines of at most 100 characters.
  private static func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + word.count + 1 > 100 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return line.isEmpty ? lines : lines + [line]
  }
}
