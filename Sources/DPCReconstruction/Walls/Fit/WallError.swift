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
  /// A scan of so few rows or columns that walls of any azimuth fit it.
  case azimuthNotShown(GridShape, needed: Int)
  /// Whoever asked for a fit no longer wants it.
  case interrupted
}

extension WallError: CustomStringConvertible {
  public var description: String {
    // As parameters and files mostly state it; a hundredth of a degree is more than walls are known to.
    func degrees(_ angle: Double) -> String {
      let hundredths = (angle * 18_000 / Double.pi).rounded()
      return hundredths.truncatingRemainder(dividingBy: 100) == 0 && abs(hundredths) < 1e9
        ? "\(Int(hundredths / 100))°" : "\(hundredths / 100)°"
    }
    switch self {
    case .pixelSizeMissing:
      return "the pixel size is not stated: distances across a wall need it"
    case .badThickness(let thickness):
      return "a thickness of \(thickness) m is not positive"
    case .badInclination(let angle):
      return "an inclination of \(degrees(angle)) lies outside 0 to 90° (0 = edge-on)"
    case .badAzimuth(let angle):
      return "\(degrees(angle)) is no azimuth of a wall normal"
    case .invisibleField(let direction, let inclination):
      return "a \(direction.rawValue) field has no component in the image at an inclination of "
        + "\(degrees(inclination)): its direction factor is zero"
    case .tooFewSamples(let count, let needed):
      return "too few usable samples across the walls: \(count), at least \(needed) are needed"
    case .azimuthNotShown(let shape, let needed):
      return
        "a scan of \(shape.rows)×\(shape.columns) positions cannot tell how walls run: at least"
        + " \(needed) rows and \(needed) columns are needed"
    case .interrupted: return "interrupted"
    }
  }
}
