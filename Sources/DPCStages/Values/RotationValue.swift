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
  /// nil where the curl tells nothing of the angle, whatever it is.
  var curl: CurlEvidence?
  /// Why no angle is given.
  var unresolvedBecause: String?
  /// Whether the sign of the field, and so the angle beyond half a turn, is known.
  var isSignKnown: Bool
  /// How the sign was decided, or why it was not.
  var signStatement: String
  var handedness: HandednessEvidence
  var structure: StructureEvidence?
  var context: MapContext

  /// What all angles leave of the curl.
  struct CurlEvidence: Codable, Sendable, Equatable {
    /// 1 - smallest/largest power.
    var contrast: Double
    /// What noise alone would show.
    var noiseContrast: Double
    /// 1 for a field without curl, as recorded.
    var curlFreeness: Double
    /// The same for a detector seen from behind.
    var mirroredCurlFreeness: Double

    init(_ recorded: RotationEstimate, mirrored: RotationEstimate) {
      (contrast, noiseContrast) = (recorded.contrast, recorded.noiseContrast)
      (curlFreeness, mirroredCurlFreeness) = (recorded.curlFreeness, mirrored.curlFreeness)
    }

    /// Shares in words, as recorded and mirrored.
    var shares: (asRecorded: String, mirrored: String) {
      (
        Format.percent(min(1, max(0, curlFreeness))),
        Format.percent(min(1, max(0, mirroredCurlFreeness)))
      )
    }
  }

  /// Which side of the detector the data speak for.
  struct HandednessEvidence: Codable, Sendable, Equatable {
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

    init(_ structure: StructureDimension) {
      (twoDimensionalShare, coveredShare) = (
        structure.twoDimensionalShare, structure.coveredShare
      )
    }
  }

  static let openSign =
    "unresolved: a field and its opposite, turned by 180°, fit these data alike"
}
