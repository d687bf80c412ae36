// The estimate of a flexoelectric field as a value: what was assumed, what follows, what was measured.
internal import DPCReconstruction
public import Pipeline
internal import STEMCore

extension PortKind {
  /// What a gradient of strain can do, beside what was measured.
  public static let flexoelectricEstimate: PortKind = "flexoelectric-estimate"
}

struct FlexoelectricValue: HeaderOnlyValue {
  var material: FlexoelectricMaterial
  var experiment: FoilExperiment
  /// Standard deviations that count as detected.
  var significance: Double
  /// At the largest gradient.
  var estimate: FlexoelectricEstimate
  /// For a polarization that someone stated.
  var stated: FlexoelectricEstimate?
  var profile: GradientProfile?
  /// Magnitude in the walls, V/m.
  var measured: STEMCore.Measurement?
  var wallCount = 0

  /// A gradient of strain across a wall.
  struct GradientProfile: Codable, Sendable, Equatable {
    /// m.
    var distance: [Double]
    /// 1/m.
    var gradient: [Double]
  }

  func deflection(_ field: Double) -> Double { experiment.deflection(of: field) }

  func electrons(_ field: Double) -> Double {
    experiment.electrons(forDetecting: field, sigmas: significance)
  }

  /// Measured over expected magnitude.
  func ratio(to field: Double) -> STEMCore.Measurement? {
    guard let measured, field != 0 else { return nil }
    return STEMCore.Measurement(
      measured.value / abs(field), error: measured.error.map { $0 / abs(field) })
  }

  /// Whether the measured field can be that of bound flexoelectric charge.
  var verdict: String {
    guard let measured else { return "nothing measured to compare with" }
    switch comparison(of: measured, with: estimate.field) {
    case .agrees:
      return "can be what it is said to be: it agrees with the expected depolarization field"
    case .weaker:
      return
        "can be what it is said to be only where free charge screens most of it: it is weaker than"
        + " the expected depolarization field"
    case .undecided:
      return "cannot be told: the error of the measurement exceeds the expected field"
    case .stronger: return strongerVerdict(measured)
    }
  }

  private func strongerVerdict(_ measured: STEMCore.Measurement) -> String {
    guard let ratio = ratio(to: estimate.field) else {
      return "cannot be what it is said to be: no field is expected"
    }
    let start =
      "cannot be what it is said to be: it is \(Format.significant(ratio.value, digits: 2)) times the"
      + " expected depolarization field"
    return comparison(of: measured, with: estimate.rigidField) == .stronger
      ? start + ", and stronger than a polarization that its own field cannot reduce" : start
  }
}
