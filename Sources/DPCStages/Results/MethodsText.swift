// The methods paragraph of a result: what was done, with the values that the result itself states.
public import STEMData

/// Writes how a result was made, for a publication.
public struct MethodsText: Sendable {
  private let contents: ResultContents

  public init(_ contents: ResultContents) { self.contents = contents }

  /// A paragraph, a sentence or two for each step, then what was assumed, then the references in the order of
  /// their numbers. Steps that did the same, as those of two acquisitions, share a sentence. Lines are not broken.
  public var lines: [String] {
    var cited: [Reference] = []
    var sentences = [opening]
    for (account, steps) in groups {
      for reference in account.references where !cited.contains(reference) {
        cited.append(reference)
      }
      let numbers = account.references.compactMap { cited.firstIndex(of: $0) }.map { "\($0 + 1)" }
      let mark = numbers.isEmpty ? "" : " [\(numbers.joined(separator: ", "))]"
      let sentence = account.sentence.replacing(
        StageAccount.mark, with: steps.joined(separator: "; "))
      sentences.append("\(sentence)\(mark).")
    }
    sentences.append(closing)
    var lines = [sentences.joined(separator: " ")]
    if !assumptions.isEmpty { lines += ["", "Assumed:"] + assumptions.map { "- \($0)" } }
    let list = cited.enumerated().map { "[\($0.offset + 1)] \($0.element.text)" }
    return lines + (list.isEmpty ? [] : [""]) + list
  }

  /// One account of each sentence, with the steps that it tells of.
  private var groups: [(account: StageAccount, steps: [String])] {
    var groups: [(account: StageAccount, steps: [String])] = []
    for account in contents.steps.map(account) {
      let sentence = account.sentence
      if let place = groups.firstIndex(where: { $0.account.sentence == sentence }) {
        groups[place].steps.append(account.reference)
      } else {
        groups.append((account, [account.reference]))
      }
    }
    return groups
  }

  /// Each with the steps that assumed it.
  private var assumptions: [String] {
    var found: [(text: String, stages: [String])] = []
    for account in contents.steps.map(account) {
      for text in account.assumptions {
        if let place = found.firstIndex(where: { $0.text == text }) {
          found[place].stages.append(account.step.stage)
        } else {
          found.append((text, [account.step.stage]))
        }
      }
    }
    return found.map { "\($0.text) (\($0.stages.joined(separator: ", ")))" }
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
      + (libraries.isEmpty ? "" : " (\(libraries))") + " by the pipeline \(contents.title)."
  }

  private var closing: String {
    let common = contents.quantities.compactMap { $0.attributes["errors_common"] }.first
    return "Errors are one standard deviation, as stated with each quantity"
      + (common == nil ? "." : "; they include what all pixels share where that is stated.")
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
}
