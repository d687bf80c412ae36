// From the manifest's tree to the graph: top-level keys, inputs, results, and the graph's own checks.

internal import Pipeline
internal import ShownText

/// A manifest while it is put together; problems gather, and work goes on past each.
struct ManifestAssembly {
  var problems: ProblemList
  let catalog: StageCatalog
  let manifestFolder: String
  let workingDirectory: String
  private(set) var description: String?
  /// Declared inputs; the path is nil where none could be had.
  var inputs: [String: String?] = [:]
  /// Declared inputs that neither the manifest nor the command line gives a path.
  var unfilled: [SourceEntry] = []
  /// Inputs that foreach gives a path.
  var sweptInputs: Set<String> = []
  /// Something in foreach or matrix could not be read, so what it would give is no news.
  var isSweepBroken = false
  var drafts: [StageDraft] = []
  /// Empty unless there is a foreach or a matrix.
  private(set) var instances: [PipelineInstance] = []
  private var resultSpans: [SourceSpan] = []
  private var linkSpans: [GraphLocation: SourceSpan] = [:]

  init(
    problems: ProblemList, catalog: StageCatalog, manifestFolder: String, workingDirectory: String
  ) {
    self.problems = problems
    self.catalog = catalog
    self.manifestFolder = manifestFolder
    self.workingDirectory = workingDirectory
  }

  /// The graph, if it can be made; it counts only when no problem was found.
  mutating func assemble(
    _ root: SourceNode, overrides: [ManifestOverride], inputOverrides: [String: String]
  ) -> PipelineGraph? {
    guard case .mapping(let entries) = root.content else {
      problems.add(
        root.span, "a manifest is a mapping of keys to values, not \(root.shown)",
        "start it with schema: \(ManifestReader.schemaIdentifier)")
      return nil
    }
    let keys = [
      "schema", "name", "description", "inputs", "foreach", "matrix", "stages", "results",
    ]
    let fields = Fields(entries, allowed: keys, of: "a manifest", problems: &problems)
    checkSchema(fields, root)
    let name = readText(fields["name"]) ?? ""
    checkPrintable(name, fields["name"])
    if fields["name"] == nil { missing("name", fields, root, "name: what-it-shows") }
    description = readText(fields["description"])
    readInputs(fields["inputs"], inputOverrides)
    readStages(fields, root)
    let sweep = readSweep(fields, overrides)
    checkInputs(inputOverrides)
    applyOverrides(overrides)
    let results = readResults(fields, root)
    let graph = graph(name: name, results: results)
    // What is wrong with the one would be wrong with all of them.
    if let graph, let sweep, problems.isEmpty { instances = makeInstances(sweep, of: graph) }
    return graph
  }

  /// The name is printed, and stands in results: nothing of it may steer a terminal.
  private mutating func checkPrintable(_ name: String, _ entry: SourceEntry?) {
    let text = name.trimmed
    guard let entry, Shown.printable(text) != text else { return }
    problems.add(
      entry.value.span, "the name \(Shown.word(text)) holds characters that cannot be printed",
      "write it on one line, without control characters")
  }

  private mutating func missing(
    _ key: String, _ fields: Fields, _ root: SourceNode, _ example: String
  ) {
    if fields.isMisspelled(key) { return }
    problems.add(root.span, "the manifest has no '\(key)'", "add \(example)")
  }

  private mutating func checkSchema(_ fields: Fields, _ root: SourceNode) {
    let known = ManifestReader.schemaIdentifier
    guard let entry = fields["schema"] else {
      return missing("schema", fields, root, "schema: \(known)")
    }
    if entry.value.text != known {
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "the schema is \(entry.value.shown), but only '\(known)' can be read",
        "write schema: \(known)")
    }
  }

  /// A text on one line; nil where it is missing or not one.
  private mutating func readText(_ entry: SourceEntry?) -> String? {
    guard let entry else { return nil }
    guard !entry.value.isNull, let text = entry.value.text, !text.trimmed.isEmpty else {
      let span = entry.value.isNull ? entry.keySpan : entry.value.span
      problems.add(span, "'\(entry.key)' takes a text")
      return nil
    }
    return text
  }

  /// Names of stages and inputs are short words, so that `stage.port` and `$input` can name them.
  mutating func checkName(_ entry: SourceEntry, _ what: String) -> Bool {
    if Self.isName(entry.key) { return true }
    problems.add(
      entry.keySpan, "\(what) cannot be \(Shown.word(entry.key))",
      "use letters, digits, '-' and '_', a letter first, 64 at most")
    return false
  }

  static func isName(_ word: String) -> Bool {
    guard let first = word.utf8.first, word.utf8.count <= 64 else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) && byte < 0x80 }
    return isLetter(first)
      && word.utf8.allSatisfy {
        isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
      }
  }

  // MARK: Stages

  private mutating func readStages(_ fields: Fields, _ root: SourceNode) {
    guard let entry = fields["stages"] else {
      return missing("stages", fields, root, "stages: and below it NAME: { uses: TYPE }")
    }
    guard case .mapping(let entries) = entry.value.content, !entries.isEmpty else {
      let span = entry.value.isNull ? entry.keySpan : entry.value.span
      problems.add(span, "'stages' takes a mapping of names to stages")
      return
    }
    for stage in entries where checkName(stage, "a stage's name") {
      var reading = StageReading(
        entry: stage, catalog: catalog, inputNames: inputs.keys.sorted(), problems: problems)
      drafts.append(reading.read())
      problems = reading.problems
    }
  }

  private mutating func applyOverrides(_ overrides: [ManifestOverride]) {
    var reading = OverrideReading(
      drafts: drafts, inputNames: inputs.keys.sorted(), problems: problems)
    for override in overrides { reading.apply(override) }
    reading.checkRequired()
    drafts = reading.drafts
    problems = reading.problems
  }

  private mutating func readResults(_ fields: Fields, _ root: SourceNode) -> [String] {
    guard let entry = fields["results"] else {
      missing("results", fields, root, "results: [STAGE, ...]")
      return []
    }
    guard case .list(let items) = entry.value.content, !items.isEmpty else {
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "'results' takes a list of stages",
        entry.value.isNull ? nil : entry.value.text.map { "write [\(Shown.clipped($0))]" })
      return []
    }
    var results: [String] = []
    for item in items {
      guard let name = item.text, Self.isName(name) else {
        problems.add(item.span, "a result is the name of a stage, not \(item.shown)")
        continue
      }
      if results.contains(name) {
        problems.add(item.span, "'results' lists '\(name)' twice")
        continue
      }
      results.append(name)
      resultSpans.append(item.span)
    }
    return results
  }

  // MARK: Graph

  private mutating func graph(name: String, results: [String]) -> PipelineGraph? {
    var linker = StageLinker(drafts: drafts, catalog: catalog, problems: problems)
    let nodes = linker.nodes()
    problems = linker.problems
    linkSpans = linker.spans
    do {
      let paths = inputs.compactMapValues { $0 }
      return try PipelineGraph(name: name, inputPaths: paths, stages: nodes, results: results)
    } catch {
      let attribution = OverrideAttribution(drafts: drafts, stages: nodes, results: results)
      for problem in error.problems {
        if let arguments = attribution.arguments(for: problem) {
          problems.add(argument: arguments, problem.messageWithStage, problem.suggestion)
        } else {
          problems.add(span(of: problem.location), problem.message, problem.suggestion)
        }
      }
      return nil
    }
  }

  private func span(of location: GraphLocation) -> SourceSpan {
    let start = SourceSpan(line: 1, column: 1, length: 1)
    func draft(_ name: String) -> StageDraft? { drafts.first { $0.name == name } }
    switch location {
    case .stage(let name): return draft(name)?.nameSpan ?? start
    case .port(let name, _): return linkSpans[location] ?? draft(name)?.nameSpan ?? start
    case .parameter(let name, let key):
      return draft(name)?.parameterSpans[key] ?? draft(name)?.nameSpan ?? start
    case .result(let index):
      return resultSpans.indices.contains(index) ? resultSpans[index] : start
    }
  }
}
