// Inclined domain walls: the field of sech² walls projected along the beam, in closed form.
public import STEMCore
internal import Glibc

/// Parallel domain walls of one profile, E0 sech²(u/w) across each, u along the true wall normal.
///
/// ```
///   beam (z)                 The beam sees the wall at the angle a ("inclination") to its plane;
///      |   / wall            a = 0 is edge-on. A ray through the image coordinate X, counted from
///      |  /                  the wall along its normal in the image, runs through
///      |a/                   u = X cos a + z sin a for -t/2 < z < t/2.
///      |/___ X
/// ```
///
/// The projection is `E_proj(X) = g E0 (w / sin a) [tanh(u₊/w) - tanh(u₋/w)]` with
/// `u± = X cos a ± (t/2) sin a`, and g E0 t sech²(X/w) edge-on. The direction factor g is the part
/// of the field that lies in the image: 1 for a field along the wall and perpendicular to the
/// beam, sin a along the wall in the plane of the beam and the normal, cos a along the normal.
public struct WallArray: Sendable, Equatable, Codable {
  /// Position of each wall along its normal in the image, from the center of the scan, m.
  public var positions: [Double]
  /// Sign of each wall's field, +1 or -1 (any factor will do).
  public var signs: [Double]
  /// Intrinsic amplitude E0, V/m; positive along the normal's azimuth for `parallel` and `normal`
  /// fields, along azimuth + 90° for `perp`.
  public var amplitude: Double
  /// Intrinsic full width at half maximum, m; 2 acosh(√2) w.
  public var fullWidthHalfMaximum: Double
  /// Azimuth of the wall normal in the image, rad.
  public var normalAzimuth: Double
  /// Angle between the beam and the plane of the wall, rad; 0 <= inclination < π/2.
  public var inclination: Double
  /// Length of the beam's path through the specimen, m.
  public var thickness: Double
  /// Direction of the field relative to wall and beam.
  public var direction: FieldDirection

  public init(
    positions: [Double], signs: [Double], amplitude: Double, fullWidthHalfMaximum: Double,
    normalAzimuth: Double, inclination: Double = 0, thickness: Double, direction: FieldDirection
  ) {
    precondition(positions.count == signs.count, "each wall has a sign")
    precondition(fullWidthHalfMaximum > 0 && thickness > 0, "width and thickness are positive")
    precondition(inclination >= 0 && inclination < Double.pi / 2, "the wall crosses the image")
    self.positions = positions
    self.signs = signs
    self.amplitude = amplitude
    self.fullWidthHalfMaximum = fullWidthHalfMaximum
    self.normalAzimuth = normalAzimuth
    self.inclination = inclination
    self.thickness = thickness
    self.direction = direction
  }

  /// w of sech²(u/w), m: FWHM / (2 acosh √2).
  public var widthParameter: Double { fullWidthHalfMaximum / (2 * acosh(2.0.squareRoot())) }

  /// Part of the field that lies in the image plane: 1, sin a or cos a.
  public var directionFactor: Double {
    switch direction {
    case .perp: return 1
    case .parallel: return sin(inclination)
    case .normal: return cos(inclination)
    }
  }

  /// Projected field along its own direction in the image, of all walls, at X along the normal, V.
  func projectedFieldAlong(_ x: Double) -> Double {
    let w = widthParameter
    let step = thickness * sin(inclination) / w
    var sum = 0.0
    for (position, sign) in zip(positions, signs) {
      sum += sign * pathFactor(at: abs(x - position) * cos(inclination) / w, step: step)
    }
    return directionFactor * amplitude * thickness * sum
  }

  /// Mean of sech² over the path: [tanh(q + δ/2) - tanh(q - δ/2)]/δ, written so that it neither
  /// cancels for a small step δ nor overflows for a large one; q >= 0.
  private func pathFactor(at q: Double, step: Double) -> Double {
    let slope = step > 0 ? -expm1(-2 * step) / step : 2
    return 2 * slope / (exp(2 * q - step) + exp(-2 * q - step) + 1 + exp(-2 * step))
  }

  /// Projected potential -∫ E_proj dX of all walls, V m; nil where the field has a curl (`perp`).
  func projectedPotentialAlong(_ x: Double) -> Double? {
    if direction == .perp { return nil }
    let w = widthParameter
    let step = thickness * sin(inclination) / w
    var sum = 0.0
    for (position, sign) in zip(positions, signs) {
      sum += sign * meanTanh(at: (x - position) * cos(inclination) / w, step: step)
    }
    return -directionFactor * amplitude * thickness * w / cos(inclination) * sum
  }

  /// [ln cosh(q + δ/2) - ln cosh(q - δ/2)]/δ: the mean of tanh over the path.
  private func meanTanh(at q: Double, step: Double) -> Double {
    if step < 1e-3 {
      // Taylor series in δ; the next term is below δ⁴/1000.
      let t = tanh(q)
      return t - step * step / 12 * t * (1 - t * t)
    }
    func logCosh(_ value: Double) -> Double { abs(value) + log1p(exp(-2 * abs(value))) }
    return (logCosh(q + step / 2) - logCosh(q - step / 2)) / step
  }

  /// Unit vector of a positive projected field in the image.
  var fieldAxis: (x: Double, y: Double) {
    let (c, s) = (cos(normalAzimuth), sin(normalAzimuth))
    return direction == .perp ? (-s, c) : (c, s)
  }

  func projectedField(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let along = x * cos(normalAzimuth) + y * sin(normalAzimuth)
    let magnitude = projectedFieldAlong(along)
    return (magnitude * fieldAxis.x, magnitude * fieldAxis.y)
  }

  func projectedPotential(_ x: Double, _ y: Double) -> Double? {
    projectedPotentialAlong(x * cos(normalAzimuth) + y * sin(normalAzimuth))
  }
}
