// What to propose for a word of a manifest that is not known.
internal import ShownText

/// "Did you mean", for words short enough to be worth comparing.
enum Suggestion {
  static func word(closestTo word: String, among candidates: [String]) -> String? {
    word.isEmpty || word.utf8.count > 100
      ? nil : Spelling.closest(to: word, among: candidates)
  }

  static func closest(to word: String, among candidates: [String]) -> String? {
    self.word(closestTo: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// The closest of the manifest's own names, or some of them where nothing is close.
  static func closest(to word: String, among candidates: [String], of kind: String) -> String? {
    if candidates.isEmpty { return "it has no \(kind)" }
    let some = candidates.prefix(12).joined(separator: ", ")
    return closest(to: word, among: candidates)
      ?? "its \(kind) are \(some)\(candidates.count > 12 ? ", …" : "")"
  }
}
