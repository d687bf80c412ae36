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

  @Test("What is zero within its error has the digits of the error, in a unit that shows them")
  func zero() {
    #expect(Format.quantity(0, error: 680e-12, unit: "m") == "0.00 ± 0.68 nm")
    #expect(Format.quantity(-0.3e-12, error: 68e-12, unit: "m") == "0.000 ± 0.068 nm")
    #expect(Format.quantity(0, error: 6.8e-12, unit: "m") == "0.0 ± 6.8 pm")
    #expect(Format.quantity(-1e-12, error: 680e-12, unit: "m") == "-1 ± 680 pm")
    #expect(Format.quantity(0, error: 200e12, unit: "V") == "0 ± 200 TV")
    #expect(Format.quantity(0, unit: "m") == "0 m")
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
