// One stage of a manifest: what it uses, where its inputs come from, its parameters.

internal import Pipeline
internal import ShownText

/// `from` for one input port, as written.
struct StageLink {
  /// nil: the main input.
  var port: String?
  var portSpan: SourceSpan
  var source: String
  /// nil: the main output.
  var sourcePort: String?
  var span: SourceSpan
}

/// A parameter of the command line, and what stood in its place.
struct AppliedOverride {
  /// As written, `--set` included.
  var argument: String
  /// nil: the manifest has none, and so the default.
  var value: ResolvedParameter?
  /// The input that the manifest names, of a parameter that takes a file.
  var file: String?
}

/// A stage as far as it could be read.
struct StageDraft {
  var name: String
  var nameSpan: SourceSpan
  /// nil where the type is unknown; what refers to the stage is then not held against it.
  var type: (any StageType)?
  var links: [StageLink] = []
  /// Some connection could not be read, so a missing one is no news.
  var hasBrokenLinks = false
  var parameters: [String: ResolvedParameter] = [:]
  var fileParameters: [String: String] = [:]
  var parameterSpans: [String: SourceSpan] = [:]
  /// Keys that somebody tried to give, rightly or not.
  var attempted: Set<String> = []
  /// Parameters that the command line gave, by key.
  var overrides: [String: AppliedOverride] = [:]

  /// The parameters could not be read, so a missing one is no news.
  mutating func attemptAll() { attempted.formUnion(type?.parameters.map(\.key) ?? []) }
}

/// Reads the mapping below a stage's name.
struct StageReading {
  let entry: SourceEntry
  let catalog: StageCatalog
  let inputNames: [String]
  var problems: ProblemList

  mutating func read() -> StageDraft {
    var draft = StageDraft(name: entry.key, nameSpan: entry.keySpan)
    guard case .mapping(let entries) = entry.value.content else {
      draft.hasBrokenLinks = true
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "the stage '\(entry.key)' takes a mapping such as { uses: TYPE, from: STAGE }",
        entry.value.text.flatMap { catalog[$0] }.map { "write { uses: \($0.name) }" })
      return draft
    }
    let fields = Fields(
      entries, allowed: ["uses", "from", "with"], of: "a stage", problems: &problems)
    draft.type = readType(fields)
    if fields.isMisspelled("from") { draft.hasBrokenLinks = true }
    readLinks(fields["from"], into: &draft)
    if let with = fields["with"], !with.value.isNull { readParameters(with, into: &draft) }
    if fields.isMisspelled("with") { draft.attemptAll() }
    return draft
  }

  private mutating func readType(_ fields: Fields) -> (any StageType)? {
    guard let uses = fields["uses"] else {
      if fields.isMisspelled("uses") { return nil }
      problems.add(
        entry.keySpan, "the stage '\(entry.key)' does not say which type it uses",
        "add uses: TYPE; dpc stages lists the types")
      return nil
    }
    guard !uses.value.isNull, let name = uses.value.text else {
      problems.add(
        uses.value.isNull ? uses.keySpan : uses.value.span, "'uses' takes the name of a stage type",
        "dpc stages lists the types")
      return nil
    }
    if let type = catalog[name] { return type }
    problems.add(
      uses.value.span, "there is no stage type \(Shown.word(name))",
      Suggestion.closest(to: name, among: catalog.names) ?? "dpc stages lists the types")
    return nil
  }

  // MARK: Connections

  private mutating func readLinks(_ from: SourceEntry?, into draft: inout StageDraft) {
    guard let from else { return }
    if case .mapping(let entries) = from.value.content, !entries.isEmpty {
      for link in entries {
        let span = link.value.isNull ? link.keySpan : link.value.span
        add(link.value, span, port: link.key, link.keySpan, to: &draft)
      }
    } else {
      let span = from.value.isNull ? from.keySpan : from.value.span
      add(from.value, span, port: nil, span, to: &draft)
    }
  }

  private mutating func add(
    _ value: SourceNode, _ span: SourceSpan, port: String?, _ portSpan: SourceSpan,
    to draft: inout StageDraft
  ) {
    guard let (source, sourcePort) = Self.reference(value) else {
      draft.hasBrokenLinks = true
      let wanted =
        port == nil
        ? "'from' takes STAGE, STAGE.PORT or { INPUT: STAGE, ... }"
        : "an input comes from STAGE or STAGE.PORT"
      let isFile = value.text?.hasPrefix("$") ?? false
      problems.add(
        span, "\(wanted), not \(value.isNull ? "nothing" : value.shown)",
        isFile ? "a file is given to a parameter, under with:" : nil)
      return
    }
    draft.links.append(
      StageLink(port: port, portSpan: portSpan, source: source, sourcePort: sourcePort, span: span))
  }

  /// `stage` or `stage.port`.
  private static func reference(_ value: SourceNode) -> (stage: String, port: String?)? {
    guard let text = value.text, !value.isNull else { return nil }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      .map(String.init)
    guard parts.allSatisfy(ManifestAssembly.isName) else { return nil }
    return (parts[0], parts.count == 2 ? parts[1] : nil)
  }

  // MARK: Parameters

  private mutating func readParameters(_ with: SourceEntry, into draft: inout StageDraft) {
    guard case .mapping(let entries) = with.value.content else {
      problems.add(
        with.value.span, "'with' takes a mapping of parameters to values, not \(with.value.shown)")
      draft.attemptAll()
      return
    }
    guard let type = draft.type else { return }
    for entry in entries {
      guard let specification = type.parameters.first(where: { $0.key == entry.key }) else {
        let unknown = UnknownParameter(key: entry.key, type: type)
        if let meant = unknown.meant { draft.attempted.insert(meant.key) }
        problems.add(entry.keySpan, unknown.message, unknown.suggestion)
        continue
      }
      draft.attempted.insert(entry.key)
      draft.parameterSpans[entry.key] = entry.value.isNull ? entry.keySpan : entry.value.span
      let reading = ParameterReading(specification: specification, inputNames: inputNames)
      switch reading.read(entry.value) {
      case .value(let value):
        draft.parameters[entry.key] = ResolvedParameter(value, origin: .manifest)
      case .file(let name): draft.fileParameters[entry.key] = name
      case .refused(let complaints):
        for complaint in complaints {
          let span = entry.value.isNull ? entry.keySpan : complaint.span
          problems.add(span, complaint.message, complaint.suggestion)
        }
      }
    }
  }
}

/// A parameter that the type does not have: another unit, another spelling, or nothing of the kind.
struct UnknownParameter {
  let message: String
  let suggestion: String?
  let meant: ParameterSpecification?

  init(key: String, type: any StageType) {
    if let meant = UnitSpelling.parameter(meantBy: key, among: type.parameters),
      let unit = meant.unit
    {
      self.meant = meant
      let given = UnitSpelling.unit(of: key)
      let reason = given == nil ? "the unit is missing" : "wrong unit"
      message = "\(reason): \(type.name) takes '\(meant.key)', in \(unit), not \(Shown.word(key))"
      let conversion = given.flatMap { UnitSpelling.conversion(from: $0, to: unit) }
      suggestion =
        conversion.map { "write \(meant.key) and convert the value: \($0)" }
        ?? "write \(meant.key), its value in \(unit)"
      return
    }
    let keys = type.parameters.map(\.key)
    message = "\(type.name) has no parameter \(Shown.word(key))"
    let closest = Suggestion.word(closestTo: key, among: keys)
    meant = type.parameters.first { $0.key == closest }
    let all = keys.isEmpty ? "it takes none" : "its parameters are \(keys.joined(separator: ", "))"
    suggestion = closest.map { "did you mean '\($0)'?" } ?? all
  }
}
