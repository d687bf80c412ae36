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
  /// Whether it is assumed, and not even for a view that is known.
  private(set) var isViewUnknown = false
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
      switch specimen.view {
      case .crossSection:
        (angle, origin) = (Self.ofCrossSection, "45° assumed for a cross-section")
      case .top: (angle, origin) = (0, "edge-on assumed for a top view")
      case nil:
        isViewUnknown = true
        (angle, origin) = (
          0, "edge-on assumed: the file states neither view nor wall_inclination"
        )
      }
    }
  }

  /// What is known of it apart from the walls.
  var stated: Double? { isAssumed ? nil : angle }

  /// That the angle is assumed: a warning where the walls of a cross-section may have been taken to be edge-on.
  ///
  /// - Parameter what: Whose angle it is.
  func assumptionNotes(_ what: String) -> [Note] {
    if !isAssumed { return [] }
    if !isViewUnknown { return [Note(.assumption, "\(what): \(origin)")] }
    return [
      Note(
        .warning,
        "\(what): \(origin); walls inclined to the beam come out too weak and too wide: \(Self.remedy)"
      )
    ]
  }

  /// How an angle becomes known.
  static let remedy =
    "give inclination_deg (0 for walls edge-on), or state wall_inclination or view in the file"

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
