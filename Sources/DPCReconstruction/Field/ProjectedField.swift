// Deflection to projected electric field: the beam moves against the field.
public import STEMCore

extension VectorMap {
  /// Replaces a deflection (rad, scan frame, x right, y down) by the projected electric field ∫E dz that deflects
  /// the beam so, V, same axes, covariance in V².
  ///
  /// The force on an electron is -eE, so θ = -(∫E dz)/(pv/e) and ∫E dz = -(pv/e) θ.
  ///
  /// - Parameter beam: Decides pv/e (343.741 kV at 200 kV).
  /// - SeeAlso: Reimer & Kohl, *Transmission Electron Microscopy*, section 2.
  public mutating func deflectionToProjectedField(_ beam: ElectronBeam) {
    let scale = -beam.momentumVelocityPerCharge
    transform(by: Matrix2(xx: scale, xy: 0, yx: 0, yy: scale))
  }
}

/// The field averaged over the thickness, V/m, from the projected field, V.
///
/// - Parameters:
///   - projectedField: ∫E dz, V.
///   - thickness: Along the beam, m; positive.
public func meanField(of projectedField: VectorMap, thickness: Double) -> VectorMap {
  precondition(thickness > 0, "a thickness is positive")
  let scale = 1 / thickness
  return transformed(projectedField, by: Matrix2(xx: scale, xy: 0, yx: 0, yy: scale))
}
