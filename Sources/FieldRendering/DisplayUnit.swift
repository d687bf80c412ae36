// A unit with the prefix in which its numbers are readable: 3e8 V/m becomes 300 MV/m.

/// How values of a unit are written in a figure.
struct DisplayUnit: Equatable {
  /// The unit with its prefix, "" for a plain number.
  var symbol: String
  /// Power of ten by which a value is multiplied to be written in `symbol`.
  var powerOfTen: Int

  /// The value in the displayed unit.
  func number(_ value: Double) -> Double {
    RoundNumbers.scaled(value, byPowerOfTen: powerOfTen)
  }

  /// The value with its unit, to three significant digits.
  func text(_ value: Double) -> String {
    let number = NumberText.significant(number(value), 3)
    return symbol.isEmpty ? number : number + Self.space + unbroken
  }

  /// A name with the unit in parentheses, for axes and color bars.
  func label(_ name: String) -> String {
    if symbol.isEmpty { return name }
    return name.isEmpty ? symbol : name + " (" + unbroken + ")"
  }

  /// No line ends between a number and its unit, or within a unit.
  static let space = "\u{A0}"
  private var unbroken: String { symbol.split(separator: " ").joined(separator: Self.space) }

  /// The unit in which a value of this magnitude has one to three digits before the point.
  ///
  /// A unit that takes no prefix (a plain number, a percentage, a squared unit) gets a power of
  /// ten instead where the numbers would be unreadable.
  init(unit: String, magnitude: Double) {
    guard magnitude.isFinite, magnitude != 0 else {
      self.init(symbol: unit, powerOfTen: 0)
      return
    }
    // A product of a voltage and a length is read in V nm, not in nV m.
    let isSmall = RoundNumbers.scaled(magnitude, byPowerOfTen: 9).isFinite
    let (base, shift) = unit == "V m" && isSmall ? ("V nm", 9) : (unit, 0)
    // Half a unit in the third digit: 999.7 is written 1000, so it takes the next prefix.
    let exponent = RoundNumbers.exponent(
      of: RoundNumbers.rounded(
        RoundNumbers.scaled(magnitude, byPowerOfTen: shift), significant: 3))
    let thousand = Int((Double(exponent) / 3).rounded(.down))
    if Self.takesPrefix(base), let prefix = Self.prefixes[thousand] {
      self.init(symbol: prefix + base, powerOfTen: shift - 3 * thousand)
    } else if (-3...4).contains(exponent) {
      self.init(symbol: base, powerOfTen: shift)
    } else {
      let factor = "×10" + NumberText.superscript(3 * thousand)
      self.init(
        symbol: base.isEmpty ? factor : factor + " " + base,
        powerOfTen: shift - 3 * thousand)
    }
  }

  private init(symbol: String, powerOfTen: Int) {
    self.symbol = symbol
    self.powerOfTen = powerOfTen
  }

  private static let prefixes = [
    -6: "a", -5: "f", -4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T",
    5: "P",
  ]

  /// Whether the unit begins with a symbol to the first power that takes SI prefixes.
  private static func takesPrefix(_ unit: String) -> Bool {
    let first = unit.prefix { $0.isLetter || $0 == "Ω" }
    let next = unit.dropFirst(first.count).first
    guard next == nil || next == " " || next == "/" || next == "·" else { return false }
    return ["V", "A", "C", "rad", "m", "s", "T", "eV", "J", "W", "N", "Pa", "Hz", "Wb", "F", "Ω"]
      .contains(String(first))
  }
}

extension DisplayUnit {
  /// A length in m for a scale bar or an axis: pm, nm, µm or mm; from 0.1 nm on no pm.
  static func length(_ meters: Double) -> DisplayUnit {
    let exponent = meters > 0 && meters.isFinite ? RoundNumbers.exponent(of: meters) : -9
    if exponent < -10 { return DisplayUnit(symbol: "pm", powerOfTen: 12) }
    if exponent < -6 { return DisplayUnit(symbol: "nm", powerOfTen: 9) }
    if exponent < -3 { return DisplayUnit(symbol: "µm", powerOfTen: 6) }
    return DisplayUnit(symbol: "mm", powerOfTen: 3)
  }
}
