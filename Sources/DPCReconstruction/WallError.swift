// Why a wall cannot be profiled, fitted or corrected, in words that a user can act on.

public import STEMCore

/// What is missing or absurd in a request about domain walls.
public enum WallError: Error, Sendable, Equatable {
  /// The map does not state its pixel size.
  case pixelSizeMissing
  /// The thickness along the beam is not a positive number, m.
  case badThickness(Double)
  /// The inclination lies outside 0 <= a < 90°, rad.
  case badInclination(Double)
  /// The azimuth of the wall normal is not a number.
  case badAzimuth(Double)
  /// The field leaves no trace in the image: its direction factor is zero.
  case invisibleField(FieldDirection, inclination: Double)
  /// Too few usable samples for the request.
  case tooFewSamples(Int, needed: Int)
}

extension WallError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .pixelSizeMissing:
      return "the pixel size is not stated: distances across a wall need it"
    case .badThickness(let thickness):
      return "a thickness of \(thickness) m is not positive"
    case .badInclination(let angle):
      return "an inclination of \(angle) rad lies outside 0 to 90° (0 = edge-on)"
    case .badAzimuth(let angle):
      return "\(angle) rad is no azimuth of a wall normal"
    case .invisibleField(let direction, let inclination):
      return "a \(direction.rawValue) field has no component in the image at an inclination of "
        + "\(inclination) rad: its direction factor is zero"
    case .tooFewSamples(let count, let needed):
      return "too few usable samples across the walls: \(count), at least \(needed) are needed"
    }
  }
}
