// Text from outside as it may be printed: short, and without characters that would steer a terminal.

/// How words of the user, of a file or of a manifest are shown: short, and without characters that would steer a terminal.
public enum Shown {
  /// In quotes.
  public static func word(_ word: String) -> String { "'\(clipped(word))'" }

  /// At most so many characters, an ellipsis among them.
  public static func clipped(_ text: String, to limit: Int = 60) -> String {
    let clean = printable(text)
    return clean.count > limit ? clean.prefix(limit - 1) + "…" : clean
  }

  /// A line in which every character that would steer a terminal, line breaks too, is replaced by U+FFFD.
  public static func printable(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      shown.append(isControl && scalar != "\t" ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }

  /// The same of a text of several lines, which stay.
  public static func printableLines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
      .joined(separator: "\n")
  }
}
