// Everything that is wrong with a manifest, with line, column and caret, in one error.
internal import ShownText

/// Where a problem lies.
public enum ManifestPlace: Sendable, Hashable {
  /// In the manifest's text: line and column from 1, columns in Unicode scalars; `length` scalars
  /// belong to it; `sourceLine` is the line as written.
  case text(line: Int, column: Int, length: Int, sourceLine: String)
  /// In a table that the manifest names; line and column from 1, `sourceLine` as written.
  case table(path: String, line: Int, column: Int, sourceLine: String)
  /// In an argument of the command line, such as `--set tilt.method=x`.
  case argument(String)
}

/// One thing that is wrong with a manifest.
public struct ManifestProblem: Sendable, Hashable {
  public let place: ManifestPlace
  public let message: String
  /// "did you mean …", or what to do.
  public let suggestion: String?

  /// The message, the line with a caret below it, and the suggestion.
  func rendered(path: String) -> String {
    var lines: [String] = []
    switch place {
    case .text(let line, let column, let length, let sourceLine):
      lines.append("\(path):\(line):\(column): error: \(message)")
      lines += Self.marked(sourceLine, column: column, length: length)
    case .table(let table, let line, let column, let sourceLine):
      lines.append("\(table):\(line):\(column): error: \(message)")
      lines += Self.marked(sourceLine, column: column, length: 1)
    case .argument(let argument):
      lines.append("\(Shown.clipped(argument, to: 120)): error: \(message)")
    }
    if let suggestion { lines.append("  help: \(suggestion)") }
    return lines.joined(separator: "\n")
  }

  /// The source line and the caret line; a line too long to read is cut around the place.
  private static func marked(_ sourceLine: String, column: Int, length: Int) -> [String] {
    let all = Array(sourceLine.unicodeScalars)
    if all.isEmpty { return [] }
    let start = column <= 100 ? 0 : min(column - 60, all.count)
    let end = min(all.count, start + 160)
    let shown = Shown.printable(string(all[start..<end]))
    let before = string(all[start..<max(start, min(column - 1, end))])
    let underlined = min(length, max(1, end - column + 1))
    // A tab stays a tab, so that the caret stands right whatever a tab's width is.
    let padding = before.map { $0 == "\t" ? "\t" : " " }.joined()
    return [
      "  \(start > 0 ? "…" : "")\(shown)\(end < all.count ? "…" : "")",
      "  \(start > 0 ? " " : "")\(padding)^" + String(repeating: "~", count: underlined - 1),
    ]
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}

/// All problems of a manifest and of the arguments that change it.
public struct ManifestError: Error, Sendable {
  /// The manifest, as named on the command line.
  public let path: String
  /// In order of position; then those of tables, and those of the command line in the order given.
  public let problems: [ManifestProblem]

  /// More than anybody reads; the rest of a file that is no manifest at all is only counted.
  private static let shownLimit = 200

  /// What a user reads: every problem, then how many there are.
  public var rendered: String {
    let count = problems.count == 1 ? "1 error" : "\(problems.count) errors"
    let hidden = problems.count - Self.shownLimit
    return problems.prefix(Self.shownLimit).map { $0.rendered(path: path) + "\n\n" }.joined()
      + "\(count) in \(path)\(hidden > 0 ? ", \(hidden) of them not shown" : "")\n"
  }
}

extension ManifestError: CustomStringConvertible {
  public var description: String { rendered }
}

/// Gathers problems while a manifest is read.
struct ProblemList {
  let source: SourceText
  private struct Key: Hashable {
    var span: SourceSpan
    var message: String
  }
  private var located: [(span: SourceSpan, problem: ManifestProblem)] = []
  /// What an alias repeats stands at one place and is told once.
  private var told: Set<Key> = []
  private var tables: [(line: Int, column: Int, problem: ManifestProblem)] = []
  private var arguments: [ManifestProblem] = []

  init(source: SourceText) { self.source = source }

  var count: Int { located.count + tables.count + arguments.count }
  var isEmpty: Bool { count == 0 }

  /// - Parameter text: The whole table, of which the line is shown.
  mutating func add(
    table: String, line: Int, column: Int, text: String, _ message: String, _ suggestion: String?
  ) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let sourceLine = lines.indices.contains(line - 1) ? String(lines[line - 1]) : ""
    let problem = ManifestProblem(
      place: .table(path: table, line: line, column: column, sourceLine: sourceLine),
      message: message, suggestion: suggestion)
    tables.append((line, column, problem))
  }

  mutating func add(_ span: SourceSpan, _ message: String, _ suggestion: String? = nil) {
    guard told.insert(Key(span: span, message: message)).inserted else { return }
    let place = ManifestPlace.text(
      line: span.line, column: span.column, length: span.length,
      sourceLine: source.string(ofLine: span.line))
    located.append((span, ManifestProblem(place: place, message: message, suggestion: suggestion)))
  }

  mutating func add(argument: String, _ message: String, _ suggestion: String? = nil) {
    arguments.append(
      ManifestProblem(place: .argument(argument), message: message, suggestion: suggestion))
  }

  /// Problems at one place keep the order in which they were found.
  func error(path: String) -> ManifestError {
    let sorted = located.enumerated().sorted { first, second in
      let a = first.element.span
      let b = second.element.span
      return (a.line, a.column, first.offset) < (b.line, b.column, second.offset)
    }
    let inTables = tables.enumerated().sorted { first, second in
      (first.element.line, first.element.column, first.offset)
        < (second.element.line, second.element.column, second.offset)
    }
    return ManifestError(
      path: path,
      problems: sorted.map(\.element.problem) + inTables.map(\.element.problem) + arguments)
  }
}
