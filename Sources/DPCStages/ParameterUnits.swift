// Parameters in SI units: what a manifest gives in nm and degrees, exactly as a file that states it in these.
internal import Pipeline

extension StageContext {
  /// A length given in nm, in m.
  func meters(_ key: String) throws(UndeclaredParameter) -> Double {
    Self.meters(try value(key))
  }

  /// A length given in nm, in m; nil where a keyword stands, or nothing.
  func metersIfGiven(_ key: String) -> Double? { number(key).map(Self.meters) }

  /// An angle given in degrees, in rad.
  func radians(_ key: String) throws(UndeclaredParameter) -> Double {
    Self.radians(try value(key))
  }

  /// An angle given in degrees, in rad; nil where a keyword stands, or nothing.
  func radiansIfGiven(_ key: String) -> Double? { number(key).map(Self.radians) }

  /// Divides, for 60 · 1e-9 is not the double nearest to 60e-9, and a file's 60 nm are.
  static func meters(_ nanometers: Double) -> Double { nanometers / 1e9 }

  static func radians(_ degrees: Double) -> Double { degrees * Double.pi / 180 }
}
