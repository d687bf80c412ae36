// Texts from outside as they are printed.

import ShownText
import Testing

struct ShownTests {
  @Test(
    "What steers a terminal, breaks a line or reorders what is read is replaced",
    arguments: [
      ("plain, ä and 日本", "plain, ä and 日本"), ("a\tb", "a\tb"),
      ("a\u{1B}[31mb", "a\u{FFFD}[31mb"),
      ("a\nb\r\nc", "a\u{FFFD}b\u{FFFD}\u{FFFD}c"), ("a\u{85}\u{9B}b", "a\u{FFFD}\u{FFFD}b"),
      ("a\u{2028}b\u{2029}c", "a\u{FFFD}b\u{FFFD}c"),
      ("a\u{202E}b\u{2066}c", "a\u{FFFD}b\u{FFFD}c"),
      // A letter that is written from right to left, and its mark, are text.
      ("\u{5D0}\u{200F}", "\u{5D0}\u{200F}"),
    ])
  func printable(text: String, shown: String) {
    #expect(Shown.printable(text) == shown)
  }

  @Test("Lines stay lines, whatever ends them")
  func lines() {
    #expect(Shown.printableLines("a\r\nb\nc\u{7}\rd\n") == "a\nb\nc\u{FFFD}\nd\n")
  }

  @Test("A long text ends with an ellipsis, within its limit")
  func clipped() {
    #expect(Shown.clipped("abcdef", to: 6) == "abcdef")
    #expect(Shown.clipped("abcdefg", to: 6) == "abcde…")
    #expect(Shown.word("a\nb") == "'a\u{FFFD}b'")
  }
}
