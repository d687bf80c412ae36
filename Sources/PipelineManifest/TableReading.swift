// The rows of a foreach table: which column sets what, and every cell read as a manifest's value is.
internal import Pipeline
internal import ShownText

/// Turns rows into acquisitions.
struct TableReading {
  private let path: String
  private let text: String
  private let sweep: SweepReading
  private(set) var problems: ProblemList
  private(set) var targets: Set<SweepTarget> = []

  private enum Column {
    case key
    case input(String)
    case parameter(SweepTarget, ParameterSpecification)
    /// It has been complained about.
    case unusable
  }

  private static let keyColumn = "key"

  init(path: String, text: String, sweep: SweepReading) {
    self.path = path
    self.text = text
    self.sweep = sweep
    problems = sweep.problems
  }

  private mutating func add(_ cell: TableCell, _ message: String, _ suggestion: String? = nil) {
    problems.add(
      table: path, line: cell.line, column: cell.column, text: text, message, suggestion)
  }

  mutating func points(_ table: DelimitedTable) -> [SweepPoint] {
    let columns = columns(table.header)
    var points: [SweepPoint] = []
    var lines: [String: Int] = [:]
    let keyIndex = columns.firstIndex { if case .key = $0 { true } else { false } }
    for row in table.rows {
      guard let point = point(row, columns), let keyIndex else { continue }
      let (key, cell) = (point.key, row[keyIndex])
      if let line = lines.updateValue(cell.line, forKey: key) {
        add(cell, "the key '\(key)' stands already on line \(line)", "give each row its own")
      } else {
        points.append(point)
      }
    }
    return points
  }

  // MARK: Header

  private mutating func columns(_ header: [TableCell]) -> [Column] {
    var names: Set<String> = []
    var columns: [Column] = []
    for cell in header {
      if names.insert(cell.text).inserted {
        columns.append(column(cell))
      } else {
        add(cell, "two columns are called \(Shown.word(cell.text))", "remove one of the two")
        columns.append(.unusable)
      }
    }
    if !names.contains(Self.keyColumn), let first = header.first,
      Suggestion.word(closestTo: Self.keyColumn, among: Array(names)) == nil
    {
      add(
        first, "the table has no column 'key'",
        "add one with a name for each row: it names the folder of the row's results")
    }
    return columns
  }

  private mutating func column(_ cell: TableCell) -> Column {
    let name = cell.text
    if name == Self.keyColumn { return .key }
    if sweep.inputNames.contains(name) {
      targets.insert(.input(name))
      return .input(name)
    }
    if name.contains(".") {
      switch sweep.parameter(name) {
      case .found(let target, let specification):
        targets.insert(target)
        return .parameter(target, specification)
      case .unknownType: return .unusable
      case .problem(let message, let suggestion):
        add(cell, message, suggestion)
        return .unusable
      }
    }
    let parameters = sweep.drafts.flatMap { draft in
      draft.type?.parameters.map { "\(draft.name).\($0.key)" } ?? []
    }
    // `thickness_nm` for `field.thickness_nm` is nearer than any spelling.
    let meant = parameters.filter { $0.hasSuffix("." + name) }
    let known = [Self.keyColumn] + sweep.inputNames + parameters
    add(
      cell, "there is no column \(Shown.word(name))",
      meant.isEmpty
        ? Suggestion.closest(to: name, among: known)
          ?? "columns are key, inputs (\(sweep.inputNames.joined(separator: ", "))) and"
          + " STAGE.PARAMETER"
        : "write \(meant.joined(separator: " or "))")
    return .unusable
  }

  // MARK: Rows

  private mutating func point(_ row: [TableCell], _ columns: [Column]) -> SweepPoint? {
    var key: String?
    var settings: [SweepSetting] = []
    for (cell, column) in zip(row, columns) {
      switch column {
      case .unusable: continue
      case .key: key = self.key(cell)
      case .input(let name):
        if let setting = input(name, cell) { settings.append(setting) }
      case .parameter(let target, let specification):
        if let setting = parameter(target, specification, cell) { settings.append(setting) }
      }
    }
    return key.map { SweepPoint(key: $0, settings: settings) }
  }

  private mutating func key(_ cell: TableCell) -> String? {
    if InstanceKey.reserved.contains(cell.text) {
      add(
        cell, "an acquisition cannot be called '\(cell.text)'",
        "the output folder keeps that name for what belongs to all of them")
      return nil
    }
    if InstanceKey.isKey(cell.text) { return cell.text }
    add(
      cell,
      cell.text.isEmpty ? "this row has no key" : "a key cannot be \(Shown.word(cell.text))",
      InstanceKey.rule)
    return nil
  }

  /// Paths in a table start from its folder, as those of a manifest do from the manifest's.
  private mutating func input(_ name: String, _ cell: TableCell) -> SweepSetting? {
    if cell.text.isEmpty {
      if sweep.unfilledInputs.contains(name) {
        add(cell, "the input '\(name)' has no path in this row, and none in the manifest")
      }
      return nil
    }
    let file = ManifestPaths.join(ManifestPaths.folder(of: path), cell.text)
    return SweepSetting(
      target: .input(name), value: .path(file), text: cell.text, origin: .foreach)
  }

  /// nil for an empty cell, which leaves what the manifest says.
  private mutating func parameter(
    _ target: SweepTarget, _ specification: ParameterSpecification, _ cell: TableCell
  ) -> SweepSetting? {
    if cell.text.isEmpty {
      if !sweep.hasValue(target, specification) {
        add(cell, "'\(target.name)' has no value in this row, and none in the manifest")
      }
      return nil
    }
    let reading = ParameterReading(specification: specification, inputNames: sweep.inputNames)
    switch reading.read(OverrideReading.node(cell.text, for: specification)) {
    case .value(let value):
      return SweepSetting(
        target: target, value: .parameter(value), text: value.description, origin: .foreach)
    case .file(let name):
      return SweepSetting(
        target: target, value: .file(name), text: "$" + name, origin: .foreach)
    case .refused(let complaints):
      for complaint in complaints { add(cell, complaint.message, complaint.suggestion) }
      return nil
    }
  }
}

extension SweepReading {
  /// Whether a parameter has a value, or needs none, where no point sets it.
  func hasValue(_ target: SweepTarget, _ specification: ParameterSpecification) -> Bool {
    guard case .parameter(let stage, let key) = target, specification.isRequired,
      specification.defaultValue == nil
    else { return true }
    return drafts.first { $0.name == stage }?.attempted.contains(key) ?? false
  }
}
