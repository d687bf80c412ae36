// What is measured of a result, quantity by quantity, with the range that each may take.
internal import STEMCore

extension Judgment {
  mutating func judgeMasks(_ usable: [Bool], facts: AcquisitionFacts, truth: Truth) {
    let masked = Double(usable.filter { !$0 }.count) / Double(usable.count)
    let spoilt = Double(truth.badPixelCount) / Double(usable.count)
    // Half a cell at the rim of a crystal has no whole cell.
    let allowed = CaseClass(name: facts.name) == .crystal ? 0.6 : spoilt + 0.01
    checks[.masked] = Check(value: masked, allowed: 0...allowed)
  }

  mutating func judgeVectors(
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
  mutating func judgeNull(_ deflection: ResultVectors, facts: AcquisitionFacts) {
    let deviation =
      rootMeanSquare(deflection.field, where: deflection.isUsable) / 2.0.squareRoot()
    if let expected = facts.countingDeviation {
      checks[.deviation] = Check(value: deviation / expected, allowed: 0.99...1.01, reference: 1)
    } else if !(deviation < 1e-9) {
      failures.append("a deflection of \(Layout.number(deviation)) rad where there is none")
    }
  }

  mutating func judgeCoverage(
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

  mutating func judgePotential(
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
  mutating func judgeRotation(
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

  mutating func judgeTransverse(_ result: ResultQuantities, targets: Targets) {
    if let fraction = result.transverseFraction {
      checks[.transverse] = Check(
        value: fraction, allowed: targets.transverse,
        reference: targets.transverse == nil ? nil : 1)
    } else if targets.transverse != nil {
      failures.append("no divergence_free_x and divergence_free_y in the result")
    }
  }

  mutating func judgeWalls(
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
