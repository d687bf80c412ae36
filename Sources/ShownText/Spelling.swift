// "Did you mean": the closest known word to a mistyped one.

/// Suggestions for mistyped names.
public enum Spelling {
  /// "did you mean 'x'?" for the closest candidate, or nil where nothing is close.
  public static func suggestion(for word: String, among candidates: [String]) -> String? {
    closest(to: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// The candidate within a third of the word's length in edits, rounded; ties in order of name. What is farther has
  /// its letters in common with the word by chance.
  public static func closest(to word: String, among candidates: [String]) -> String? {
    let limit = (word.count + 1) / 3
    // No fewer edits than the lengths differ by.
    let scored = candidates.filter { abs($0.count - word.count) <= limit }
      .map { (name: $0, distance: distance(word, $0)) }.filter { $0.distance <= limit }
    return scored.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
  }

  /// Edits (insert, delete, substitute, swap neighbors) between two words, letter case ignored.
  static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first.lowercased())
    let b = Array(second.lowercased())
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var table = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { table[i][0] = i }
    for j in 0...b.count { table[0][j] = j }
    for i in 1...a.count {
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        var best = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          best = min(best, table[i - 2][j - 2] + 1)
        }
        table[i][j] = best
      }
    }
    return table[a.count][b.count]
  }
}
