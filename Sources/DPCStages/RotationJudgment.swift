// What the curl of a map and its structure say of the scan rotation, or why they say nothing.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// Whether a map that looks like walls may be evaluated.
enum AssumedStructure: String, CaseIterable {
  case asSeen = "as-seen"
  case charges
}

/// From the estimates for both sides of the detector to an answer, which may be that there is none.
struct RotationJudgment {
  let recorded: RotationEstimate
  let mirrored: RotationEstimate
  /// nil where none stands out of the noise.
  let structure: StructureDimension?
  let assumed: AssumedStructure
  let statedDirection: FieldDirection?

  /// An angle known less well than this is none: 0.1 rad is where a direction is told at five sigma.
  private static let largestError = 0.1
  /// Curl that no angle removes, beyond noise.
  private static let leastFreeness = 0.9
  /// By how much one side of the detector must be freer of curl than the other to be believed.
  private static let clearMargin = 0.2
  /// Curl-free shares nearer to each other than this are alike.
  private static let gridMargin = 0.05

  /// Two perpendicular families of walls, one across the other, are two-dimensional at every
  /// crossing; but a mirrored detector leaves them as free of curl as they were.
  private var isGrid: Bool {
    min(recorded.curlFreeness, mirrored.curlFreeness) >= Self.leastFreeness
      && abs(recorded.curlFreeness - mirrored.curlFreeness) < Self.gridMargin
  }

  private var reason: String? {
    let error = min(recorded.error, mirrored.error)
    if !(error < Self.largestError) {
      return "the field does not rise enough above the noise (the angle's error would be"
        + " \(Format.degrees(min(error, Double.pi / 2))))"
    }
    if assumed == .asSeen, let reason = reasonForWalls { return reason }
    if favored == .mirrored {
      return "a detector seen from behind fits better (curl-free share"
        + " \(Format.percent(min(1, mirrored.curlFreeness))) against"
        + " \(Format.percent(min(1, recorded.curlFreeness)))): set handedness to mirrored, or to"
        + " estimated, in rotate-to-scan"
    }
    if recorded.curlFreeness < Self.leastFreeness {
      // The relative error of the curl's power is twice the angle's.
      if recorded.curlFreeness > Self.leastFreeness - 3 * 2 * error {
        return
          "the field does not rise enough above the noise to tell whether an angle makes it free of"
          + " curl (curl-free share \(Format.percent(max(0, recorded.curlFreeness))))"
      }
      return "no angle makes the field free of curl (curl-free share"
        + " \(Format.percent(max(0, recorded.curlFreeness)))): descan, charging or a field that is"
        + " not electrostatic"
    }
    return nil
  }

  private static let verdict =
    "curl minimization is meaningless for these data unless charges are known to make"
    + " the structure (structure: charges)"

  /// Why the structure may be one whose field has nothing but curl.
  private var reasonForWalls: String? {
    if let reason = Self.reasonForWalls(structure, statedDirection) { return reason }
    guard isGrid else { return nil }
    return "a mirrored detector would leave as little curl: the structure runs along two"
      + " perpendicular directions only, as crossing walls do; \(Self.verdict)"
  }

  /// The same from what is known without the curl.
  static func reasonForWalls(
    _ structure: StructureDimension?, _ statedDirection: FieldDirection?
  ) -> String? {
    if statedDirection == .perp {
      return "the file states walls with a field along them (field_direction perp), which have"
        + " nothing but curl; \(verdict)"
    }
    guard let structure else { return "no structure stands out of the noise" }
    if !structure.isTwoDimensional {
      return "the structure varies along one direction only wherever it stands out, as walls do: a"
        + " field along a wall has nothing but curl, so that its smallest curl would be found 90°"
        + " from the truth; \(verdict)"
    }
    return nil
  }

  private var favored: Handedness? {
    guard structure?.isTwoDimensional == true else { return nil }
    let difference = recorded.curlFreeness - mirrored.curlFreeness
    if abs(difference) < Self.clearMargin { return nil }
    return difference > 0 ? .asRecorded : .mirrored
  }

  func value(_ context: MapContext) -> ScanRotationValue {
    let reason = reason
    let mirroredIsGood =
      favored != .asRecorded && mirrored.error < Self.largestError
      && (assumed == .charges || reasonForWalls == nil)
      && mirrored.curlFreeness >= Self.leastFreeness
    return ScanRotationValue(
      angle: reason == nil ? recorded.angle : nil, error: reason == nil ? recorded.error : nil,
      curl: .init(recorded, mirrored: mirrored), unresolvedBecause: reason, isSignKnown: false,
      signStatement: ScanRotationValue.openSign,
      handedness: .init(
        mirroredAngle: mirroredIsGood ? mirrored.angle : nil,
        mirroredError: mirroredIsGood ? mirrored.error : nil, favored: favored?.rawValue),
      structure: structure.map(ScanRotationValue.StructureEvidence.init), context: context)
  }
}
