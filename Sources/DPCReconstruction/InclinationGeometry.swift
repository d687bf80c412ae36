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

  let cosine: Double
  let sine: Double

  /// - Throws: ``WallError`` where the thickness is not positive or the angle not in [0, 90°).
  public init(
    thickness: Double, inclination: Double, direction: FieldDirection
  ) throws(WallError) {
    guard thickness > 0, thickness.isFinite else { throw .badThickness(thickness) }
    guard inclination >= 0, inclination < Double.pi / 2 - 1e-6 else {
      throw .badInclination(inclination)
    }
    self.init(checkedThickness: thickness, inclination: inclination, direction: direction)
  }

  private init(checkedThickness: Double, inclination: Double, direction: FieldDirection) {
    self.thickness = checkedThickness
    self.inclination = inclination
    self.direction = direction
    self.cosine = cos(inclination)
    self.sine = sin(inclination)
  }

  /// No inclination model: a wall is sech² in the image itself, with factor one.
  public static let imagePlane = InclinationGeometry(
    checkedThickness: 1, inclination: 0, direction: .perp)

  /// The part g of the field that the image shows: `parallel` sin a, `normal` cos a, `perp` 1.
  public var directionFactor: Double {
    Self.directionFactor(direction, cosine: cosine, sine: sine)
  }

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
    shape(at: 0, sechWidth: w).value * directionFactor
  }

  /// Whether E0 and w can be told apart: t tan a < 2 FWHM/cos a. Beyond, only E0 w is determined.
  public func separatesWidth(sechWidth w: Double) -> Bool {
    thickness * sine < 2 * Self.widthFactor * w
  }

  /// The mean field over the thickness at a distance along the image wall normal.
  ///
  /// - Parameters:
  ///   - distance: X along the wall normal's azimuth, m.
  ///   - amplitude: E0, V/m.
  ///   - sechWidth: w of sech²(u/w), m; FWHM = ``widthFactor`` w.
  ///   - position: X0 of the wall, m.
  /// - Returns: The component that the image shows, V/m, and its derivatives.
  public func meanField(
    at distance: Double, amplitude: Double, sechWidth w: Double, position: Double
  ) -> WallFieldSample {
    let factor = directionFactor
    let p = shape(at: distance - position, sechWidth: w)
    let gradient = factor * amplitude
    return WallFieldSample(
      value: gradient * p.value, byAmplitude: factor * p.value,
      byWidth: -gradient * (p.byC * p.c + p.byD * p.d) / w,
      byPosition: -gradient * p.byC * cosine / w)
  }

  /// P(c, d) and its partial derivatives; every exponential is scaled by the largest one.
  private func shape(
    at x: Double, sechWidth w: Double
  ) -> (value: Double, byC: Double, byD: Double, c: Double, d: Double) {
    let c = x * cosine / w
    let d = thickness * sine / w
    let twice = 2 * abs(c)
    let largest = max(twice, d)
    let up = exp(twice - largest)
    let down = exp(-twice - largest)
    let denominator = up + down + exp(d - largest) + exp(-d - largest)
    // (e^d - e^-d)/d without cancellation.
    let numerator = exp(d - largest) * (d == 0 ? 2 : -expm1(-2 * d) / d)
    let value = 2 * numerator / denominator
    let slope = (c < 0 ? -1.0 : 1.0) * (up - down) / denominator
    let byD = value * (Self.langevin(d) - d * value / 2)
    return (value, -2 * value * slope, byD, c, d)
  }

  /// coth d - 1/d.
  private static func langevin(_ d: Double) -> Double {
    if d < 0.03 {
      // The next term, d⁷/4725, is below 1e-13 of the first here.
      let square = d * d
      return d * (1.0 / 3 - square * (1.0 / 45 - square * 2 / 945))
    }
    return 1 / tanh(d) - 1 / d
  }
}

/// The projected field of a wall at one distance, and its derivatives by the wall's parameters.
public struct WallFieldSample: Sendable, Equatable {
  /// V/m.
  public let value: Double
  /// ∂/∂E0, dimensionless.
  public let byAmplitude: Double
  /// ∂/∂w, V/m².
  public let byWidth: Double
  /// ∂/∂X0, V/m².
  public let byPosition: Double
}
