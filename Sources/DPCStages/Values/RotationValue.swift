// The scan rotation as the data show it, or why they do not.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// What an acquisition's own data say of the angle between detector and scan.
struct ScanRotationValue: HeaderOnlyValue {
  /// In its range: (-180, 180] where the sign of the field is known, else (-90, 90], rad;
  /// nil where the data do not tell.
  var angle: Double?
  /// One standard deviation, rad.
  var error: Double?
  var contrast: Double
  /// What noise alone would show.
  var noiseContrast: Double
  /// Why no angle is given.
  var unresolvedBecause: String?
  /// Whether the sign of the field, and so the angle beyond half a turn, is known.
  var isSignKnown: Bool
  /// How the sign was decided, or why it was not.
  var signStatement: String
  var handedness: HandednessEvidence
  var structure: StructureEvidence?
  var context: MapContext

  /// Which side of the detector the data speak for.
  struct HandednessEvidence: Codable, Sendable, Equatable {
    /// 1 for a field without curl, by `Handedness`.
    var asRecorded: Double
    var mirrored: Double
    /// The angle for a detector seen from behind, rad.
    var mirroredAngle: Double?
    var mirroredError: Double?
    /// Whether the sign of the field, seen from behind, is known.
    var isMirroredSignKnown = false
    /// nil where the data do not tell.
    var favored: String?
  }

  struct StructureEvidence: Codable, Sendable, Equatable {
    var twoDimensionalShare: Double
    var coveredShare: Double
  }

  static let openSign =
    "unresolved: a field and its opposite, turned by 180°, fit these data alike"
}
