// The estimators of the deflection, and on which cases each of them can be tried.

/// A value of the parameter `method` of the stage `deflection`.
enum EstimationMethod: String, CaseIterable {
  case discShift = "disc-shift"
  case centerOfMass = "center-of-mass"
  case phaseContrastTransfer = "phase-contrast-transfer"
  case maximumLikelihood = "maximum-likelihood"

  /// The method of the shipped pipelines, whose results have to be right on every case.
  static let standard = EstimationMethod.discShift

  /// A crystal's counts are averaged over the unit cell first: no phase of single atoms is left to
  /// find in them, and no disc that moves as a whole.
  static func applicable(to facts: AcquisitionFacts) -> [EstimationMethod] {
    CaseClass(name: facts.name) == .crystal ? [.discShift, .centerOfMass] : allCases
  }
}
