// Lines that fit on a terminal.

/// Breaks text between words.
enum WrappedText {
  /// Columns; text in a pipe has the same lines as on a terminal.
  static let width = 100

  /// Lines of at most ``width`` columns where words allow it.
  ///
  /// - Parameters:
  ///   - text: Words between spaces; what stands before the first word stays.
  ///   - indent: Columns before the second and every later line.
  static func lines(_ text: String, indent: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    // Spaces between columns are words without letters: a line is not broken there.
    var holdsWord = false
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    for (index, word) in words.enumerated() {
      if holdsWord, !word.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: indent) + word
      } else {
        line += (index == 0 ? "" : " ") + word
      }
      holdsWord = holdsWord || !word.isEmpty
    }
    return lines + [line]
  }

  static func print(_ text: String, indent: Int) {
    for line in lines(text, indent: indent) { printLine(line) }
  }
}
