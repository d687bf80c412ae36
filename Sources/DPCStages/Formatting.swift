// Numbers for people: engineering prefixes, errors to the digits they deserve; no locale.
internal import Glibc

enum Format {
  private static let prefixes: [(exponent: Int, symbol: String)] = [
    (-15, "f"), (-12, "p"), (-9, "n"), (-6, "µ"), (-3, "m"), (0, ""), (3, "k"), (6, "M"), (9, "G"),
    (12, "T"),
  ]

  /// "152.3 ± 1.2 MV/m", "12.4 µrad", "0 V", "0.00 ± 0.68 nm".
  ///
  /// - Parameters:
  ///   - error: One standard deviation; two significant digits of it decide the decimals.
  ///   - unit: SI, its first symbol able to carry a prefix.
  static func quantity(_ value: Double, error: Double? = nil, unit: String) -> String {
    // Below a thousandth of the smallest prefix nothing is measured: what is left is rounding.
    if max(abs(value), error ?? 0) < 1e-18 { return "0 \(unit)" }
    let (factor, symbol) = prefix(for: max(abs(value), error ?? 0))
    guard let error, error > 0, error.isFinite else {
      return "\(significant(value / factor, digits: 4)) \(symbol)\(unit)"
    }
    func text(_ factor: Double) -> (value: String, error: String) {
      let decimals = decimals(forError: error / factor)
      return (fixed(value / factor, decimals), fixed(error / factor, decimals))
    }
    // A bare 0 beside an error reads like a number that is not there: it is as well measured as any other.
    if text(factor).value == "0", let larger = prefixes.first(where: { $0.symbol == symbol }),
      let next = prefixes.first(where: { $0.exponent > larger.exponent })
    {
      let (value, error) = text(pow(10, Double(next.exponent)))
      return "\(value) ± \(error) \(next.symbol)\(unit)"
    }
    let (number, deviation) = text(factor)
    return "\(number) ± \(deviation) \(symbol)\(unit)"
  }

  /// "0.98337 ± 0.00086": a number without a unit takes no prefix.
  static func number(_ value: Double, error: Double?) -> String {
    guard let error, error > 0, error.isFinite else { return significant(value, digits: 4) }
    let decimals = decimals(forError: error)
    return "\(fixed(value, decimals)) ± \(fixed(error, decimals))"
  }

  /// "5.9 nm and 7.8 nm": both in one unit, to two significant digits of the error.
  static func range(_ lower: Double, _ upper: Double, error: Double, unit: String) -> String {
    let (factor, symbol) = prefix(for: max(abs(lower), abs(upper)))
    guard error > 0, error.isFinite else {
      return "\(quantity(lower, unit: unit)) and \(quantity(upper, unit: unit))"
    }
    let decimals = decimals(forError: error / factor)
    return [lower, upper].map { "\(fixed($0 / factor, decimals)) \(symbol)\(unit)" }
      .joined(separator: " and ")
  }

  private static func prefix(for magnitude: Double) -> (factor: Double, symbol: String) {
    guard magnitude > 0, magnitude.isFinite else { return (1, "") }
    let exponent = Int((log10(magnitude) / 3 + 1e-12).rounded(.down)) * 3
    let chosen = prefixes.last { $0.exponent <= exponent } ?? prefixes[0]
    return (pow(10, Double(chosen.exponent)), chosen.symbol)
  }

  /// Decimals that show two digits of the error, between 0 and 6.
  private static func decimals(forError error: Double) -> Int {
    min(6, max(0, 1 - Int(log10(error).rounded(.down))))
  }

  /// With this many significant digits, trailing zeros of the fraction left out.
  static func significant(_ value: Double, digits: Int) -> String {
    if value == 0 || !value.isFinite { return value == 0 ? "0" : "\(value)" }
    let decimals = min(12, max(0, digits - 1 - Int(log10(abs(value)).rounded(.down))))
    let text = fixed(value, decimals)
    guard text.contains(".") else { return text }
    let trimmed = text.reversed().drop { $0 == "0" }
    return String((trimmed.first == "." ? trimmed.dropFirst() : trimmed).reversed())
  }

  static func fixed(_ value: Double, _ decimals: Int) -> String {
    // The largest number has 309 digits before the point. The C library's locale is that of every program that
    // asks for no other; Foundation's would read the tables of all languages first, some 10 ms.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      let count = withVaList([Int32(min(max(decimals, 0), 60)), value]) {
        vsnprintf(buffer.baseAddress, buffer.count, "%.*f", $0)
      }
      let text = String(
        decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // What rounds to nothing has no sign.
      return text.contains { ("1"..."9").contains($0) } || text.first != "-"
        ? text : String(text.dropFirst())
    }
  }

  static func degrees(_ angle: Double) -> String {
    "\(significant(angle * 180 / Double.pi, digits: 5))°"
  }

  /// "12.04 ± 0.13°"; two significant digits of the error, one standard deviation, decide the decimals.
  static func degrees(_ angle: Double, error: Double) -> String {
    let (value, deviation) = (angle * 180 / Double.pi, error * 180 / Double.pi)
    guard deviation > 0, deviation.isFinite else { return degrees(angle) }
    let decimals = decimals(forError: deviation)
    return "\(fixed(value, decimals)) ± \(fixed(deviation, decimals))°"
  }

  static func percent(_ fraction: Double) -> String {
    "\(significant(fraction * 100, digits: 3)) %"
  }

  /// "5.6 sigma"; beyond a million it is the missing noise that speaks, and no number is given.
  static func sigmas(_ significance: Double) -> String {
    significance < 1e6
      ? "\(significant(significance, digits: 2)) sigma" : "more than 1e6 sigma"
  }

  /// A number of electrons: 950, 2.4e4, 1e6, 1e-6.
  static func count(_ number: Double) -> String {
    if number <= 0 || !number.isFinite || (1e-3..<10_000).contains(number) {
      return significant(number, digits: 4)
    }
    let exponent = Int((log10(number) + 1e-9).rounded(.down))
    let digits = significant(number / pow(10, Double(exponent)), digits: 3)
    // 9.9996 rounds to 10.
    return digits == "10" ? "1e\(exponent + 1)" : "\(digits)e\(exponent)"
  }
}
