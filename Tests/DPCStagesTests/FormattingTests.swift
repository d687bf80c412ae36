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

  @Test("Sigmas have two digits, and none beyond a million")
  func sigmas() {
    #expect(Format.sigmas(5.64) == "5.6 sigma" && Format.sigmas(352.3) == "352 sigma")
    #expect(Format.sigmas(9.9e5) == "990000 sigma")
    #expect(Format.sigmas(1e6) == "more than 1e6 sigma" && Format.sigmas(.infinity).contains("1e6"))
  }

  @Test("Angles with errors are degrees, never thousandths of them, and nothing has no sign")
  func angles() {
    let degree = Double.pi / 180
    #expect(Format.degrees(0.046 * degree, error: 0.05 * degree) == "0.046 ± 0.050°")
    #expect(Format.degrees(-179.954 * degree, error: 0.05 * degree) == "-179.954 ± 0.050°")
    #expect(Format.degrees(-0.0004 * degree, error: 0.2 * degree) == "0.00 ± 0.20°")
    #expect(Format.degrees(12 * degree, error: 0) == "12°")
    #expect(Format.fixed(-0.04, 1) == "0.0" && Format.fixed(-0.06, 1) == "-0.1")
  }
}
