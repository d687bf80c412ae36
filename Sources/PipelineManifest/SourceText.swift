// The manifest's text by lines, as a YAML reader counts them, so that every message can show its place.

/// A place in a text: line and column from 1, columns counted in Unicode scalars.
struct SourceSpan: Sendable, Hashable {
  var line: Int
  var column: Int
  /// Scalars that belong to the place, at least 1.
  var length: Int
}

/// A text cut into lines at the breaks that YAML 1.1 knows.
struct SourceText: Sendable {
  private let lines: [[Unicode.Scalar]]
  private let strings: [String]

  init(_ text: String) {
    var lines: [[Unicode.Scalar]] = []
    var line: [Unicode.Scalar] = []
    var followsReturn = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where followsReturn:
        followsReturn = false
      case _ where Self.isBreak(scalar):
        lines.append(line)
        line = []
        followsReturn = scalar == "\r"
      default:
        line.append(scalar)
        followsReturn = false
      }
    }
    lines.append(line)
    self.lines = lines
    strings = lines.map { line in
      var view = String.UnicodeScalarView()
      view.append(contentsOf: line)
      return String(view)
    }
  }

  /// Whether a line ends with it; a line feed behind a carriage return ends none of its own.
  static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
    ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar)
  }

  var lineCount: Int { lines.count }

  /// The scalars of line `number`, empty outside the text.
  func scalars(ofLine number: Int) -> [Unicode.Scalar] {
    lines.indices.contains(number - 1) ? lines[number - 1] : []
  }

  /// Line `number` without its break, empty outside the text.
  func string(ofLine number: Int) -> String {
    strings.indices.contains(number - 1) ? strings[number - 1] : ""
  }

  /// The place of a scalar value that starts at a mark: its length as written, quotation included.
  func span(line: Int, column: Int, text: String? = nil) -> SourceSpan {
    let scalars = scalars(ofLine: line).dropFirst(max(0, column - 1))
    var length = 1
    if let first = scalars.first, let text {
      let value = Array(text.unicodeScalars)
      if first == "\"" || first == "'" {
        length = scalars.dropFirst().firstIndex(of: first).map { $0 - scalars.startIndex + 1 } ?? 1
      } else if !value.isEmpty, scalars.starts(with: value) {
        length = value.count
      }
    }
    return SourceSpan(line: line, column: column, length: length)
  }

  /// Line and column of the character at `offset` (counted in characters) from the beginning.
  static func position(ofCharacter offset: Int, in text: String) -> (line: Int, column: Int) {
    let before = SourceText(String(text.prefix(offset)))
    return (before.lineCount, (before.lines.last?.count ?? 0) + 1)
  }
}
