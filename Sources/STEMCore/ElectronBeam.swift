// The electron beam: everything that follows from the accelerating voltage alone.

/// CODATA constants in SI units; `h`, `c` and `e` are exact by definition, ε0 is CODATA 2018.
public enum PhysicalConstant {
  /// Planck constant, J s.
  public static let planck = 6.626_070_15e-34
  /// Speed of light in vacuum, m/s.
  public static let speedOfLight = 299_792_458.0
  /// Elementary charge, C.
  public static let elementaryCharge = 1.602_176_634e-19
  /// Electron rest mass, kg.
  public static let electronMass = 9.109_383_7015e-31
  /// Vacuum permittivity, F/m.
  public static let vacuumPermittivity = 8.854_187_8128e-12
}

/// A beam of fast electrons of one energy.
///
/// All relations are the relativistic ones: Reimer & Kohl, *Transmission Electron Microscopy*, ch. 2.
public struct ElectronBeam: Sendable, Equatable, Codable {
  /// Accelerating voltage, V.
  public let voltage: Double

  /// - Parameter voltage: Accelerating voltage, V; positive.
  public init(voltage: Double) {
    precondition(voltage > 0 && voltage.isFinite, "an accelerating voltage is positive")
    self.voltage = voltage
  }

  private var kineticEnergy: Double { PhysicalConstant.elementaryCharge * voltage }
  private var restEnergy: Double {
    PhysicalConstant.electronMass * PhysicalConstant.speedOfLight * PhysicalConstant.speedOfLight
  }

  /// Lorentz factor, dimensionless.
  public var lorentzFactor: Double { 1 + kineticEnergy / restEnergy }

  /// De Broglie wavelength λ = hc / √(T(T + 2mc²)), m.
  public var wavelength: Double {
    PhysicalConstant.planck * PhysicalConstant.speedOfLight
      / (kineticEnergy * (kineticEnergy + 2 * restEnergy)).squareRoot()
  }

  /// Interaction parameter σ = 2π m e λ / h² with the relativistic mass, rad/(V m).
  public var interactionParameter: Double {
    2 * Double.pi * lorentzFactor * PhysicalConstant.electronMass
      * PhysicalConstant.elementaryCharge * wavelength
      / (PhysicalConstant.planck * PhysicalConstant.planck)
  }

  /// Momentum times velocity per charge, pv/e = T(T + 2mc²) / (T + mc²) / e, V.
  ///
  /// A projected field ∫E dz deflects the beam by `-(∫E dz) / (pv/e)`: the electron is negative.
  public var momentumVelocityPerCharge: Double {
    kineticEnergy * (kineticEnergy + 2 * restEnergy) / (kineticEnergy + restEnergy)
      / PhysicalConstant.elementaryCharge
  }
}
