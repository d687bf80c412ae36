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
struct Judgement {
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
  var seconds: Double?

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

  // MARK: Quantities

  private mutating func judgeMasks(_ usable: [Bool], facts: AcquisitionFacts, truth: Truth) {
    let masked = Double(usable.filter { !$0 }.count) / Double(usable.count)
    let spoilt = Double(truth.badPixelCount) / Double(usable.count)
    // Half a cell at the rim of a crystal has no whole cell.
    let allowed = CaseClass(name: facts.name) == .crystal ? 0.6 : spoilt + 0.01
    checks[.masked] = Check(value: masked, allowed: 0...allowed)
  }

  private mutating func judgeVectors(
    _ result: ResultQuantities, truth: Truth, targets: Targets, reference: ReferenceFigures?
  ) {
    let allowed = targets.field.isFinite ? 0...targets.field : nil
    func check(_ map: ResultVectors?, _ truth: VectorField, _ name: String) -> Check? {
      guard let map else {
        failures.append("no \(name) in the result")
        return nil
      }
      guard map.field.shape == truth.shape else {
        failures.append("\(name) has shape \(map.field.shape), the truth \(truth.shape)")
        return nil
      }
      let error = relativeError(of: map.field, against: truth, where: map.isUsable)
      return Check(
        value: error, allowed: allowed, reference: reference?.figures(of: method).field)
    }
    checks[.deflection] = check(result.deflection, truth.deflection, "deflection")
    checks[.field] = check(result.projectedField, truth.projectedField, "projected_field")
    if let field = truth.meanField {
      checks[.meanField] = check(result.meanField, field, "electric_field")
    }
    guard let slope = targets.slope, let map = result.deflection else { return }
    let line = regression(of: map.field, on: truth.deflection, where: map.isUsable)
    checks[.slope] = Check(value: line.slope, allowed: slope, reference: reference?.slope)
    checks[.residual] = Check(value: line.residual, allowed: targets.residual.map { 0...$0 })
  }

  /// Without a true field only the noise can be judged: one per cent, or next to nothing.
  private mutating func judgeNull(_ deflection: ResultVectors, facts: AcquisitionFacts) {
    let deviation =
      rootMeanSquare(deflection.field, where: deflection.isUsable) / 2.0.squareRoot()
    if let expected = facts.countingDeviation {
      checks[.deviation] = Check(value: deviation / expected, allowed: 0.99...1.01, reference: 1)
    } else if !(deviation < 1e-9) {
      failures.append("a deflection of \(Layout.number(deviation)) rad where there is none")
    }
  }

  private mutating func judgeCoverage(
    _ result: ResultQuantities, truth: Truth, targets: Targets
  ) {
    func share(_ map: ResultVectors?, _ truth: VectorField?) -> Double? {
      guard let map, let truth, let errors = map.errors, map.field.shape == truth.shape else {
        return nil
      }
      return coverage(of: map.field, errors: errors, truth: truth, where: map.isUsable)
    }
    if let value = share(result.deflection, truth.deflection) {
      checks[.coverage] = Check(value: value, allowed: targets.coverage)
    } else if targets.coverage != nil {
      failures.append("the deflection has no errors")
    }
    // The field in V/m where there is one: its errors have the thickness in them.
    let field = share(result.meanField, truth.meanField)
    if let value = field ?? share(result.projectedField, truth.projectedField) {
      checks[.fieldCoverage] = Check(value: value, allowed: targets.coverage)
    }
  }

  private mutating func judgePotential(
    _ result: ResultQuantities, truth: Truth, targets: Targets, reference: ReferenceFigures?,
    facts: AcquisitionFacts
  ) {
    guard let expected = truth.projectedPotential else { return }
    guard let potential = result.potential else {
      // The crystals' pipeline leaves none: the mean field of a cell is what counts there.
      if CaseClass(name: facts.name) != .crystal {
        failures.append("no projected_potential in the result")
      }
      return
    }
    guard potential.field.shape == expected.shape else {
      failures.append("the potential has shape \(potential.field.shape)")
      return
    }
    let (found, wanted) = bandLimited(potential.field, expected, facts: facts)
    checks[.potential] = Check(
      value: relativeError(of: found, against: wanted, where: potential.isUsable),
      allowed: targets.potential.map { 0...$0 },
      reference: reference?.figures(of: method).potential)
    guard let errors = potential.errors, facts.isSampled else { return }
    // Errors of neighboring pixels go together: a map has few independent ones, so this is shown only.
    checks[.potentialCoverage] = Check(
      value: coverage(
        of: potential.field, errors: errors, truth: expected, where: potential.isUsable))
  }

  /// At atomic resolution nothing beyond the information limit can be right: both maps are compared up
  /// to 1.5 α/λ.
  private func bandLimited(
    _ found: ScalarField, _ wanted: ScalarField, facts: AcquisitionFacts
  ) -> (ScalarField, ScalarField) {
    guard CaseClass(name: facts.name) == .atomic, let size = facts.pixelSize,
      let wavelength = facts.wavelength
    else { return (found, wanted) }
    let limit = 1.5 * facts.semiConvergenceAngle / wavelength
    return (
      lowPassed(found, pixelSize: size, limit: limit),
      lowPassed(wanted, pixelSize: size, limit: limit)
    )
  }

  /// An estimated rotation must be right within three of its own deviations, and those must be near
  /// what any estimator can do, σ/√Σ|θ|²; an error of 0.05° passes in any case.
  private mutating func judgeRotation(
    _ result: ResultQuantities, truth: Truth, facts: AcquisitionFacts
  ) {
    guard let rotation = result.rotation, let angle = rotation.angle,
      let expected = truth.scanRotation
    else { return }
    let halfTurns = (angle - expected) / Double.pi
    let error = abs(halfTurns - halfTurns.rounded()) * 180
    let deviation = rotation.error.map { $0 * 180 / Double.pi }
    rotationDeviations = deviation.map { error / $0 }
    checks[.rotation] = Check(
      value: error, allowed: facts.isRotationKnown ? nil : 0...max(0.05, 3 * (deviation ?? 0)))
    if let noiseLimit, let deviation, !facts.isRotationKnown {
      let count = Double(truth.deflection.shape.count)
      let bound = noiseLimit / (2 * count).squareRoot() * 180 / Double.pi
      checks[.rotationEfficiency] = Check(value: deviation / bound, allowed: 0...1.5)
    }
  }

  private mutating func judgeTransverse(_ result: ResultQuantities, targets: Targets) {
    if let fraction = result.transverseFraction {
      checks[.transverse] = Check(
        value: fraction, allowed: targets.transverse,
        reference: targets.transverse == nil ? nil : 1)
    } else if targets.transverse != nil {
      failures.append("no divergence_free_x and divergence_free_y in the result")
    }
  }

  private mutating func judgeWalls(
    _ result: ResultQuantities, truth: Truth, targets: Targets, facts: AcquisitionFacts
  ) {
    if truth.walls.isEmpty { return }
    let isInclined = (facts.wallInclination ?? 0) > 1e-9
    guard let found = result.walls else {
      if facts.view == "cross-section" && isInclined {
        failures.append("no wall_position, wall_field and wall_width in the result")
      }
      return
    }
    if truth.hasSeveralArrays {
      notes.append("several arrays of walls: the table of walls is not judged")
      return
    }
    let comparison = WallComparison(found, truth: truth.walls, facts: facts)
    walls = comparison.walls
    failures += walls.flatMap { $0.failures(targets.wall) }
    notes += comparison.notes
    if targets.needsWalls {
      failures += comparison.failures
    } else {
      notes += comparison.failures
    }
  }
}
