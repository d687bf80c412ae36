// The spellings of units that files may use, and what each is in SI.

/// The kind of quantity that a dataset holds.
enum Dimension: String {
  case length
  case angle
  case voltage
  /// A pure number, a gain or a number of electrons: the only kind that may go without a unit.
  case number = "dimensionless number"

  /// "an angle".
  var withArticle: String { (self == .angle ? "an " : "a ") + rawValue }
}

/// A unit as a ratio of two exact numbers, so that "60 nm" is the double nearest to 60e-9.
struct FileUnit {
  let factor: Double
  let divisor: Double

  func toSI(_ value: Double) -> Double { value * factor / divisor }

  /// The unit of this spelling; nil where the dimension has none such.
  static func named(_ spelling: String, _ dimension: Dimension) -> FileUnit? {
    let name = spelling.filter { !$0.isWhitespace }
    guard let (factor, divisor) = table(dimension)[name] else { return nil }
    return FileUnit(factor: factor, divisor: divisor)
  }

  /// The spellings to propose where a unit is missing or unknown.
  static func examples(_ dimension: Dimension) -> String {
    switch dimension {
    case .length: "m, um, nm, angstrom or pm"
    case .angle: "rad, mrad or deg"
    case .voltage: "V or kV"
    case .number: "none, 1 or electrons"
    }
  }

  private static func table(_ dimension: Dimension) -> [String: (Double, Double)] {
    switch dimension {
    case .length: lengths
    case .angle: angles
    case .voltage: voltages
    case .number: numbers
    }
  }

  private static func unit(
    _ factor: Double, over divisor: Double = 1, _ names: String...
  ) -> [(String, (Double, Double))] {
    names.map { ($0, (factor, divisor)) }
  }

  // µ and μ are the micro sign and the Greek letter, which files mix.
  private static let lengths = Dictionary(
    uniqueKeysWithValues:
      unit(1, "m", "meter", "meters", "metre", "metres")
      + unit(1, over: 100, "cm") + unit(1, over: 1000, "mm")
      + unit(
        1, over: 1e6, "um", "\u{B5}m", "\u{3BC}m", "micron", "microns", "micrometer",
        "micrometers")
      + unit(1, over: 1e9, "nm", "nanometer", "nanometers", "nanometre", "nanometres")
      + unit(1, over: 1e10, "angstrom", "Angstrom", "angstroms", "Angstroms", "\u{C5}", "A")
      + unit(1, over: 1e12, "pm", "picometer", "picometers"))
  private static let angles = Dictionary(
    uniqueKeysWithValues:
      unit(1, "rad", "radian", "radians")
      + unit(1, over: 1000, "mrad", "milliradian", "milliradians")
      + unit(1, over: 1e6, "urad", "\u{B5}rad", "\u{3BC}rad")
      + unit(Double.pi, over: 180, "deg", "degree", "degrees", "\u{B0}"))
  // The energy of the beam in electronvolts is its voltage in volts.
  private static let voltages = Dictionary(
    uniqueKeysWithValues:
      unit(1, "V", "volt", "volts", "eV") + unit(1000, "kV", "keV") + unit(1e6, "MV", "MeV"))
  private static let numbers = Dictionary(
    uniqueKeysWithValues:
      unit(1, "", "1", "none", "dimensionless", "electron", "electrons", "e", "e-", "counts"))
}
