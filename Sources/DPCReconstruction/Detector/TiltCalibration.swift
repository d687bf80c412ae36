// The calibration of the deflection from a series of known beam tilts.
internal import Glibc
public import STEMCore

/// The linear map from measured to true deflections, and what it consists of.
public struct TiltCalibration: Sendable, Equatable, Codable {
  /// C of true = C · measured, detector frame.
  public var matrix: Matrix2
  /// Covariance of (xx, xy, yx, yy), row-major 4×4.
  public var covariance: [Double]
  /// √|det C|: by how much measured deflections have to be enlarged on the mean.
  public var scale: Measurement
  /// The rotation in C, positive clockwise, rad: the detector's orientation against the tilts' axes.
  public var rotation: Measurement
  /// Largest over smallest stretch of C, minus one: 0 for a calibration without shear.
  public var anisotropy: Double
  /// Root mean square of the residuals per component, rad: noise, drift and what is not linear.
  public var residual: Double
  /// Squared residuals over counting noise per degree of freedom; nil without counting errors or with
  /// three tilts.
  public var reducedChiSquare: Double?
  /// How many tilts were fitted.
  public var tiltCount: Int
  /// Largest tilt from the mean, rad.
  public var largestTilt: Double
  /// Whether C turns the axes' sense round: one pair of axes is mirrored.
  public var isMirrored: Bool
}

/// Why a series gives no calibration.
public enum TiltCalibrationError: Error, Sendable, CustomStringConvertible {
  case tooFew(Int)
  /// Nothing tells how well it is known.
  case noError
  case collinear
  /// The measured deflections do not follow the tilts.
  case noResponse

  public var description: String {
    switch self {
    case .tooFew(let count): return "\(count) tilts, where three are needed at least"
    case .noError:
      return
        "three tilts fit any calibration, and without electrons_per_pixel nothing tells how well it is known: record a"
        + " fourth, or state the electrons"
    case .collinear: return "all tilts lie on a line, and a calibration has two directions"
    case .noResponse:
      return "the deflection does not follow the tilts in both directions beyond its scatter"
    }
  }
}

/// Fits measured = m₀ + M · tilt by least squares and inverts: C = M⁻¹.
///
/// The tilts are taken as exact. The error of a measured deflection is that of counting or the scatter
/// about the straight line, whichever is larger. With V the inverse of the tilts' scatter matrix the
/// covariance of C follows from dC = -C dM C: Cov(C_ab, C_a'b') = σ² (C Cᵀ)_aa' (Cᵀ V C)_bb'.
///
/// - Parameters:
///   - tilts: Known tilts of the beam along x and y, rad.
///   - measured: The deflection of each frame in the detector frame, rad; a constant one, from descan
///     or specimen, does not matter.
///   - variance: Of one component of each measured deflection by counting, rad²; nil if unknown.
/// - Throws: ``TiltCalibrationError``.
public func calibrateDeflection(
  tilts: [Vector2], measured: [Vector2], variance: [Double]?
) throws(TiltCalibrationError) -> TiltCalibration {
  precondition(tilts.count == measured.count, "one measurement per tilt")
  if tilts.count < 3 { throw .tooFew(tilts.count) }
  let (t, m) = (centered(tilts), centered(measured))
  let (slope, v) = try response(of: m, to: t)
  guard let c = inverse(slope) else { throw .noResponse }
  let residuals = sumOfSquares(of: m, about: slope, t)
  let freedom = 2 * tilts.count - 6
  let scatter = freedom > 0 ? residuals / Double(freedom) : 0
  let counting = variance.map { $0.reduce(0, +) / Double($0.count) }
  if freedom == 0 && counting == nil { throw .noError }
  let sigma = max(scatter, counting ?? 0)
  let left = product(c, transposed(c))
  let right = product(transposed(c), product(v, c))
  var result = TiltCalibration(
    matrix: c, covariance: kronecker(left, right, factor: sigma), scale: Measurement(0),
    rotation: Measurement(0), anisotropy: 0,
    residual: (residuals / Double(2 * tilts.count)).squareRoot(),
    reducedChiSquare: counting.flatMap { $0 > 0 && freedom > 0 ? scatter / $0 : nil },
    tiltCount: tilts.count,
    largestTilt: t.reduce(0) { max($0, hypot($1.x, $1.y)) },
    isMirrored: c.xx * c.yy - c.xy * c.yx < 0)
  result.decompose()
  if let error = result.scale.error, error > largestRelativeError * result.scale.value {
    throw .noResponse
  }
  return result
}

/// M of measured = M · tilt by least squares, and V, the inverse of the tilts' scatter matrix; both about their means.
private func response(
  of measured: [Vector2], to tilts: [Vector2]
) throws(TiltCalibrationError) -> (slope: Matrix2, v: Matrix2) {
  var (xx, xy, yy) = (0.0, 0.0, 0.0)
  var response = Matrix2(xx: 0, xy: 0, yx: 0, yy: 0)
  for (a, b) in zip(tilts, measured) {
    xx += a.x * a.x
    xy += a.x * a.y
    yy += a.y * a.y
    response.xx += b.x * a.x
    response.xy += b.x * a.y
    response.yx += b.y * a.x
    response.yy += b.y * a.y
  }
  let determinant = xx * yy - xy * xy
  if !(determinant > 1e-6 * (xx + yy) * (xx + yy)) { throw .collinear }
  let v = Matrix2(
    xx: yy / determinant, xy: -xy / determinant, yx: -xy / determinant, yy: xx / determinant)
  return (product(response, v), v)
}

/// Of both components of the residuals, rad².
private func sumOfSquares(
  of measured: [Vector2], about slope: Matrix2, _ tilts: [Vector2]
) -> Double {
  var residuals = 0.0
  for (a, b) in zip(tilts, measured) {
    let predicted = slope(a.x, a.y)
    residuals += (b.x - predicted.x) * (b.x - predicted.x)
    residuals += (b.y - predicted.y) * (b.y - predicted.y)
  }
  return residuals
}

/// A scale that is known no better may be that of noise: its relative error is half that of the response in the direction
/// of the weaker one, which then is less than five standard deviations.
private let largestRelativeError = 0.1

extension TiltCalibration {
  /// Scale, rotation and shear of C with their errors.
  fileprivate mutating func decompose() {
    let sign = isMirrored ? -1.0 : 1
    // A mirrored C is the rotation times a reversal of the measured y axis.
    let c = matrix
    let along = c.xx + sign * c.yy
    let across = c.yx - sign * c.xy
    let determinant = c.xx * c.yy - c.xy * c.yx
    let value = abs(determinant).squareRoot()
    let byScale = [c.yy, -c.yx, -c.xy, c.xx].map { $0 / (2 * determinant) * value }
    let square = along * along + across * across
    let byAngle = [-across, -sign * along, along, -sign * across].map { $0 / square }
    scale = Measurement(value, error: error(byScale))
    rotation = Measurement(atan2(across, along), error: error(byAngle))
    let norm = c.xx * c.xx + c.xy * c.xy + c.yx * c.yx + c.yy * c.yy
    let root = max(0, norm * norm - 4 * determinant * determinant).squareRoot()
    anisotropy = ((norm + root) / (norm - root)).squareRoot() - 1
  }

  private func error(_ gradient: [Double]) -> Double {
    var sum = 0.0
    for i in 0..<4 {
      for k in 0..<4 { sum += gradient[i] * gradient[k] * covariance[i * 4 + k] }
    }
    return max(0, sum).squareRoot()
  }
}

private func centered(_ values: [Vector2]) -> [Vector2] {
  let count = Double(values.count)
  let x = values.reduce(0) { $0 + $1.x } / count
  let y = values.reduce(0) { $0 + $1.y } / count
  return values.map { .init(x: $0.x - x, y: $0.y - y) }
}

private func product(_ a: Matrix2, _ b: Matrix2) -> Matrix2 {
  Matrix2(
    xx: a.xx * b.xx + a.xy * b.yx, xy: a.xx * b.xy + a.xy * b.yy,
    yx: a.yx * b.xx + a.yy * b.yx, yy: a.yx * b.xy + a.yy * b.yy)
}

private func transposed(_ m: Matrix2) -> Matrix2 {
  Matrix2(xx: m.xx, xy: m.yx, yx: m.xy, yy: m.yy)
}

/// nil where the matrix hardly responds in one direction.
private func inverse(_ m: Matrix2) -> Matrix2? {
  let determinant = m.xx * m.yy - m.xy * m.yx
  let norm = m.xx * m.xx + m.xy * m.xy + m.yx * m.yx + m.yy * m.yy
  guard determinant.isFinite, abs(determinant) > 1e-3 * norm else { return nil }
  return Matrix2(
    xx: m.yy / determinant, xy: -m.xy / determinant, yx: -m.yx / determinant,
    yy: m.xx / determinant)
}

/// Covariance of (xx, xy, yx, yy) from those of rows and columns.
private func kronecker(_ rows: Matrix2, _ columns: Matrix2, factor: Double) -> [Double] {
  let (a, b) = (
    [rows.xx, rows.xy, rows.yx, rows.yy], [columns.xx, columns.xy, columns.yx, columns.yy]
  )
  var result: [Double] = []
  for i in 0..<4 {
    for k in 0..<4 { result.append(factor * a[i / 2 * 2 + k / 2] * b[i % 2 * 2 + k % 2]) }
  }
  return result
}
