// The limits of each class of cases. They are the stated targets, never derived from a result.

/// How a case was simulated, which says what a right estimator must attain on it.
enum CaseClass: String {
  /// Rigid shift of a uniform disc: the estimator's own model.
  case disc
  /// Phase object, wave optics.
  case wave
  /// Wave optics at atomic resolution, where a linear estimator blurs.
  case atomic
  /// Multislice through a crystal, judged after averaging over the unit cell.
  case crystal

  init(name: String) {
    if name.hasPrefix("multislice-") {
      self = .crystal
    } else if name.hasPrefix("wave-atomic") || name.hasPrefix("wave-lattice") {
      self = .atomic
    } else if name.hasPrefix("wave-") {
      self = .wave
    } else {
      self = .disc
    }
  }
}

/// The largest (or the range of) values with which a case is still right.
struct Targets {
  /// Relative error of deflection and field.
  var field: Double
  /// Relative error of the projected potential; nil where no target is stated.
  var potential: Double?
  /// Share of power that has to be divergence-free.
  var transverse: ClosedRange<Double>?
  /// Of one standard deviation; its bounds belong to error bars wrong by a factor 1.5.
  var coverage: ClosedRange<Double>?
  var slope: ClosedRange<Double>?
  /// rms of the shape residual of a crystal, over the peak.
  var residual: Double?
  /// Whether a true wall without a fitted one is a failure.
  var needsWalls = true
  /// Relative errors of field, width and product of a wall; nil: bounded by their own errors.
  var wall: (field: Double, width: Double, product: Double)?

  /// A pure curl loses this much where a frame that is not periodic is taken as periodic: 0.95 to
  /// two digits, not 1.
  static let transverseRange = 0.945...1.0
  /// P(|z| < 1/1.5) and P(|z| < 1.5) of a normal distribution.
  static let coverageRange = 0.495...0.867
  /// Noise over the noise limit.
  static let noiseMargin = 1.03
  /// Wall errors over their standard deviation.
  static let wallDeviations = 2.5

  /// - Parameters:
  ///   - noiseLimit: Relative counting noise √2 σ / rms(θ); nil for expected counts.
  ///   - isReferenceCase: False where name and dose are known but not the strength of field.
  init(
    _ facts: AcquisitionFacts, noiseLimit: Double?, isReferenceCase: Bool, isAlongWall: Bool
  ) {
    let caseClass = CaseClass(name: facts.name)
    let clean = Self.cleanField(caseClass, name: facts.name)
    field =
      noiseLimit.map { hypotenuse(Self.noiseMargin * $0, caseClass == .disc ? 0 : clean) }
      ?? clean
    potential = Self.potential(facts, caseClass)
    if isAlongWall && !facts.isSampled { transverse = Self.transverseRange }
    if facts.isSampled && (caseClass == .disc) { coverage = Self.coverageRange }
    if caseClass == .crystal {
      needsWalls = false
      slope = 0.94...1.06
      residual = 0.03
    }
    wall = isReferenceCase || !facts.isSampled ? Self.wall(facts, caseClass) : nil
  }

  /// What another method than the standard one has to attain.
  ///
  /// Its reference, where there is one. Without, it is held to the noise of the standard method only on
  /// discs that move as a whole and only if it does not itself say that its model does not hold; a
  /// method that says so has done its duty. Walls belong to the standard method.
  mutating func adapt(
    to method: EstimationMethod, facts: AcquisitionFacts, reference: ReferenceFigures?,
    caution: String?
  ) {
    if method == .standard { return }
    let figures = reference?.figures(of: method)
    let isDisc = CaseClass(name: facts.name) == .disc && method != .phaseContrastTransfer
    // The gain of the centroids is that of small shifts: 2.5 % hold up to 5 mrad.
    // Maximum likelihood ends its steps at some 10⁻⁶ of the shift.
    let linear = method == .centerOfMass ? 0.025 : 2e-6
    let own = isDisc ? max(field, linear) : .infinity
    field = caution != nil ? .infinity : figures?.field.map { max(1.05 * $0, linear) } ?? own
    potential = caution != nil ? nil : figures?.potential.map { max(1.05 * $0, 1e-6) }
    let isOwnLattice = CaseClass(name: facts.name) == .atomic && figures?.field == nil
    if isOwnLattice && method == .phaseContrastTransfer && !facts.isSampled {
      // What the reference's finest weak case attains, band-limited.
      (field, potential) = (0.02, 0.005)
    }
    if !isDisc || caution != nil { coverage = nil }
    (slope, residual, transverse) = (nil, nil, nil)
    needsWalls = false
    wall = (.infinity, .infinity, .infinity)
  }

  private static func cleanField(_ caseClass: CaseClass, name: String) -> Double {
    let base = ReferenceFigures.baseName(name)
    let reference = ReferenceFigures.known(base, electrons: nil)?.field
    switch caseClass {
    case .disc: return 1e-6
    case .wave: return max(0.005, 1.05 * (reference ?? 0))
    case .atomic: return 1.05 * (reference ?? 0.64)
    case .crystal: return .infinity
    }
  }

  /// Targets at 10⁶ electrons by specimen; elsewhere 5 % above the reference, with a floor.
  private static func potential(_ facts: AcquisitionFacts, _ caseClass: CaseClass) -> Double? {
    if caseClass == .crystal { return nil }
    let reference = ReferenceFigures.known(facts.name, electrons: facts.totalElectrons)?.potential
    if facts.isSampled {
      let stated: [(prefix: String, limit: Double)] = [
        ("rotation", 0.04), ("depol-walls", 0.025), ("gain-", 0.06),
      ]
      if (facts.totalElectrons ?? 0) >= 1e6,
        let match = stated.first(where: { facts.name.hasPrefix($0.prefix) })
      {
        return match.limit
      }
      // Another draw of the noise scatters more than that; only the very file can be held to it.
      let isSameFile = facts.name == ReferenceFigures.baseName(facts.name)
      return isSameFile ? reference.map { 1.05 * $0 } : nil
    }
    // A lattice is blurred as its field is.
    if caseClass == .atomic && reference == nil { return nil }
    // Integration over a frame that is not periodic: fourth-order links leave 6e-5 on a Gaussian of
    // five pixels, and more on what is narrower.
    let floor = caseClass == .disc ? (reference == nil ? 1e-3 : 1e-4) : 0.005
    return max(floor, 1.05 * (reference ?? 0))
  }

  private static func wall(
    _ facts: AcquisitionFacts, _ caseClass: CaseClass
  ) -> (field: Double, width: Double, product: Double)? {
    if facts.isSampled {
      return ReferenceFigures.wallDeviations(facts.name, electrons: facts.totalElectrons).map {
        (wallDeviations * $0.field, wallDeviations * $0.width, wallDeviations * $0.product)
      }
    }
    switch caseClass {
    case .disc: return (1e-4, 1e-4, 1e-4)
    case .wave: return (0.005, 0.005, 0.005)
    case .atomic, .crystal: return (.infinity, .infinity, .infinity)
    }
  }
}

private func hypotenuse(_ first: Double, _ second: Double) -> Double {
  (first * first + second * second).squareRoot()
}
