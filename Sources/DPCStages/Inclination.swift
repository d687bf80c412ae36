// The angle between beam and walls as a stage knows it.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

/// The walls' inclination and how it became known.
struct Inclination {
  /// Of the walls of a cross-section whose file does not say, rad.
  static let ofCrossSection = Double.pi / 4

  /// rad.
  var angle: Double
  var origin: String
  var isAssumed: Bool
  /// Whether the manifest asks for the angle to be fitted.
  var isFitted = false
  /// One standard deviation, where it is known.
  var error: Double?

  /// As it is given, follows from the crystal's directions or stands in the file; else as is usual for the view.
  init(given: Double?, _ crystal: CrystalRequest?, _ specimen: Specimen) {
    isAssumed = false
    if let crystal {
      (angle, origin) = (crystal.view.inclination, crystal.text)
    } else if let given {
      (angle, origin) = (given, "given")
    } else if let stated = specimen.wallInclination {
      (angle, origin) = (stated, "from the file")
    } else {
      isAssumed = true
      (angle, origin) =
        specimen.view == .crossSection
        ? (Self.ofCrossSection, "45° assumed for a cross-section")
        : (0, "edge-on assumed for a top view")
    }
  }

  /// What is known of it apart from the walls.
  var stated: Double? { isAssumed ? nil : angle }

  func text(_ angle: Double, _ error: Double?) -> String {
    error.map { Format.degrees(angle, error: $0) } ?? Format.degrees(angle)
  }

  var fact: Fact {
    let degrees = 180 / Double.pi
    return Fact(
      "wall_inclination", text: "inclination fitted with the walls: \(text(angle, error))",
      value: angle * degrees, error: error.map { $0 * degrees }, unit: "deg")
  }
}
