// Why an empty beam leaves a quantity undetermined, in words and with the way out.
internal import DPCReconstruction
internal import STEMCore

struct CalibrationReasons {
  let calibration: DetectorCalibration
  let gains: KnownGains?
  /// Whether the disc was recorded at several scan positions.
  let isScan: Bool

  var reasons: [String: String] {
    var reasons = [
      "orientation":
        "turning the detector and every displacement of the disc together changes no signal; known beam"
        + " tilts (calibrate-deflection) tell it"
    ]
    if let reason = gainReason { reasons["gain"] = reason }
    if calibration.discCenterX == nil || calibration.discCenterY == nil {
      reasons["disc_center"] = centerReason
    }
    if calibration.probeSemiAngle == nil { reasons["probe_semi_angle"] = semiAngleReason }
    return reasons
  }

  private var imitation: String {
    isScan
      ? "an off-center disc looks like unequal gains of opposite segments, and the descan of this scan is"
        + " too small, or too noisy, to tell them apart; record a flat, or take an assumption"
      : "a single vacuum frame shows an off-center disc and unequal gains of opposite segments alike;"
        + " record a flat or a vacuum scan with descan, or take an assumption"
  }

  private var gainReason: String? {
    let missing = calibration.gain.indices.filter { calibration.gain[$0] == nil }
    if missing.isEmpty { return nil }
    if calibration.assumption == .equalGains { return "taken as equal" }
    let isDark = Set(calibration.unlitSegments)
    func list(_ segments: [Int]) -> String { segments.map(String.init).joined(separator: ", ") }
    let lit = missing.filter { !isDark.contains($0) }
    let dark = missing.filter(isDark.contains)
    let unlit = "segments \(list(dark)): the empty beam does not light them; record a flat"
    if lit.isEmpty { return unlit }
    return "segments \(list(lit)): \(imitation)" + (dark.isEmpty ? "" : "; \(unlit)")
  }

  private var centerReason: String {
    calibration.assumption == .centeredDisc ? "taken as zero" : imitation
  }

  private var semiAngleReason: String {
    if !calibration.unlitSegments.isEmpty {
      return
        "the rim of the disc lies within one ring or on its boundary, so that no segment tells where"
        + " it ends; choose a camera length at which it falls inside the outer ring"
    }
    return gains == nil
      ? "the share of a ring tells the disc's size only where the gains of the rings are known; record a"
        + " flat" : "the rim of the disc lies too near a ring's boundary for these counts"
  }
}
