// What a strain gradient can do: its polarization, the field of its bound charge, the deflection of a foil.

internal import Glibc
public import STEMCore

/// A gradient of strain in a dielectric, and what follows from it without any measurement.
///
/// The direct flexoelectric effect polarizes a dielectric under a gradient of strain,
///
///     P = µ dε/dx
///
/// in the direction that the component of µ belongs to; P is that of the sample at zero field. Its bound
/// charge, -div P inside and P·n on a face of outward normal n, makes a depolarization field
///
///     E = -N P/(ε0 εr)
///
/// if nothing screens that charge: the field polarizes the dielectric back until D = 0 (N = 1, a sheet
/// with P across it). -N P/ε0 is the limit of a polarization that its own field cannot reduce. Along a wall
/// much longer than wide N tends to zero: without bound charge there is no field.
public struct FlexoelectricEstimate: Sendable, Equatable, Codable {
  /// dε/dx, 1/m.
  public let strainGradient: Double
  /// P, C/m²; positive along +x.
  public let polarization: Double
  /// -N P/(ε0 εr), V/m: no free charge, a linear dielectric.
  public let field: Double
  /// -N P/ε0, V/m: no free charge, and a polarization that stays as it is.
  public let rigidField: Double
}

/// A dielectric's response to gradients of strain.
public struct FlexoelectricMaterial: Sendable, Equatable, Codable {
  /// µ, C/m, with its sign.
  public let coefficient: Double
  /// εr, at least 1.
  public let relativePermittivity: Double
  /// N, 0...1.
  public let depolarizationFactor: Double

  public init(coefficient: Double, relativePermittivity: Double, depolarizationFactor: Double = 1) {
    precondition(
      relativePermittivity >= 1 && (0...1).contains(depolarizationFactor),
      "a permittivity below that of vacuum, or no depolarization factor")
    self.coefficient = coefficient
    self.relativePermittivity = relativePermittivity
    self.depolarizationFactor = depolarizationFactor
  }

  private var permittivity: Double {
    PhysicalConstant.vacuumPermittivity * relativePermittivity
  }

  /// The flexocoupling voltage f = µ/(ε0 εr), V: the field for N = 1 is -f dε/dx.
  public var flexocouplingVoltage: Double { coefficient / permittivity }

  /// - Parameter strainGradient: 1/m.
  public func estimate(strainGradient: Double) -> FlexoelectricEstimate {
    estimate(polarization: coefficient * strainGradient, strainGradient: strainGradient)
  }

  /// What a polarization stated by someone implies; its gradient is P/µ, infinite for µ = 0.
  ///
  /// - Parameter polarization: C/m².
  public func estimate(polarization: Double) -> FlexoelectricEstimate {
    estimate(polarization: polarization, strainGradient: polarization / coefficient)
  }

  private func estimate(
    polarization: Double, strainGradient: Double
  ) -> FlexoelectricEstimate {
    let charge = -depolarizationFactor * polarization
    return FlexoelectricEstimate(
      strainGradient: strainGradient, polarization: polarization, field: charge / permittivity,
      rigidField: charge / PhysicalConstant.vacuumPermittivity)
  }
}

/// The gradient of strain across a twin wall whose strain is ε_s tanh(x/w): (ε_s/w) sech²(x/w), 1/m.
///
/// - Parameters:
///   - strain: ε_s, half the difference between the domains, signed.
///   - width: Full width at half maximum of the gradient, m; 1.7627 w.
///   - distance: x, m.
public func twinWallStrainGradient(strain: Double, width: Double, at distance: Double) -> Double {
  let w = width / InclinationGeometry.widthFactor
  let c = cosh(distance / w)
  return strain / w / (c * c)
}

/// A foil and a detector of sectors that together cover the circle.
public struct FoilExperiment: Sendable, Equatable, Codable {
  public let beam: ElectronBeam
  /// Along the beam, m.
  public let thickness: Double
  /// Mean of the shown component over the thickness, in units of the field in the wall.
  public let projectionFactor: Double
  /// Of the probe, rad.
  public let semiAngle: Double
  /// Equal sectors, rings summed.
  public let sectors: Int

  public init(
    beam: ElectronBeam, thickness: Double, projectionFactor: Double = 1, semiAngle: Double,
    sectors: Int = 4
  ) {
    precondition(thickness > 0 && semiAngle > 0 && sectors >= 3, "no foil, no probe or no detector")
    self.beam = beam
    self.thickness = thickness
    self.projectionFactor = projectionFactor
    self.semiAngle = semiAngle
    self.sectors = sectors
  }

  /// ∫E dz of a field in the wall, V.
  public func projectedField(of field: Double) -> Double { projectionFactor * field * thickness }

  /// The deflection of the beam, rad: against the field, the electron being negative.
  public func deflection(of field: Double) -> Double {
    -projectedField(of: field) / beam.momentumVelocityPerCharge
  }

  /// Standard deviation of one component of the deflection for one electron, rad: divide by the root of
  /// their number.
  ///
  /// For n sectors of half width h = π/n it is π α/(√2 n sin h): a sector gains 2 α sin h per radian of
  /// shift out of π α², and its share of 1/n counts as Poisson does. Four sectors: π α/4.
  public var deflectionErrorOfOneElectron: Double {
    let n = Double(sectors)
    return Double.pi * semiAngle / (2.0.squareRoot() * n * sin(Double.pi / n))
  }

  /// Electrons, over all pixels averaged, for a deflection of so many standard deviations.
  ///
  /// - Returns: Infinite where there is no deflection.
  public func electrons(forDetecting field: Double, sigmas: Double) -> Double {
    let ratio = sigmas * deflectionErrorOfOneElectron / deflection(of: field)
    return ratio * ratio
  }
}

/// How a measured field compares with one that is expected, in magnitude.
public enum FieldComparison: String, Sendable, Equatable, Codable {
  /// Equal within three standard deviations.
  case agrees
  /// Stronger by more than three standard deviations.
  case stronger
  /// Weaker by more than three standard deviations.
  case weaker
  /// The measurement is no three standard deviations from zero, nor from the expectation.
  case undecided
}

/// Compares magnitudes: the signs of neighboring walls alternate, whatever makes their field.
///
/// - Parameters:
///   - measured: Magnitude, V/m; without an error only a factor of two is a difference.
///   - expected: V/m, either sign.
public func comparison(of measured: Measurement, with expected: Double) -> FieldComparison {
  let value = abs(measured.value)
  let target = abs(expected)
  let tolerance = measured.error.map { 3 * $0 } ?? target / 2
  if value - target > tolerance { return .stronger }
  if target - value > tolerance { return .weaker }
  return measured.error != nil && value < tolerance ? .undecided : .agrees
}

/// The mean magnitude of several walls, weighted by their errors.
///
/// Magnitudes of noisy fields are biased upwards; walls of a table stand out of the noise, where the bias
/// of a magnitude is far below its error.
///
/// - Parameters:
///   - fields: V/m, either sign; their errors contain the shared one.
///   - sharedRelativeError: Of the scale, the same in all walls: no average lowers it.
/// - Returns: nil without walls; no error where a wall has none.
public func meanMagnitude(
  of fields: [Measurement], sharedRelativeError: Double = 0
) -> Measurement? {
  guard !fields.isEmpty else { return nil }
  let variances = fields.compactMap { field in
    field.error.map { error in
      let shared = sharedRelativeError * field.value
      // What is shared is part of the error; a wall known better than that is known to rounding.
      return max(error * error - shared * shared, 1e-12 * error * error)
    }
  }
  guard variances.count == fields.count, variances.allSatisfy({ $0 > 0 }) else {
    return Measurement(fields.reduce(0) { $0 + abs($1.value) } / Double(fields.count))
  }
  let total = variances.reduce(0) { $0 + 1 / $1 }
  let sum = zip(fields, variances).reduce(0) { $0 + abs($1.0.value) / $1.1 }
  let mean = sum / total
  return Measurement(mean, error: hypot((1 / total).squareRoot(), sharedRelativeError * mean))
}
