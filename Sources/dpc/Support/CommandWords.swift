// The command line before it is parsed: words behind one hyphen, in which the parser would seek letters of options.
import Foundation

/// The words of a command line.
enum CommandWords {
  /// Letters that are options of some command.
  private static let letters = ["h", "i", "o"]

  /// The words as the parser understands them: a negative number belongs to the option before it.
  ///
  /// - Throws: A failure for an empty word, and for one that begins with one hyphen and is no option.
  static func checked(_ words: [String]) throws(CommandFailure) -> [String] {
    var checked: [String] = []
    for (index, word) in words.enumerated() {
      if word.isEmpty {
        throw CommandFailure(
          .usage, "an empty word stands behind '\(checked.last ?? "dpc")'",
          remedy: "a variable of the shell that is not set gives one")
      }
      if word == "--" { return checked + words[index...] }
      if let option = checked.last, option.hasPrefix("--"), !option.contains("="),
        isNegative(word)
      {
        checked[checked.count - 1] = "\(option)=\(word)"
        continue
      }
      try check(word)
      if checked.last == "--set" { try checkSetting(word, next: words.dropFirst(index + 1).first) }
      checked.append(word)
    }
    return checked
  }

  /// Whether a word is a number below zero, with a unit or without.
  private static func isNegative(_ word: String) -> Bool {
    word.wholeMatch(of: /-[0-9.]+([eE][-+]?[0-9]+)?[A-Za-z]*/) != nil
  }

  /// Refuses a parameter whose value stands apart, or nowhere.
  private static func checkSetting(_ word: String, next: String?) throws(CommandFailure) {
    if word.contains("=") { return }
    let value = next.flatMap { $0.hasPrefix("-") ? nil : $0 }
    throw CommandFailure(
      .usage, "--set \(word): not of the form STAGE.PARAMETER=VALUE",
      remedy: word.contains(".")
        ? "write --set \(word)=\(value ?? "VALUE")" : "for example --set field.thickness_nm=50")
  }

  private static func check(_ word: String) throws(CommandFailure) {
    guard word.hasPrefix("-"), !word.hasPrefix("--"), word != "-" else { return }
    let name = String(word.dropFirst().prefix { $0 != "=" })
    if letters.contains(name) { return }
    let file = "a file of that name is written ./\(word)"
    if word.contains(".") || word.contains("/") || FileManager.default.fileExists(atPath: word) {
      throw CommandFailure(
        .usage, "\(word): taken for an option, for it begins with a hyphen", remedy: file)
    }
    throw CommandFailure(
      .usage, "there is no option '\(word)'",
      remedy: name.count > 1
        ? "options begin with two hyphens (--\(name)); \(file)"
        : "--help lists the options; \(file)")
  }
}
