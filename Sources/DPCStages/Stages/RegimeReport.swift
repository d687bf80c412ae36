// What the regime of the signals means for the deflection, in numbers and in words.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// The outer ring's share, what it says of the chosen estimator, and whether a rigid model holds.
struct RegimeReport {
  private let method: DeflectionMethod
  private let estimator: any DeflectionEstimator
  private let share: OuterShare
  private let fit: FitQuality?
  /// Slope of the rigid model's deflection; nil where it was not measured.
  private let check: NeighborRatio?

  /// Slopes nearer to 1 are right; further away, and beyond three errors, the model does not hold.
  private static let slopeTolerance = 0.05
  /// Per degree of freedom. Counting gives 1, and less where segments are nearly dark; wrong numbers of
  /// electrons and small gain errors are not to be taken for a failure of the model.
  private static let largestDeviance = 1.5

  init(
    estimation: DeflectionEstimation, sample: consuming RegimeSample,
    estimate: borrowing DeflectionEstimate, lag: Int
  ) {
    method = estimation.method
    estimator = estimation.estimator
    fit = estimate.fit
    let obstacle = estimation.sampler.obstacle
    check =
      method == .maximumLikelihood && obstacle != .noDeflection
      ? rigidModelCheck(of: sample, estimate: estimate.map, lag: lag) : nil
    share = outerShare(of: sample, obstacle: obstacle, lag: lag)
  }

  var numbers: [String: Double] {
    var numbers: [String: Double] = [:]
    numbers["outer_share"] = share.value
    numbers["outer_share_errors"] = share.error
    if let fit, fit.degreesOfFreedom > 0 {
      numbers["deviance_per_degree_of_freedom"] = fit.deviance / Double(fit.degreesOfFreedom)
    }
    numbers["rigid_model_slope"] = check?.value
    numbers["rigid_model_slope_errors"] = check?.error
    return numbers
  }

  var texts: [String: String] {
    var texts = ["regime": share.regime.rawValue]
    if let bias { texts["regime_bias"] = "deflections come out \(bias)" }
    if method == .maximumLikelihood { texts["rigid_model"] = rigidModel.rawValue }
    return texts
  }

  var facts: [Fact] {
    var facts = [
      Fact(
        "outer_share", text: sentence, value: share.value, error: share.error, unit: "")
    ]
    if let check {
      facts.append(
        Fact(
          "rigid_model_slope",
          text: "the rigid model gives \(number(check.value, check.error)) of the deflection"
            + " that disc-shift measures: it \(rigidModel.rawValue)",
          value: check.value, error: check.error, unit: ""))
    }
    return facts
  }

  var notes: [Note] {
    switch method {
    case .discShift, .phaseContrastTransfer: return []
    case .centerOfMass:
      if let bias, let slope, abs(slope - 1) > Self.slopeTolerance {
        return [
          Note(
            .warning,
            "center-of-mass is calibrated for a rigid shift, which this is not: deflections come out"
              + " \(bias); use method disc-shift")
        ]
      }
      return slope == nil && share.obstacle != .noRingAtRim && share.obstacle != .oneRing
        ? [
          Note(
            .assumption,
            "a rigid shift of the disc is taken for granted: for a weak phase"
              + " center-of-mass comes out \(deviation(weakSlope))")
        ] : []
    case .maximumLikelihood:
      switch rigidModel {
      case .holds: return []
      case .fails:
        return [
          Note(
            .warning,
            "a rigidly shifted disc does not describe these signals: the deflection and its errors are"
              + " wrong; use method disc-shift")
        ]
      case .undetermined:
        return [
          Note(
            .warning,
            "nothing shows that the disc shifts as a rigid whole, on which maximum-likelihood rests:"
              + " do not trust it beyond disc-shift")
        ]
      }
    }
  }

  // MARK: Parts

  private enum RigidModel: String {
    case holds = "holds"
    case fails = "does not hold"
    case undetermined = "is not tested by these data"
  }

  private var rigidModel: RigidModel {
    switch share.regime {
    case .weakPhase, .intermediate, .beyondRigidShift: return .fails
    case .rigidShift, .notDetermined: break
    }
    if let fit, fit.deviance > Self.largestDeviance * Double(fit.degreesOfFreedom) { return .fails }
    guard let check else { return .undetermined }
    if abs(check.value - 1) > max(3 * check.error, Self.slopeTolerance) { return .fails }
    return .holds
  }

  private var weakSlope: Double {
    (estimator as? LinearEstimator)?.weakPhaseSlope ?? 1
  }

  /// Measured over true deflection of center-of-mass at the measured share.
  private var slope: Double? {
    guard method == .centerOfMass, let value = share.value, share.regime != .notDetermined else {
      return nil
    }
    return (estimator as? LinearEstimator)?.slope(outerShare: value)
  }

  private var bias: String? { slope.map(deviation) }

  private func deviation(_ slope: Double) -> String {
    "\(Format.percent(abs(slope - 1))) too \(slope < 1 ? "small" : "large")"
  }

  private func number(_ value: Double, _ error: Double) -> String {
    let decimals = error < 0.001 ? 4 : 3
    let deviation = error < 5e-5 ? "<0.0001" : Format.fixed(error, decimals)
    return "\(Format.fixed(value, decimals)) ± \(deviation)"
  }

  private var sentence: String {
    let measured = share.value.flatMap { value in share.error.map { number(value, $0) } }
    let head = "outer ring's share of the signal \(measured ?? "not determined"): "
    switch share.obstacle {
    case .oneRing?:
      return head
        + "one ring does not tell a weak phase from a rigid shift; disc-shift is right for both"
    case .noRingAtRim?:
      return head + "no ring ends at the rim of the disc; disc-shift is right in every regime"
    case .noDeflection?:
      return head + "the rings share no lines by which they could be compared"
    case .weakSignal?:
      return head + "no structure stands out of the noise; disc-shift is right in every regime"
    case .discOffCenter?:
      return head
        + "regime not determined, below the signal of \(rad(share.signal)) lies a plane of \(rad(share.offset))"
        + " root mean square (descan, or slow structure); disc-shift is right in every regime"
    case nil: return head + meaning
    }
  }

  private func rad(_ value: Double?) -> String {
    value.map { Format.quantity($0, unit: "rad") } ?? "unknown"
  }

  private var meaning: String {
    switch share.regime {
    case .weakPhase:
      "weak phase (0), intensity moves within the disc; use disc-shift, or phase-contrast-transfer where"
        + " structure is as fine as the probe; center-of-mass and maximum-likelihood are wrong here"
    case .intermediate:
      "between weak phase (0) and rigid shift (0.5); use disc-shift, center-of-mass and"
        + " maximum-likelihood are wrong here"
    case .rigidShift:
      "rigid shift of the disc (0.5); disc-shift is right, center-of-mass and maximum-likelihood are"
        + " too and have less noise"
    case .beyondRigidShift:
      "more than a rigid shift (0.5) explains; use disc-shift, and check semi-angle and outer gains"
    case .notDetermined: "regime not determined; disc-shift is right in every regime"
    }
  }
}
