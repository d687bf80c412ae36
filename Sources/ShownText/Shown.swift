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

  /// A line in which every character that would steer a terminal, line breaks too, or that would have what follows
  /// read in another order, is replaced by U+FFFD.
  public static func printable(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control && scalar != "\t"
      shown.append(isControl || isSeparator(scalar) || isReordering(scalar) ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }

  /// The same of a text of several lines, which stay.
  public static func printableLines(_ text: String) -> String {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map { printable(String($0)) }.joined(separator: "\n")
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\u{2028}" || scalar == "\u{2029}"
  }

  /// Embeddings, overrides and isolates of the bidirectional algorithm.
  private static func isReordering(_ scalar: Unicode.Scalar) -> Bool {
    ("\u{202A}"..."\u{202E}").contains(scalar) || ("\u{2066}"..."\u{2069}").contains(scalar)
  }
}
