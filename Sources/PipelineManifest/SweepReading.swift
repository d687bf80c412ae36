// foreach and matrix as written: over which acquisitions, and over which values, a pipeline runs.
internal import FoundationEssentials
internal import Glibc
internal import Pipeline
internal import ShownText

/// Reads `foreach` and `matrix`; problems gather.
struct SweepReading {
  let drafts: [StageDraft]
  let inputNames: [String]
  /// Inputs without a path of their own.
  let unfilledInputs: Set<String>
  let manifestFolder: String
  var problems: ProblemList
  /// Everything that some point sets.
  var targets: Set<SweepTarget> = []

  init(
    drafts: [StageDraft], inputNames: [String], unfilledInputs: Set<String>,
    manifestFolder: String, problems: ProblemList
  ) {
    self.drafts = drafts
    self.inputNames = inputNames
    self.unfilledInputs = unfilledInputs
    self.manifestFolder = manifestFolder
    self.problems = problems
  }

  // MARK: foreach

  /// The acquisitions in the table's order, or in that of the files' names.
  mutating func acquisitions(_ entry: SourceEntry) -> [SweepPoint] {
    guard case .mapping(let entries) = entry.value.content, !entries.isEmpty else {
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "'foreach' takes { glob: PATTERN, input: NAME } or { table: FILE }")
      return []
    }
    let fields = Fields(
      entries, allowed: ["glob", "input", "table"], of: "foreach", problems: &problems)
    switch (text(fields["glob"]), text(fields["table"])) {
    case (let pattern?, nil):
      return files(pattern, input: input(fields, entry))
    case (nil, let table?):
      if let stray = fields["input"] {
        problems.add(stray.keySpan, "a table names the inputs in its header", "remove 'input'")
      }
      return rows(table)
    case (_?, _?):
      problems.add(entry.keySpan, "'foreach' takes either a glob or a table, not both")
    case (nil, nil):
      if !fields.isMisspelled("glob"), !fields.isMisspelled("table"), fields["glob"] == nil,
        fields["table"] == nil
      {
        problems.add(entry.keySpan, "'foreach' needs a glob or a table")
      }
    }
    return []
  }

  private mutating func text(_ entry: SourceEntry?) -> (text: String, span: SourceSpan)? {
    guard let entry else { return nil }
    if !entry.value.isNull, let text = entry.value.text, !text.isEmpty {
      return (text, entry.value.span)
    }
    problems.add(
      entry.value.isNull ? entry.keySpan : entry.value.span, "'\(entry.key)' takes a text")
    return nil
  }

  /// The input that the files of a glob are for: the one named, or the only one there is.
  private mutating func input(_ fields: Fields, _ foreach: SourceEntry) -> String? {
    if let (name, span) = text(fields["input"]) {
      if inputNames.contains(name) { return name }
      problems.add(
        span, "the manifest has no input \(Shown.word(name))",
        Suggestion.closest(to: name, among: inputNames) ?? "add it under inputs:")
      return nil
    }
    if fields["input"] == nil, !fields.isMisspelled("input") {
      if inputNames.count == 1 { return inputNames[0] }
      problems.add(
        foreach.keySpan, "'foreach' does not say which input the files are for",
        "add input: \(inputNames.isEmpty ? "NAME" : inputNames.joined(separator: " or "))")
    }
    return nil
  }

  private mutating func files(
    _ pattern: (text: String, span: SourceSpan), input: String?
  ) -> [SweepPoint] {
    guard let input else { return [] }
    targets.insert(.input(input))
    let paths = FilePattern.matches(pattern.text, in: manifestFolder)
    if paths.isEmpty {
      let place = manifestFolder.isEmpty ? "the working folder" : manifestFolder
      problems.add(
        pattern.span, "no file matches \(Shown.word(pattern.text)), seen from \(place)",
        "paths in a manifest start from its own folder")
    }
    // Bytes that are no UTF-8 became this sign, and then no file has the name.
    if let path = paths.first(where: {
      $0.unicodeScalars.contains("\u{FFFD}") && access($0, F_OK) != 0
    }) {
      problems.add(
        pattern.span, "the name of \(Shown.word(path)) is not in UTF-8",
        "rename the file: one is found by such names only")
      return []
    }
    var points: [SweepPoint] = []
    var seen: [String: String] = [:]
    for path in paths {
      let key = InstanceKey.made(of: FilePattern.stem(of: path))
      if let other = seen[key] {
        problems.add(
          pattern.span, "\(other) and \(path) would both be called '\(key)'",
          "rename one, or give the keys in a table")
        return points
      }
      seen[key] = path
      guard checkReserved(key, { $0.add(pattern.span, $1, $2) }) else { return points }
      points.append(
        SweepPoint(
          key: key,
          settings: [
            SweepSetting(
              target: .input(input), value: .path(path), text: path, origin: .foreach)
          ]))
    }
    return points
  }

  private mutating func checkReserved(
    _ key: String, _ add: (inout ProblemList, String, String) -> Void
  ) -> Bool {
    if !InstanceKey.reserved.contains(key) { return true }
    add(
      &problems, "an acquisition cannot be called '\(key)'",
      "the output folder keeps that name for what belongs to all of them")
    return false
  }

  // MARK: Tables

  private mutating func rows(_ file: (text: String, span: SourceSpan)) -> [SweepPoint] {
    let path = ManifestPaths.join(manifestFolder, file.text)
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      problems.add(
        file.span, "the table \(path) cannot be read",
        NearbyFile.suggestion(for: path) ?? "paths in a manifest start from its own folder")
      return []
    }
    guard let text = String(data: data, encoding: .utf8) else {
      problems.add(file.span, "the table \(path) is no text in UTF-8")
      return []
    }
    do {
      let table = try DelimitedTable(text)
      for problem in table.problems { add(problem, path, text) }
      var reading = TableReading(path: path, text: text, sweep: self)
      let points = reading.points(table)
      problems = reading.problems
      targets.formUnion(reading.targets)
      return points
    } catch {
      add(error, path, text)
      return []
    }
  }

  private mutating func add(_ problem: TableProblem, _ path: String, _ text: String) {
    problems.add(
      table: path, line: problem.line, column: problem.column, text: text, problem.message,
      problem.suggestion)
  }

  // MARK: Targets

  enum Target {
    case found(SweepTarget, ParameterSpecification)
    /// The stage's type is a problem of its own.
    case unknownType
    case problem(String, String?)
  }

  /// The parameter that `STAGE.PARAMETER` names.
  func parameter(_ name: String) -> Target {
    let path = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      .map(String.init)
    guard path.count == 2, !path[0].isEmpty, !path[1].isEmpty else {
      return .problem("\(Shown.word(name)) is not of the form STAGE.PARAMETER", nil)
    }
    guard let draft = drafts.first(where: { $0.name == path[0] }) else {
      return .problem(
        "the manifest has no stage \(Shown.word(path[0]))",
        Suggestion.closest(to: path[0], among: drafts.map(\.name), of: "stages"))
    }
    guard let type = draft.type else { return .unknownType }
    guard let specification = type.parameters.first(where: { $0.key == path[1] }) else {
      let unknown = UnknownParameter(key: path[1], type: type)
      return .problem(unknown.message, unknown.suggestion)
    }
    return .found(.parameter(stage: path[0], key: path[1]), specification)
  }
}
