// The image of an inclined wall: what the projection through the specimen does to its profile.

internal import Glibc
public import STEMCore

/// A specimen of known thickness with walls of known inclination and field direction.
///
/// A ray through the image coordinate X (along the wall normal's azimuth) passes the wall at
/// u = X cos a + s sin a, |s| <= t/2. For a wall of field E0 sech²(u/w) the mean field over the
/// thickness follows from the elementary integral of sech²:
///
///     E(X) = g E0 w/(t sin a) [tanh(u₊/w) - tanh(u₋/w)],   u± = X cos a ± (t/2) sin a
///
/// which is evaluated as g E0 P(c, d) with c = X cos a/w, d = t sin a/w and
///
///     P(c, d) = (sinh d / d) · 2/(cosh 2c + cosh d),   P(c, 0) = sech² c
///
/// so that it is exact for a -> 0 and cannot overflow.
public struct InclinationGeometry: Sendable, Equatable {
  /// Along the beam, m.
  public let thickness: Double
  /// Angle a between the beam and the wall plane, rad; 0 is edge-on.
  public let inclination: Double
  public let direction: FieldDirection
  /// The part g of the field that the image shows: `parallel` sin a, `normal` cos a, `perp` 1, or what
  /// the field's direction in the crystal makes it.
  public let directionFactor: Double

  let cosine: Double
  let sine: Double

  /// - Parameters:
  ///   - thickness: Along the beam, m.
  ///   - inclination: Between beam and wall plane, rad.
  ///   - direction: Of the field.
  ///   - factor: g of a field whose direction none of the three names; nil: as `direction` says.
  /// - Throws: ``WallError`` where the thickness is not positive or the angle not in [0, 90°).
  public init(
    thickness: Double, inclination: Double, direction: FieldDirection, factor: Double? = nil
  ) throws(WallError) {
    guard thickness > 0, thickness.isFinite else { throw .badThickness(thickness) }
    guard inclination >= 0, inclination < Double.pi / 2 - 1e-6 else {
      throw .badInclination(inclination)
    }
    self.init(
      checkedThickness: thickness, inclination: inclination, direction: direction, factor: factor)
  }

  private init(
    checkedThickness: Double, inclination: Double, direction: FieldDirection, factor: Double?
  ) {
    self.thickness = checkedThickness
    self.inclination = inclination
    self.direction = direction
    self.cosine = cos(inclination)
    self.sine = sin(inclination)
    directionFactor =
      factor
      ?? Self.directionFactor(direction, cosine: cos(inclination), sine: sin(inclination))
  }

  /// The same specimen with its walls at another inclination; a factor of its own is kept.
  func inclined(by angle: Double) -> InclinationGeometry {
    InclinationGeometry(
      checkedThickness: thickness, inclination: angle, direction: direction, factor: ownFactor)
  }

  /// g where it is not what the direction says.
  public var ownFactor: Double? {
    let own = Self.directionFactor(direction, cosine: cosine, sine: sine)
    return own == directionFactor ? nil : directionFactor
  }

  /// The same walls in a specimen of another thickness, m; a factor of its own is kept.
  func with(thickness: Double) -> InclinationGeometry {
    InclinationGeometry(
      checkedThickness: thickness, inclination: inclination, direction: direction,
      factor: directionFactor)
  }

  /// The same walls with their field in the other component of the image.
  var ofOtherComponent: InclinationGeometry {
    InclinationGeometry(
      checkedThickness: thickness, inclination: inclination,
      direction: direction == .perp ? .normal : .perp, factor: nil)
  }

  /// No inclination model: a wall is sech² in the image itself, with factor one.
  public static let imagePlane = InclinationGeometry(
    checkedThickness: 1, inclination: 0, direction: .perp, factor: nil)

  static func directionFactor(
    _ direction: FieldDirection, cosine: Double, sine: Double
  ) -> Double {
    switch direction {
    case .parallel: return sine
    case .normal: return cosine
    case .perp: return 1
    }
  }

  /// FWHM of sech²(u/w) over w: 2 arcosh √2.
  public static let widthFactor = 2 * acosh(2.0.squareRoot())

  /// Full width at half maximum of the projected profile along X, m: w arcosh(2 + cosh d)/cos a.
  public func projectedWidth(sechWidth w: Double) -> Double {
    let ratio = thickness * sine / w
    // arcosh(2 + cosh d) = d + 4 exp(-d) + ...: equal to d in double precision beyond 40.
    let halves = ratio > 40 ? ratio : acosh(2 + cosh(ratio))
    return w * halves / cosine
  }

  /// The height of the projected profile, in units of the field of the wall: g P(0, d).
  public func projectedHeight(sechWidth w: Double) -> Double {
    ProjectedWall(geometry: self, sechWidth: w).unitHeight(at: 0)
  }

  /// Whether E0 and w can be told apart: t tan a < 2 FWHM/cos a. Beyond, only E0 w is determined.
  public func separatesWidth(sechWidth w: Double) -> Bool {
    thickness * sine < 2 * Self.widthFactor * w
  }
}

/// The projected field of a wall at one distance, and its derivatives by the wall's parameters.
struct WallFieldSample: Sendable, Equatable {
  /// V/m.
  let value: Double
  /// ∂/∂E0, dimensionless.
  let byAmplitude: Double
  /// ∂/∂w, V/m².
  let byWidth: Double
  /// ∂/∂X0, V/m².
  let byPosition: Double
}
