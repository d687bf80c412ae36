// Mistyped words and what they were meant to be.
import Testing

@testable import ShownText

struct SpellingTests {
  @Test(
    "the closest known word is suggested, and none where nothing is close",
    arguments: [
      ("deflecton", "deflection"), ("DEFLECTION", "deflection"), ("rotation", nil),
      ("itnegrate", "integrate"), ("fild", "field"), ("x", nil), ("", nil), ("pgn", "png"),
      ("gif", nil), ("nope", nil), ("no", nil), ("E", "e"), ("integer", nil),
    ] as [(String, String?)])
  func spelling(word: String, expected: String?) {
    let known = ["deflection", "integrate", "field", "png", "pdf", "e", "one"]
    #expect(Spelling.closest(to: word, among: known) == expected)
    #expect(
      Spelling.suggestion(for: word, among: known) == expected.map { "did you mean '\($0)'?" })
  }

  @Test("one swap of neighbors is one edit")
  func distances() {
    #expect(Spelling.distance("form", "from") == 1)
    #expect(Spelling.distance("kitten", "sitting") == 3)
    #expect(Spelling.distance("", "abc") == 3)
  }
}
