// The verdict on a case: every figure with the range it may take and what the reference attains.
internal import STEMCore

/// A figure of a case.
struct Check {
  var value: Double
  /// nil: shown, not judged.
  var allowed: ClosedRange<Double>?
  var reference: Double?

  var passes: Bool {
    guard let allowed else { return true }
    return value.isFinite && allowed.contains(value)
  }
}

/// What a check is about; the order is that of the report.
enum Quantity: String, CaseIterable {
  case deflection = "deflection error"
  case deviation = "counting deviation over the expected one"
  case field = "error of the projected field"
  case meanField = "error of the field in V/m"
  case potential = "potential error"
  case transverse = "divergence-free share"
  case coverage = "part of the deflections within one standard deviation"
  case fieldCoverage = "part of the fields within one standard deviation"
  case potentialCoverage = "part of the potentials within one standard deviation"
  case rotation = "error of the scan rotation, degrees"
  case rotationEfficiency = "deviation of the scan rotation over the least possible"
  case masked = "masked part"
  case slope
  case residual = "shape residual"
}

/// Everything that is said about a case.
struct Judgment {
  var name: String
  var method: EstimationMethod
  var checks: [Quantity: Check] = [:]
  var noiseLimit: Double?
  var wallReference: (field: Double, width: Double, product: Double)?
  /// Error of the scan rotation in its own standard deviations, where it was estimated.
  var rotationDeviations: Double?
  /// What is left of the deflection once the truth is taken off, for a figure.
  var residual: ResidualMap?
  var walls: [WallFigures] = []
  var failures: [String] = []
  var notes: [String] = []

  var isOK: Bool { failures.isEmpty }

  /// A case that could not be judged.
  init(_ name: String, method: EstimationMethod = .standard, failure: String) {
    self.name = name
    self.method = method
    failures = [failure]
  }

  /// Holds a result against the truth.
  init(
    _ facts: AcquisitionFacts, truth: Truth, result: ResultQuantities,
    method: EstimationMethod = .standard
  ) {
    name = facts.name
    self.method = method
    failures = result.complaints
    guard let deflection = result.deflection else {
      failures.append("no deflection_x and deflection_y with @frame scan in the result")
      return
    }
    guard deflection.field.shape == truth.deflection.shape else {
      failures.append(
        "the deflection has shape \(deflection.field.shape), the truth \(truth.deflection.shape)")
      return
    }
    if let used = deflection.method, used != method.rawValue {
      failures.append("the result is of method \(used), not \(method.rawValue)")
    }
    let truth = comparable(truth, facts: facts, deflection: deflection)
    judge(result, deflection, truth: truth, facts: facts)
    for quantity in Quantity.allCases {
      guard let check = checks[quantity], !check.passes, let allowed = check.allowed else {
        continue
      }
      failures.append(Self.text(quantity, check.value, allowed))
    }
    explain(facts: facts)
  }

  private mutating func judge(
    _ result: ResultQuantities, _ deflection: ResultVectors, truth: Truth, facts: AcquisitionFacts
  ) {
    let usable = deflection.isUsable
    let strength = rootMeanSquare(truth.deflection, where: usable)
    let noise = facts.countingDeviation.map { 2.0.squareRoot() * $0 }
    noiseLimit = strength > 0 ? noise.map { $0 / strength } : nil
    let known = ReferenceFigures.known(facts.name, electrons: facts.totalElectrons)
    let reference = known.flatMap { $0.fits(noiseLimit: noiseLimit) ? $0 : nil }
    wallReference = method == .standard ? reference?.wall : nil
    var targets = Targets(
      facts, noiseLimit: noiseLimit, isReferenceCase: known == nil || reference != nil,
      isAlongWall: facts.fieldDirection == "perp" && truth.projectedPotential == nil
        && !truth.walls.isEmpty)
    targets.adapt(to: method, facts: facts, reference: reference, caution: deflection.caution)
    judgeMasks(usable, facts: facts, truth: truth)
    if strength > 0 {
      judgeVectors(result, truth: truth, targets: targets, reference: reference)
    } else {
      judgeNull(deflection, facts: facts)
    }
    judgeCoverage(result, truth: truth, targets: targets)
    judgePotential(result, truth: truth, targets: targets, reference: reference, facts: facts)
    judgeTransverse(result, targets: targets)
    judgeRotation(result, truth: truth, facts: facts)
    judgeWalls(result, truth: truth, targets: targets, facts: facts)
    residual = ResidualMap(deflection, truth: truth.deflection, pixelSize: facts.pixelSize)
    if let caution = deflection.caution { notes.append("says of itself: \(caution)") }
  }

  /// The truth as the measurement can show it: a crystal's averaged over the unit cell, and turned by
  /// 180° where the result leaves the sign open and is nearer to that.
  private mutating func comparable(
    _ truth: Truth, facts: AcquisitionFacts, deflection: ResultVectors
  ) -> Truth {
    var truth = Self.averaged(truth, facts: facts)
    guard !facts.isRotationKnown, deflection.hasOpenSign else { return truth }
    let turned = truth.turnedByHalf
    let errors = [truth, turned].map {
      relativeError(of: deflection.field, against: $0.deflection, where: deflection.isUsable)
    }
    if errors[1] < errors[0] {
      truth = turned
      notes.append("the sign is left open by the result: compared with the field turned by 180°")
    }
    return truth
  }

  private static func averaged(_ truth: Truth, facts: AcquisitionFacts) -> Truth {
    guard CaseClass(name: facts.name) == .crystal, let size = facts.pixelSize,
      let period = truth.latticePeriod
    else { return truth }
    var truth = truth
    let cell = (x: period / size.x, y: period / size.y)
    truth.deflection = cellAverage(truth.deflection, period: cell)
    truth.projectedField = cellAverage(truth.projectedField, period: cell)
    truth.meanField = truth.meanField.map { cellAverage($0, period: cell) }
    return truth
  }

  private static func text(
    _ quantity: Quantity, _ value: Double, _ allowed: ClosedRange<Double>
  ) -> String {
    let range =
      allowed.lowerBound == 0
      ? "at most \(Layout.number(allowed.upperBound))"
      : "\(Layout.number(allowed.lowerBound)) to \(Layout.number(allowed.upperBound))"
    return "\(quantity.rawValue) is \(Layout.number(value)), allowed \(range)"
  }

  /// Rows worse than the reference by more than 5 % need a sentence that says why.
  private mutating func explain(facts: AcquisitionFacts) {
    for quantity in [Quantity.deflection, .potential] {
      guard let check = checks[quantity], let reference = check.reference else { continue }
      guard check.value > max(1.05 * reference, Self.rounding) else { continue }
      let worse =
        "\(quantity.rawValue) \(Layout.percent(check.value)), reference \(Layout.percent(reference))"
      if let sentence = Explanations.sentence(name, quantity, facts: facts) {
        notes.append("\(worse): \(sentence)")
      } else {
        failures.append("\(worse), and nothing says why")
      }
    }
  }

  /// Results are stored as float32: relative errors below its rounding, and what a difference of two
  /// such numbers leaves, are no errors of the method.
  private static let rounding = 1e-7
}
