// Numbers as text, independent of the locale: a real minus sign, a point, no thin spaces.

enum NumberText {
  /// The number with a fixed number of decimals.
  ///
  /// Numbers that are not finite give "n/a"; numbers of more than 15 digits fall back to powers of
  /// ten. A number that rounds to zero has no sign.
  static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return "n/a" }
    let places = max(0, decimals)
    let scaled = (abs(value) * RoundNumbers.powerOfTen(places)).rounded()
    guard places <= 15, scaled < 1e15 else { return scientific(value, significant: 3) }
    var digits = String(Int(scaled))
    if places > 0 {
      let missing = places + 1 - digits.count
      if missing > 0 { digits = String(repeating: "0", count: missing) + digits }
      let point = digits.index(digits.endIndex, offsetBy: -places)
      digits.insert(".", at: point)
    }
    return (value < 0 && scaled > 0 ? minus : "") + digits
  }

  /// The number rounded to significant digits, without trailing zeros behind the point.
  static func significant(_ value: Double, _ count: Int) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "n/a" }
    let rounded = RoundNumbers.rounded(value, significant: count)
    let decimals = max(0, count - 1 - RoundNumbers.exponent(of: rounded))
    if decimals > 15 { return scientific(value, significant: count) }
    var text = fixed(rounded, decimals: decimals)
    if decimals > 0, text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }

  /// The number as a × 10ⁿ.
  static func scientific(_ value: Double, significant count: Int) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "n/a" }
    let rounded = RoundNumbers.rounded(value, significant: count)
    let exponent = RoundNumbers.exponent(of: rounded)
    let mantissa = RoundNumbers.scaled(rounded, byPowerOfTen: -exponent)
    return significant(mantissa, count) + "×10" + superscript(exponent)
  }

  static let minus = "\u{2212}"

  /// The text with a minus sign wherever a hyphen stands for one: before a number, or before an exponent.
  ///
  /// A hyphen between words, or between the ends of a range, stays.
  static func withMinusSigns(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "-")) else { return text }
    let characters = Array(text)
    func isDigit(_ index: Int) -> Bool {
      characters.indices.contains(index) && ("0"..."9").contains(characters[index])
    }
    func isSign(_ index: Int) -> Bool {
      let beginsNumber =
        isDigit(index + 1)
        || isDigit(index + 2) && characters[index + 1] == "."
      guard characters[index] == "-", beginsNumber else { return false }
      guard index > 0 else { return true }
      let before = characters[index - 1]
      if before == "e" || before == "E" { return isDigit(index - 2) }
      return !before.isLetter && !before.isNumber && before != "-" && before != "_"
    }
    return characters.indices.map { isSign($0) ? minus : String(characters[$0]) }.joined()
  }

  static func superscript(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let text = String(exponent.magnitude).compactMap { $0.wholeNumberValue.map { digits[$0] } }
    return (exponent < 0 ? "⁻" : "") + String(text)
  }
}
