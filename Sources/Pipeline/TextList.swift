// Lists of words on one line, written so that any word reads back as it was.

/// The form in which lists of free words stand in records and on the command line: `[a, "b, c"]`.
///
/// A word of letters, digits and `_./=+%@:~^*-` stands as it is; any other stands in double quotes, in which
/// `\"`, `\\`, `\n`, `\r` and `\t` have their usual meaning. YAML reads the same list.
public enum TextList {
  private static let plain = Set("_./=+%@:~^*-".utf8)
  private static let escapes: [Character: Character] = [
    "\"": "\"", "\\": "\\", "n": "\n", "r": "\r", "t": "\t",
  ]

  /// The word as it stands in a list.
  static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) && byte < 0x80
        || plain.contains(byte)
    }
    if isPlain && !word.isEmpty { return word }
    let body = word.map { character -> String in
      escapes.first { $0.value == character }.map { "\\\($0.key)" } ?? String(character)
    }
    return "\"\(body.joined())\""
  }

  /// The words of a list, brackets or not; nil where a quotation mark or a comma is out of place.
  ///
  /// - Parameter text: Such as `[a, "b, c"]`; one word alone is a list.
  public static func words(in text: String) -> [String]? {
    var rest = Substring(text)
    skipSpaces(&rest)
    while rest.last == " " { rest.removeLast() }
    if rest.first == "[" && rest.last == "]" && rest.count > 1 {
      rest = rest.dropFirst().dropLast()
      skipSpaces(&rest)
      if rest.isEmpty { return [] }
    }
    var words: [String] = []
    while true {
      guard let word = takeWord(&rest) else { return nil }
      words.append(word)
      skipSpaces(&rest)
      if rest.isEmpty { return words }
      if rest.removeFirst() != "," { return nil }
    }
  }

  private static func takeWord(_ rest: inout Substring) -> String? {
    skipSpaces(&rest)
    guard rest.first == "\"" else {
      var word = rest.prefix { $0 != "," }
      rest = rest.dropFirst(word.count)
      while word.last == " " { word.removeLast() }
      return word.isEmpty || word.contains("\"") ? nil : String(word)
    }
    rest.removeFirst()
    var word = ""
    while let character = rest.popFirst() {
      if character == "\"" { return word }
      if character != "\\" {
        word.append(character)
      } else if let escaped = rest.popFirst(), let meant = escapes[escaped] {
        word.append(meant)
      } else {
        return nil
      }
    }
    return nil
  }

  private static func skipSpaces(_ rest: inout Substring) {
    while rest.first == " " { rest.removeFirst() }
  }
}
