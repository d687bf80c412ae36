// Numbers, units and round steps as a reader sees them.
import Testing

@testable import FieldRendering

struct NumberTests {
  @Test(
    "A hyphen before a number or an exponent is drawn as a minus sign, any other as a hyphen",
    arguments: [
      ("-12.5 nrad", "−12.5 nrad"), ("(-.5, -3)", "(−.5, −3)"), ("1e-12 C/m²", "1e−12 C/m²"),
      ("x=-3", "x=−3"), ("±-1", "±−1"), ("a line-of-sight, -", "a line-of-sight, -"),
      ("5-10 nm", "5-10 nm"), ("scan-5, 2026-11-29", "scan-5, 2026-11-29"), ("made-5", "made-5"),
      ("disc-shift · -2", "disc-shift · −2"), ("", ""),
    ])
  func minusSigns(_ text: String, _ drawn: String) {
    #expect(NumberText.withMinusSigns(text) == drawn)
  }

  @Test(
    "Fixed decimals round half away from zero and keep the sign of what is not zero",
    arguments: [
      (0.0, 0, "0"), (-0.0, 2, "0.00"), (1.25, 1, "1.3"), (-1.25, 1, "−1.3"), (0.004, 2, "0.00"),
      (-0.004, 2, "0.00"), (0.05, 2, "0.05"), (-12, 0, "−12"), (1234.5, 1, "1234.5"),
      (999.96, 1, "1000.0"), (.nan, 1, "n/a"), (.infinity, 0, "n/a"), (1e300, 0, "1×10³⁰⁰"),
    ])
  func fixed(value: Double, decimals: Int, text: String) {
    #expect(NumberText.fixed(value, decimals: decimals) == text)
  }

  @Test(
    "Significant digits lose trailing zeros",
    arguments: [
      (300.0, 3, "300"), (12.0, 3, "12"), (1.2, 3, "1.2"), (1.234, 3, "1.23"), (-0.05, 2, "−0.05"),
      (0.000_123_4, 3, "0.000123"), (99_960, 3, "100000"), (0, 3, "0"), (.nan, 3, "n/a"),
      (1e-20, 2, "1×10⁻²⁰"), (0.1 + 0.2, 3, "0.3"),
    ])
  func significant(value: Double, count: Int, text: String) {
    #expect(NumberText.significant(value, count) == text)
  }

  @Test(
    "Prefixes leave one to three digits before the point",
    arguments: [
      (3e8, "V/m", "300 MV/m"), (-3e8, "V/m", "−300 MV/m"), (1.2e-5, "rad", "12 µrad"),
      (1.2e-12, "V m", "1.2 mV nm"), (4.56e-8, "V m", "45.6 V nm"), (0, "V", "0 V"),
      (0.9996e3, "V", "1 kV"), (999.4, "V", "999 V"), (5, "%", "5 %"), (0.25, "", "0.25"),
      (2e-7, "", "200 ×10⁻⁹"), (3.2e7, "e/nm²", "32 ×10⁶ e/nm²"), (2e4, "m²", "20000 m²"),
      (1e-6, "C/m²", "1 µC/m²"),
    ])
  func prefixes(value: Double, unit: String, text: String) {
    let shown = DisplayUnit(unit: unit, magnitude: value).text(value)
    #expect(String(shown.map { $0 == "\u{A0}" ? " " : $0 }) == text)
  }

  @Test("A value is shown in the unit of the scale, not in its own")
  func commonUnit() {
    let unit = DisplayUnit(unit: "V/m", magnitude: 3e8)
    #expect(unit.number(4.5e6) == 4.5)
    #expect(unit.label("Electric field") == "Electric field (MV/m)")
    #expect(DisplayUnit(unit: "", magnitude: 1).label("Ratio") == "Ratio")
  }

  @Test(
    "Lengths are in pm, nm, µm or mm",
    arguments: [
      (5e-11, "pm", 50.0), (1e-10, "nm", 0.1), (2e-8, "nm", 20), (5e-7, "nm", 500),
      (1e-6, "µm", 1), (2e-3, "mm", 2),
    ])
  func lengths(meters: Double, symbol: String, number: Double) {
    let unit = DisplayUnit.length(meters)
    #expect(unit.symbol == symbol)
    // One rounding in the scaling by a power of ten.
    #expect(abs(unit.number(meters) - number) <= 1e-12 * number)
  }

  @Test("Round steps are 1, 2 or 5 times a power of ten on either side of a number")
  func steps() {
    for exponent in -12...12 {
      for (value, below, above) in [
        (1.0, 1, 1), (1.99, 1, 2), (2, 2, 2), (3, 2, 5), (5, 5, 5), (9.9, 5, 10),
      ] {
        let scaled = RoundNumbers.scaled(value, byPowerOfTen: exponent)
        let expected = RoundNumbers.scaled(Double(above), byPowerOfTen: exponent)
        #expect(RoundNumbers.step(notAbove: scaled).mantissa == below)
        #expect(RoundNumbers.step(notAbove: scaled).exponent == exponent)
        #expect(abs(RoundNumbers.step(notBelow: scaled).value / expected - 1) < 1e-12)
      }
    }
  }

  @Test("Ticks are round, inside the range and written alike")
  func ticks() {
    let ticks = RoundNumbers.ticks(from: -0.25, to: 0.31, atMost: 6)
    #expect(ticks.map(\.label) == ["−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"])
    #expect(ticks.map(\.value) == [-0.2, -0.1, 0, 0.1, 0.2, 0.3])
    #expect(
      RoundNumbers.ticks(from: 0, to: 400, atMost: 4).map(\.label) == [
        "0", "100", "200", "300", "400",
      ])
    #expect(RoundNumbers.ticks(from: 1, to: 1, atMost: 4).isEmpty)
    #expect(RoundNumbers.ticks(from: .nan, to: 1, atMost: 4).isEmpty)
  }

  @Test("Rounding up keeps what is round already")
  func roundingUp() {
    #expect(RoundNumbers.rounded(2.9e8, significant: 2, .up) == 2.9e8)
    #expect(RoundNumbers.rounded(2.91e8, significant: 2, .up) == 3e8)
    #expect(RoundNumbers.rounded(0.3, significant: 2, .up) == 0.3)
    #expect(RoundNumbers.rounded(0, significant: 2, .up) == 0)
  }

  @Test(
    "Every positive finite number has an exponent, a rounded one and ticks, down to the smallest",
    arguments: [
      (.leastNonzeroMagnitude, -324), (0x1p-1030, -311), (3e-308, -308), (2e-307, -307),
      (2e307, 307), (.greatestFiniteMagnitude, 308),
    ])
  func extremes(value: Double, exponent: Int) {
    #expect(RoundNumbers.exponent(of: value) == exponent)
    let rounded = RoundNumbers.rounded(value, significant: 2, .up)
    #expect(rounded.isFinite && abs(rounded - value) <= 0.1 * value)
    for tick in RoundNumbers.ticks(from: -value, to: value, atMost: 6) {
      #expect(abs(tick.value) <= value * (1 + 1e-9))
    }
    for unit in ["V/m", "V m"] {
      #expect(DisplayUnit(unit: unit, magnitude: value).text(value).contains("×10"))
    }
  }
}
