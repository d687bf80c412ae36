// The unit in a parameter's key: finds the key that was meant where only the unit differs.

internal import Pipeline

/// Units that people write behind a quantity's name, with their size in the quantity's SI unit.
enum UnitSpelling {
  private static let sizes: [String: (quantity: String, size: Double)] = [
    "m": ("length", 1), "mm": ("length", 1e-3), "um": ("length", 1e-6), "µm": ("length", 1e-6),
    "nm": ("length", 1e-9), "pm": ("length", 1e-12), "A": ("length", 1e-10),
    "angstrom": ("length", 1e-10), "Å": ("length", 1e-10),
    "rad": ("angle", 1), "mrad": ("angle", 1e-3), "urad": ("angle", 1e-6),
    "µrad": ("angle", 1e-6), "deg": ("angle", Double.pi / 180), "°": ("angle", Double.pi / 180),
    "eV": ("energy", 1), "keV": ("energy", 1e3), "MeV": ("energy", 1e6),
    "V": ("voltage", 1), "mV": ("voltage", 1e-3), "kV": ("voltage", 1e3), "MV": ("voltage", 1e6),
    "s": ("time", 1), "ms": ("time", 1e-3), "us": ("time", 1e-6), "ns": ("time", 1e-9),
    "px": ("pixels", 1), "pixel": ("pixels", 1), "pixels": ("pixels", 1),
    "percent": ("fraction", 1e-2),
  ]

  static func isUnit(_ word: String) -> Bool { sizes[word] != nil }

  /// The parameter that `key` would be but for its unit: `thickness_um` or `thickness`.
  static func parameter(
    meantBy key: String, among parameters: [ParameterSpecification]
  ) -> ParameterSpecification? {
    let quantity = quantity(of: key)
    return parameters.first { parameter in
      guard let unit = parameter.unit else { return false }
      let suffix = "_" + unit
      let name =
        parameter.key.hasSuffix(suffix)
        ? String(parameter.key.dropLast(suffix.count)) : self.quantity(of: parameter.key)
      return name == key || name == quantity
    }
  }

  /// "1 um = 1000 nm" where both are units of one quantity.
  static func conversion(from given: String, to expected: String) -> String? {
    guard given != expected, let first = sizes[given], let second = sizes[expected],
      first.quantity == second.quantity
    else { return nil }
    let ratio = first.size / second.size
    // The sizes are decimal but for degrees; nine digits hide what binary fractions add.
    let digits = ratio >= 1e9 || ratio < 1e-9 ? ratio : (ratio * 1e9).rounded() / 1e9
    return "1 \(given) = \(ParameterValue.number(digits)) \(expected)"
  }

  /// The unit at a key's end, if it is one.
  static func unit(of key: String) -> String? {
    guard let bar = key.lastIndex(of: "_") else { return nil }
    let suffix = String(key[key.index(after: bar)...])
    return isUnit(suffix) ? suffix : nil
  }

  private static func quantity(of key: String) -> String {
    unit(of: key).map { String(key.dropLast($0.count + 1)) } ?? key
  }
}

extension ParameterSpecification {
  /// The unit of a number or of each number of a list; nil for anything else.
  var unit: String? {
    switch kind {
    case .number(let unit, _), .numbers(let unit, _): return unit
    default: return nil
    }
  }
}
