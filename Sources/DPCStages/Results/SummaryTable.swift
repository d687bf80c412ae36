// The headline numbers of many runs as one table, a row for each: CSV for people, HDF5 for programs.
internal import HDF5
public import Pipeline

/// Facts of many runs, one row for each.
///
/// Equal runs give equal bytes: there are no times and no places in it. Numbers are SI, or in the unit
/// that stands in the header.
public struct SummaryTable: Sendable, Equatable {
  struct Column: Sendable, Equatable {
    enum Values: Sendable, Equatable {
      /// nil where the run does not say.
      case numbers([Double?])
      case counts([Int])
      case texts([String])
    }
    var name: String
    /// Empty for a plain number or a text.
    var unit = ""
    var values: Values
  }

  /// What names a column of facts: the same fact in another unit is another column.
  private struct Name: Hashable {
    var stage: String
    var fact: String
    var unit: String
  }

  let title: String
  /// Of the group that holds it in a file.
  let name: String
  let columns: [Column]

  init(title: String, name: String, columns: [Column]) {
    (self.title, self.name, self.columns) = (title, name, columns)
  }

  /// - Parameters:
  ///   - title: What the runs have in common.
  ///   - instances: The runs in order.
  ///   - settings: What sets each apart, by its key: names in order, with values as written.
  public init(
    title: String, instances: [InstanceReport], settings: [String: [(name: String, value: String)]]
  ) {
    let own = [
      Column(name: "key", values: .texts(instances.map(\.key))),
      Column(name: "outcome", values: .texts(instances.map(\.outcome.rawValue))),
      Column(
        name: "reason", values: .texts(instances.map { $0.failures.first?.failure.message ?? "" })),
    ]
    self.init(
      title: title, name: "summary",
      columns: own + Self.settings(of: instances.map(\.key), settings) + Self.facts(instances))
  }

  /// A column for each setting, in the order in which runs name them.
  ///
  /// - Parameters:
  ///   - keys: Of the run of each row.
  ///   - settings: By key: names in order, with values as written.
  static func settings(
    of keys: [String], _ settings: [String: [(name: String, value: String)]]
  ) -> [Column] {
    var names: [String] = []
    for key in keys {
      for (name, _) in settings[key] ?? [] where !names.contains(name) { names.append(name) }
    }
    return names.map { name in
      let values = keys.map { key in settings[key]?.first { $0.name == name }?.value ?? "" }
      return Column(name: name, values: .texts(values))
    }
  }

  private static let verdict = "verdict"

  /// The facts of listed results, in the order of stages and facts.
  private static func facts(_ instances: [InstanceReport]) -> [Column] {
    var names: [Name] = []
    var seen: Set<Name> = []
    var found: [[Name: Fact]] = []
    for instance in instances {
      var facts: [Name: Fact] = [:]
      let run = instance.run
      for stage in run?.stages ?? [] where run?.results.contains(stage.name) ?? false {
        for fact in stage.facts where fact.value != nil {
          let name = Name(stage: stage.name, fact: fact.key, unit: fact.unit ?? "")
          if facts.updateValue(fact, forKey: name) == nil, seen.insert(name).inserted {
            names.append(name)
          }
        }
      }
      found.append(facts)
    }
    let stages = instances.compactMap(\.run).first?.stages.map(\.name) ?? []
    let order = Dictionary(
      stages.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    // Facts of one stage stay together, whichever run told them first.
    return names.enumerated().sorted {
      (order[$0.element.stage] ?? 0, $0.offset) < (order[$1.element.stage] ?? 0, $1.offset)
    }.flatMap { columns($0.element, found) }
  }

  /// Value, error where any run states one, and of a verdict the words.
  private static func columns(_ name: Name, _ found: [[Name: Fact]]) -> [Column] {
    let label = "\(name.stage).\(name.fact)"
    let facts = found.map { $0[name] }
    let numbers = Column.Values.numbers(facts.map { $0?.value })
    if name.fact == verdict {
      return [
        Column(name: label, values: .texts(facts.map { $0?.text ?? "" })),
        Column(name: "\(name.stage).significance", unit: "sigma", values: numbers),
      ]
    }
    var columns = [Column(name: label, unit: name.unit, values: numbers)]
    if facts.contains(where: { $0?.error != nil }) {
      columns.append(
        Column(
          name: "\(label)_error", unit: name.unit, values: .numbers(facts.map { $0?.error })))
    }
    return columns
  }

  // MARK: Files

  /// Comma-separated values (RFC 4180) with a header; the unit stands in parentheses behind the name.
  public var csv: String {
    let cells = columns.map { Self.cells($0) }
    let rowCount = cells.first?.count ?? 0
    let header = columns.map { $0.unit.isEmpty ? $0.name : "\($0.name) (\($0.unit))" }
    let rows = [header] + (0..<rowCount).map { row in cells.map { $0[row] } }
    return rows.map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
  }

  private static func cells(_ column: Column) -> [String] {
    switch column.values {
    case .numbers(let numbers): numbers.map { number in number.map { "\($0)" } ?? "" }
    case .counts(let counts): counts.map { "\($0)" }
    case .texts(let texts): texts
    }
  }

  private static func quoted(_ text: String) -> String {
    let needsQuotes = text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    return needsQuotes ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
  }

  /// Writes a new HDF5 file: each column a dataset of `/entry/summary`, NaN where a run does not say.
  ///
  /// - Parameters:
  ///   - path: Of a file that is not there yet.
  ///   - other: A table that goes beside it, into a group of its own name; nil for none. Without rows it is left out.
  ///   - observer: Sees all bytes of the file, in their order; called by one thread at a time.
  /// - Throws: `StageFailure` of category `machine`.
  public func write(
    to path: String, with other: SummaryTable? = nil,
    shownTo observer: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) throws {
    do {
      try HDF5File.create(path, shownTo: observer) { root in
        try root.setAttribute("NX_class", to: "NXroot")
        try root.setAttribute("default", to: "entry")
        let entry = try root.createGroup("entry")
        try entry.setAttribute("NX_class", to: "NXentry")
        try entry.write("title", title)
        try write(to: entry)
        if let other, !other.isEmpty { try other.write(to: entry) }
      }
    } catch let error as HDF5Error {
      throw StageFailure(
        .machine, "\(path): cannot be written: \(error.reason)",
        remedy: "check the space and the permissions there", details: error.stack)
    }
  }

  private var isEmpty: Bool { columns.allSatisfy { Self.cells($0).isEmpty } }

  private func write(to entry: borrowing HDF5Group) throws(HDF5Error) {
    let group = try entry.createGroup(name)
    try group.setAttribute("NX_class", to: "NXcollection")
    // A group's members have no order of their own.
    try group.setAttribute("columns", to: Self.distinct(columns).map(\.name))
    for column in Self.distinct(columns) {
      switch column.values {
      case .texts(let texts): try group.write(column.name, texts)
      case .counts(let counts):
        try group.write(column.name, counts, shape: [counts.count])
      case .numbers(let numbers):
        let dataset = try group.write(
          column.name, numbers.map { $0 ?? .nan }, shape: [numbers.count])
        try dataset.setAttribute("units", to: column.unit)
      }
    }
  }

  /// Columns whose names differ in the unit only get it into the name, with `per` for the slash that
  /// would make a group.
  private static func distinct(_ columns: [Column]) -> [Column] {
    let names = Dictionary(grouping: columns, by: \.name)
    return columns.map { column in
      guard names[column.name]?.count ?? 0 > 1, !column.unit.isEmpty else { return column }
      var column = column
      column.name += "_" + column.unit.replacing("/", with: "_per_").replacing(" ", with: "_")
      return column
    }
  }
}
