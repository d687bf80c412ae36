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
  case masked = "masked part"
  case slope
  case residual = "shape residual"
}

/// Everything that is said about a case.
struct Judgement {
  var name: String
  var method: String?
  var checks: [Quantity: Check] = [:]
  var noiseLimit: Double?
  var slopeReference: Double?
  var wallReference: (field: Double, width: Double, product: Double)?
  var walls: [WallFigures] = []
  var failures: [String] = []
  var notes: [String] = []
  var seconds: Double?

  var isOK: Bool { failures.isEmpty }

  /// A case that could not be judged.
  init(_ name: String, failure: String) {
    self.name = name
    failures = [failure]
  }

  /// Holds a result against the truth.
  init(_ facts: AcquisitionFacts, truth: Truth, result: ResultQuantities) {
    name = facts.name
    method = result.deflection?.method
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
    let truth = Self.comparable(truth, facts: facts)
    let usable = deflection.isUsable
    let strength = rootMeanSquare(truth.deflection, where: usable)
    let noise = facts.countingDeviation.map { 2.0.squareRoot() * $0 }
    noiseLimit = strength > 0 ? noise.map { $0 / strength } : nil
    let known = ReferenceFigures.known(facts.name, electrons: facts.totalElectrons)
    let reference = known.flatMap { $0.fits(noiseLimit: noiseLimit) ? $0 : nil }
    wallReference = reference?.wall
    let targets = Targets(
      facts, noiseLimit: noiseLimit, isReferenceCase: known == nil || reference != nil,
      isAlongWall: facts.fieldDirection == "perp" && truth.projectedPotential == nil
        && !truth.walls.isEmpty)
    judgeMasks(usable, facts: facts, truth: truth)
    if strength > 0 {
      judgeVectors(result, truth: truth, targets: targets, reference: reference, facts: facts)
    } else {
      judgeNull(deflection, facts: facts)
    }
    judgeCoverage(deflection, truth: truth, targets: targets)
    judgePotential(result, truth: truth, targets: targets, reference: reference)
    judgeTransverse(result, targets: targets)
    judgeWalls(result, truth: truth, targets: targets, facts: facts)
    for quantity in Quantity.allCases {
      guard let check = checks[quantity], !check.passes, let allowed = check.allowed else {
        continue
      }
      failures.append(Self.text(quantity, check.value, allowed))
    }
  }

  /// A crystal's mean field is compared after the same average as the measurement.
  private static func comparable(_ truth: Truth, facts: AcquisitionFacts) -> Truth {
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

  // MARK: Quantities

  private mutating func judgeMasks(_ usable: [Bool], facts: AcquisitionFacts, truth: Truth) {
    let masked = Double(usable.filter { !$0 }.count) / Double(usable.count)
    let spoilt = Double(truth.badPixelCount) / Double(usable.count)
    // Half a cell at the rim of a crystal has no whole cell.
    let allowed = CaseClass(name: facts.name) == .crystal ? 0.6 : spoilt + 0.01
    checks[.masked] = Check(value: masked, allowed: 0...allowed)
  }

  private mutating func judgeVectors(
    _ result: ResultQuantities, truth: Truth, targets: Targets, reference: ReferenceFigures?,
    facts: AcquisitionFacts
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
      return Check(value: error, allowed: allowed, reference: reference?.field)
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
    _ deflection: ResultVectors, truth: Truth, targets: Targets
  ) {
    guard let errors = deflection.errors else {
      if targets.coverage != nil { failures.append("the deflection has no errors") }
      return
    }
    let value = coverage(
      of: deflection.field, errors: errors, truth: truth.deflection, where: deflection.isUsable)
    checks[.coverage] = Check(value: value, allowed: targets.coverage)
  }

  private mutating func judgePotential(
    _ result: ResultQuantities, truth: Truth, targets: Targets, reference: ReferenceFigures?
  ) {
    guard let expected = truth.projectedPotential else { return }
    guard let potential = result.potential else {
      if targets.slope == nil { failures.append("no projected_potential in the result") }
      return
    }
    guard potential.field.shape == expected.shape else {
      failures.append("the potential has shape \(potential.field.shape)")
      return
    }
    let error = relativeError(of: potential.field, against: expected, where: potential.isUsable)
    checks[.potential] = Check(
      value: error, allowed: targets.potential.map { 0...$0 }, reference: reference?.potential)
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
