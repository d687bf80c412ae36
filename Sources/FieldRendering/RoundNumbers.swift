// Round lengths, ticks and limits: 1, 2 or 5 times a power of ten.
internal import Glibc

enum RoundNumbers {
  /// The largest n for which 10ⁿ is a finite number.
  private static let largestPower = 308

  /// 10ⁿ; exact for 0...22, zero or infinite where no number is as small or large.
  static func powerOfTen(_ exponent: Int) -> Double { scaled(1, byPowerOfTen: exponent) }

  /// value × 10ⁿ by one correctly rounded operation where |n| <= 22, so that 3 × 10⁻¹ is 0.3.
  static func scaled(_ value: Double, byPowerOfTen exponent: Int) -> Double {
    var (value, rest) = (value, Int(exponent.magnitude))
    // In steps, since a number of 10⁻³²⁴ is brought near one by a power that is not finite itself.
    repeat {
      let step = min(rest, largestPower)
      var power = 1.0
      for _ in 0..<step { power *= 10 }
      value = exponent < 0 ? value / power : value * power
      rest -= step
    } while rest > 0 && value != 0 && value.isFinite
    return value
  }

  /// The decimal exponent: floor(log10 |value|); value finite and not zero.
  static func exponent(of value: Double) -> Int {
    let guess = Int(log10(abs(value)).rounded(.down))
    // log10 may round up to an integer just below a power of ten, or down just at one.
    if abs(value) >= powerOfTen(guess + 1) { return guess + 1 }
    return abs(value) < powerOfTen(guess) ? guess - 1 : guess
  }

  /// The value rounded to significant decimal digits by a rule; unchanged where it is zero or not finite, or
  /// where the rounded one would be.
  static func rounded(
    _ value: Double, significant count: Int,
    _ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero
  ) -> Double {
    guard value.isFinite, value != 0 else { return value }
    let shift = count - 1 - exponent(of: value)
    let digits = scaled(value, byPowerOfTen: shift)
    // What is round already stays, though the scaling left it a last bit above.
    let nearest = digits.rounded()
    let isRound = abs(digits - nearest) <= 1e-9 * abs(digits)
    let rounded = scaled(isRound ? nearest : digits.rounded(rule), byPowerOfTen: -shift)
    return rounded.isFinite && rounded != 0 ? rounded : value
  }

  /// A number m × 10ⁿ with m = 1, 2 or 5.
  struct Step: Equatable {
    var mantissa: Int
    var exponent: Int

    /// The multiple `count` of the step.
    func multiple(_ count: Int) -> Double {
      RoundNumbers.scaled(Double(count * mantissa), byPowerOfTen: exponent)
    }
    var value: Double { multiple(1) }
    /// Decimals needed to write every multiple.
    var decimals: Int { max(0, -exponent) }
  }

  /// The largest step that is not above a positive number.
  static func step(notAbove value: Double) -> Step {
    let power = exponent(of: value)
    // A last-bit error must not turn 2 into 1.
    let mantissa = scaled(value, byPowerOfTen: -power) * (1 + 1e-12)
    return Step(mantissa: mantissa >= 5 ? 5 : mantissa >= 2 ? 2 : 1, exponent: power)
  }

  /// The smallest step that is not below a positive number.
  static func step(notBelow value: Double) -> Step {
    let power = exponent(of: value)
    let mantissa = scaled(value, byPowerOfTen: -power) * (1 - 1e-12)
    if mantissa <= 1 { return Step(mantissa: 1, exponent: power) }
    if mantissa <= 2 { return Step(mantissa: 2, exponent: power) }
    if mantissa <= 5 { return Step(mantissa: 5, exponent: power) }
    return Step(mantissa: 1, exponent: power + 1)
  }

  /// Round ticks inside lower...upper, at most `count` + 1 of them, with their labels.
  static func ticks(
    from lower: Double, to upper: Double, atMost count: Int
  ) -> [(value: Double, label: String)] {
    let range = upper - lower
    guard count > 0, range.isFinite, range / Double(count) > 0 else { return [] }
    let step = step(notBelow: range / Double(count))
    let first = ((lower - 1e-9 * range) / step.value).rounded(.up)
    let last = ((upper + 1e-9 * range) / step.value).rounded(.down)
    guard abs(first) < 1e9, abs(last) < 1e9, first <= last else { return [] }
    return (Int(first)...Int(last)).map { index in
      let value = step.multiple(index)
      return (value, NumberText.fixed(value, decimals: step.decimals))
    }
  }
}
