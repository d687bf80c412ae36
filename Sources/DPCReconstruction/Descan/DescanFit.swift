// Fits the surface of descan to a deflection map, or to the parts of it that hold no field.
internal import Glibc
public import STEMCore

/// A fitted surface and how well it describes the pixels.
public struct DescanFit: Sendable, Equatable {
  public var surface: DescanSurface
  /// Pixels that were looked at.
  public var pixelCount: Int
  /// Σ over both components of the squared residuals, robust weights apart, rad².
  public var sumOfSquares: Double
  /// Squared residuals over what counting makes, per degree of freedom; nil without counting errors.
  public var reducedChiSquare: Double?
  /// Share of the pixels' weight that the robust fit took away, 0...1; 0 for plain least squares.
  public var rejectedShare: Double

  /// Of both components together.
  public var degreesOfFreedom: Int { 2 * (pixelCount - surface.degree.termCount) }
}

/// Why no surface can be fitted.
public enum DescanFitError: Error, Sendable, CustomStringConvertible {
  case tooFewPixels(Int, needed: Int)
  /// The pixels lie on a line, or in too small a part of the scan.
  case undetermined(DescanSurface.Degree)

  public var description: String {
    switch self {
    case .tooFewPixels(let count, let needed):
      return "\(count) usable pixels, where \(needed) are needed at least"
    case .undetermined(let degree):
      return "the pixels lie so that no \(degree == .plane ? "plane" : "quadratic surface") is"
        + " determined by them"
    }
  }
}

/// Fits a surface to usable pixels by least squares, plain or robust.
///
/// The robust fit reweights: three steps with Huber's weights from the plain solution, then Tukey's
/// biweight w = (1 - r²/(cs)²)² until nothing changes, r the length of a residual vector and c = 5. The
/// scale s of one component is that of counting, or the median length over √(2 ln 2) where that is
/// larger. Pixels that hold a field, walls for instance, then lose their weight as long as they are
/// the minority in the region.
///
/// - Parameters:
///   - map: Deflection in the detector frame, rad.
///   - degree: Of the surface. A side of one pixel has no slope along it.
///   - selection: One flag per position, whether it may be used; nil is all of them.
///   - isRobust: Whether pixels that do not fit lose weight.
/// - Returns: The surface, its covariance from the scatter of the pixels about it: of plain least squares,
///   or that of an M-estimator (the sandwich of its weights). Pixels are taken for independent.
/// - Throws: ``DescanFitError``.
public func fitDescan(
  to map: VectorMap, degree: DescanSurface.Degree, selection: [Bool]? = nil, isRobust: Bool = false
) throws(DescanFitError) -> DescanFit {
  precondition(selection.map { $0.count == map.shape.count } ?? true, "one flag per position")
  var positions: [Int] = []
  positions.reserveCapacity(map.shape.count)
  for position in 0..<map.shape.count where map.mask.isUsable(position) {
    if selection?[position] ?? true { positions.append(position) }
  }
  let needed = max(degree.termCount, 3)
  if positions.count < needed { throw .tooFewPixels(positions.count, needed: needed) }
  var work = DescanFitting(map: map, positions: positions, degree: degree)
  try work.solve(weight: { _ in 1 })
  let plain = work.residualSum()
  let degreesOfFreedom = Double(max(2 * positions.count - 2 * degree.termCount, 1))
  let countingVariance = map.covariance.map { covariance in
    positions.reduce(0) { $0 + (covariance.xx[$1] + covariance.yy[$1]) / 2 }
      / Double(positions.count)
  }
  var covariance = work.inverse.map { $0 * plain / degreesOfFreedom }
  if degreesOfFreedom < DescanFitting.smallSample, let countingVariance {
    covariance = work.inverse.map { $0 * max(plain / degreesOfFreedom, countingVariance) }
  }
  var (rejected, sum) = (0.0, plain)
  if isRobust {
    (covariance, rejected) = try work.iterate(countingVariance: countingVariance)
    sum = work.residualSum()
  }
  return DescanFit(
    surface: work.surface(covariance: covariance), pixelCount: positions.count, sumOfSquares: sum,
    reducedChiSquare: countingVariance.flatMap { $0 > 0 ? sum / $0 / degreesOfFreedom : nil },
    rejectedShare: rejected)
}

/// Probability that pure noise improves a quadratic over a plane as much as seen: the F test.
///
/// With ν₁ even the incomplete beta function of the F distribution is a finite sum.
public func chanceOfQuadratic(plane: DescanFit, quadratic: DescanFit) -> Double {
  let extra = Double(plane.degreesOfFreedom - quadratic.degreesOfFreedom)
  let rest = Double(quadratic.degreesOfFreedom)
  guard extra >= 2, rest > 0, quadratic.sumOfSquares > 0 else { return 1 }
  let gain = max(0, plane.sumOfSquares - quadratic.sumOfSquares) / quadratic.sumOfSquares
  let logZ = -log1p(gain)
  let complement = -expm1(logZ)
  var term = 1.0
  var sum = 1.0
  for i in 1..<max(Int(extra / 2), 1) {
    term *= (rest / 2 + Double(i) - 1) / Double(i) * complement
    sum += term
  }
  return min(1, exp(rest / 2 * logZ) * sum)
}
