// The entries of one mapping of a manifest.
internal import ShownText

/// The entries of a mapping by key, after unknown keys were reported.
struct Fields {
  private var byKey: [String: SourceEntry] = [:]
  /// Keys that unknown ones were probably meant to be.
  private var misspelled: Set<String> = []

  init(
    _ entries: [SourceEntry], allowed: [String], of owner: String, problems: inout ProblemList
  ) {
    for entry in entries {
      if allowed.contains(entry.key) {
        byKey[entry.key] = entry
      } else {
        let meant = Suggestion.word(closestTo: entry.key, among: allowed)
        if let meant { misspelled.insert(meant) }
        problems.add(
          entry.keySpan, "\(owner) has no key \(Shown.word(entry.key))",
          meant.map { "did you mean '\($0)'?" }
            ?? "its keys are \(allowed.joined(separator: ", "))")
      }
    }
  }

  subscript(key: String) -> SourceEntry? { byKey[key] }

  /// The key is missing because it was written wrong, which has been told.
  func isMisspelled(_ key: String) -> Bool { byKey[key] == nil && misspelled.contains(key) }
}
