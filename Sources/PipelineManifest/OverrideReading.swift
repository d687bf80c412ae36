// Values from the command line, then the defaults, then what is still missing.

internal import Pipeline
internal import ShownText

/// Completes the parameters of all stages.
struct OverrideReading {
  private(set) var drafts: [StageDraft]
  let inputNames: [String]
  private(set) var problems: ProblemList
  private var seen: Set<String> = []

  init(drafts: [StageDraft], inputNames: [String], problems: ProblemList) {
    self.drafts = drafts
    self.inputNames = inputNames
    self.problems = problems
  }

  /// `STAGE.PARAMETER=VALUE`; the value is read as a plain word of YAML, a list with or without `[]`.
  mutating func apply(_ override: ManifestOverride) {
    let argument = "--set \(override.text)"
    let sides = override.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = sides[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, path.count == 2, !path[0].isEmpty, !path[1].isEmpty else {
      problems.add(
        argument: argument, "not of the form STAGE.PARAMETER=VALUE", owner(of: override.text))
      return
    }
    let (stage, key, value) = (String(path[0]), String(path[1]), String(sides[1]).trimmed)
    guard let index = drafts.firstIndex(where: { $0.name == stage }) else {
      problems.add(
        argument: argument, "the manifest has no stage \(Shown.word(stage))",
        Suggestion.closest(to: stage, among: drafts.map(\.name), of: "stages"))
      return
    }
    // A stage of unknown type is a problem of its own; what it takes nobody knows.
    guard let type = drafts[index].type else { return }
    guard let specification = type.parameters.first(where: { $0.key == key }) else {
      let unknown = UnknownParameter(key: key, type: type)
      if let meant = unknown.meant { drafts[index].attempted.insert(meant.key) }
      problems.add(argument: argument, unknown.message, unknown.suggestion)
      return
    }
    if !seen.insert("\(stage).\(key)").inserted {
      problems.add(argument: argument, "'\(stage).\(key)' is set twice")
      return
    }
    store(value, specification, in: index, argument)
  }

  /// Which stages' parameter may be meant where none is named, with its unit; nil where no stage has it.
  private func owner(of text: String) -> String? {
    let key = String(text.prefix { $0 != "=" })
    func owners(_ parameter: ([ParameterSpecification]) -> ParameterSpecification?) -> [String] {
      drafts.compactMap { draft in
        draft.type.flatMap { parameter($0.parameters) }.map { "\(draft.name).\($0.key)" }
      }
    }
    var names = owners { $0.first { $0.key == key } }
    // In another unit the value would be another too.
    if names.isEmpty, UnitSpelling.unit(of: key) == nil {
      names = owners { UnitSpelling.parameter(meantBy: key, among: $0) }
    }
    if names.count > 1 { return "say of which stage: \(names.joined(separator: ", "))" }
    return names.first.map { "did you mean '\($0)\(text.dropFirst(key.count))'?" }
  }

  private mutating func store(
    _ value: String, _ specification: ParameterSpecification, in index: Int, _ argument: String
  ) {
    let key = specification.key
    drafts[index].attempted.insert(key)
    drafts[index].overrides[key] = AppliedOverride(
      argument: argument, value: drafts[index].parameters[key],
      file: drafts[index].fileParameters[key])
    let reading = ParameterReading(specification: specification, inputNames: inputNames)
    switch reading.read(Self.node(value, for: specification)) {
    case .value(let value):
      drafts[index].parameters[key] = ResolvedParameter(value, origin: .commandLine)
    case .file(let name): drafts[index].fileParameters[key] = name
    case .refused(let complaints):
      for complaint in complaints {
        problems.add(argument: argument, complaint.message, complaint.suggestion)
      }
    }
  }

  /// A value as it would stand in a manifest, unquoted; a list with or without its brackets.
  static func node(
    _ value: String, for specification: ParameterSpecification
  ) -> SourceNode {
    let span = SourceSpan(line: 1, column: 1, length: 1)
    func word(_ text: String) -> SourceNode {
      SourceNode(content: .scalar(text, isPlain: true), span: span)
    }
    switch specification.kind {
    case .texts:
      guard let words = TextList.words(in: value) else { return word(value) }
      return SourceNode(
        content: .list(
          words.map { SourceNode(content: .scalar($0, isPlain: false), span: span) }), span: span)
    case .choices, .numbers:
      if specification.keywords.contains(value) { return word(value) }
    default: return word(value)
    }
    let isBracketed = value.hasPrefix("[") && value.hasSuffix("]") && value.count >= 2
    let inner = isBracketed ? String(value.dropFirst().dropLast()).trimmed : value
    if inner.isEmpty { return isBracketed ? SourceNode(content: .list([]), span: span) : word("") }
    let words = inner.split(separator: ",", omittingEmptySubsequences: false)
      .map { word(String($0).trimmed) }
    return SourceNode(content: .list(words), span: span)
  }

  /// Fills in defaults and reports parameters that have neither a value nor a default.
  mutating func checkRequired() {
    for index in drafts.indices {
      guard let type = drafts[index].type else { continue }
      for specification in type.parameters
      where !drafts[index].attempted.contains(specification.key) {
        if let value = specification.defaultValue {
          drafts[index].parameters[specification.key] = ResolvedParameter(value, origin: .default)
        } else if specification.isRequired {
          problems.add(
            drafts[index].nameSpan,
            "the stage '\(drafts[index].name)' (\(type.name)) needs the parameter"
              + " '\(specification.key)': \(specification.summary)",
            "add with: { \(StageHelp.exampleEntry(specification)) }")
        }
      }
    }
  }
}
