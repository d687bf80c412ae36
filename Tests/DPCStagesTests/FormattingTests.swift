// Numbers as the summary writes them.
@testable import DPCStages
import Testing

struct FormattingTests {
  @Test(
    "A number of electrons is short, and never begins with ten",
    arguments: [
      (950, "950"), (24_000, "2.4e4"), (1e6, "1e6"), (999_960, "1e6"), (9_999_600, "1e7"),
      (123_456, "1.23e5"), (9_994_000, "9.99e6"),
    ])
  func count(number: Double, text: String) {
    #expect(Format.count(number) == text)
  }
}
