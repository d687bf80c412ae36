// What `dpc stages TYPE` prints: everything about one type.

public import Pipeline

/// Help texts from the catalog, which is also what checks a manifest.
public enum StageHelp {
  /// Summary, ports, parameters and an example of one type; nil for a type that does not exist.
  public static func text(for name: String, in catalog: StageCatalog) -> String? {
    guard let type = catalog[name] else { return nil }
    var lines = ["\(type.name): \(type.summary)", ""]
    lines += section("inputs", type.inputs.map { inputRow($0) })
    lines += section("outputs", type.outputs.map { outputRow($0) })
    lines +=
      ["parameters:"] + (type.parameters.isEmpty ? ["  none"] : type.parameters.flatMap(entry))
    lines += ["", "example:"]
    lines += StageExample(catalog: catalog).stageLines(type).map { "  \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A whole manifest that uses `name`, fed from the simplest stages of the catalog; nil for a type
  /// that does not exist or that no stage can feed.
  package static func exampleManifest(for name: String, in catalog: StageCatalog) -> String? {
    catalog[name].flatMap { StageExample(catalog: catalog).manifest($0) }
  }

  /// `key: value` as it might stand in a manifest.
  static func exampleEntry(_ specification: ParameterSpecification) -> String {
    StageExample.entry(specification)
  }

  // MARK: Rows

  private static func inputRow(_ port: InputPort) -> [String] {
    let kinds = port.kinds.map(\.name).joined(separator: " or ")
    return [port.name, kinds, port.isRequired ? "" : "optional", port.summary]
  }

  private static func outputRow(_ port: OutputPort) -> [String] {
    switch port.kind {
    case .fixed(let kind): return [port.name, kind.name, "", port.summary]
    case .sameAs(let input): return [port.name, "as \(input)", "", port.summary]
    case .chosen(let key, let kinds):
      if kinds.allSatisfy({ $0.key == $0.value.name }) {
        return [port.name, "the kind that \(key) names", "", port.summary]
      }
      let choices = kinds.sorted { $0.key < $1.key }.map { "\($0.value) for \(key) \($0.key)" }
      return [port.name, choices.joined(separator: ", "), "", port.summary]
    }
  }

  /// A title and rows in columns; empty columns vanish.
  private static func section(_ title: String, _ rows: [[String]]) -> [String] {
    if rows.isEmpty { return ["\(title):", "  none", ""] }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      let cells = zip(row, widths).filter { $0.1 > 0 }.map { padded($0.0, to: $0.1) }
      return "  " + trimmedRight(cells.joined(separator: "  "))
    }
    return ["\(title):"] + lines + [""]
  }

  /// Two lines: the key with what it takes, and what it is for.
  private static func entry(_ specification: ParameterSpecification) -> [String] {
    ["  \(specification.key): \(takes(specification))", "      \(specification.summary)"]
  }

  /// "a number in nm greater than 0, or from-file; default from-file".
  static func takes(_ specification: ParameterSpecification) -> String {
    var words: String
    switch specification.kind {
    case .number(let unit, let range):
      words = "number" + (unit.map { " in \($0)" } ?? "") + (range == .any ? "" : ", \(range)")
    case .numbers(let unit, let range):
      words =
        "list of numbers" + (unit.map { " in \($0)" } ?? "") + (range == .any ? "" : ", \(range)")
    case .integer(let range): words = "whole number" + ParameterReading.words(for: range)
    case .choice(let choices): words = choices.joined(separator: " | ")
    case .choices(let choices): words = "list of " + choices.joined(separator: " | ")
    case .text: words = "text"
    case .texts: words = "list of texts"
    case .boolean: words = "true | false"
    case .file: words = "$NAME of one of the inputs"
    }
    words += specification.keywords.map { " | \($0)" }.joined()
    if let value = specification.defaultValue { return words + "; default \(value)" }
    return words + (specification.isRequired ? "; required" : "; optional")
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func trimmedRight(_ text: String) -> String {
    guard let last = text.lastIndex(where: { $0 != " " }) else { return "" }
    return String(text[...last])
  }
}
