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

/// What becomes of pixels that do not lie on the surface.
public enum DescanWeights: Sendable {
  /// All pixels count alike, and all of them are taken to lie on the surface.
  case noStructure
  /// All pixels count alike, and what goes on over parts of the scan makes the surface uncertain.
  case equal
  /// Cells of pixels that do not lie on it lose their weight.
  case robust
}

/// Fits a surface to usable pixels by least squares, plain or robust.
///
/// The robust fit reweights means over cells of pixels, 32 or more to a side: eight steps with Huber's weights from the
/// plain solution, then Tukey's biweight w = (1 - r²/(cs)²)² until nothing changes, r the length of a residual vector
/// and c = 5. The scale s of one component is that of counting, or the median length over √(2 ln 2) where that is
/// larger. At last cells beyond 4.1 scales are left out, and two more beside each, where a wall's tails are. What holds a
/// field, walls for instance, has no weight then, as long as it is the minority in the region; in means over a cell shows
/// what a pixel's noise would hide.
///
/// - Parameters:
///   - map: Deflection in the detector frame, rad.
///   - degree: Of the surface. A side of one pixel has no slope along it.
///   - selection: One flag per position, whether it may be used; nil is all of them.
///   - weights: Whether pixels that do not fit lose weight, and what they mean for the error.
/// - Returns: The surface, and its covariance: without structure from the scatter of the pixels about it; else the
///   sandwich of its weights, of cells or of parts of the scan, whichever is larger beyond chance. Pixels are taken
///   for independent.
/// - Throws: ``DescanFitError``.
public func fitDescan(
  to map: VectorMap, degree: DescanSurface.Degree, selection: [Bool]? = nil,
  weights: DescanWeights = .noStructure
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
  let degreesOfFreedom = Double(max(2 * positions.count - 2 * degree.termCount, 1))
  let countingVariance = map.covariance.map { covariance in
    positions.reduce(0) { $0 + (covariance.xx[$1] + covariance.yy[$1]) / 2 }
      / Double(positions.count)
  }
  var sum = work.residualSum()
  var variance = sum / degreesOfFreedom
  let isSmall = degreesOfFreedom < DescanFitting.smallSample
  if isSmall, let countingVariance { variance = max(variance, countingVariance) }
  var covariance = work.inverse.map { $0 * variance }
  var rejected = 0.0
  if weights != .noStructure {
    let cells = DescanCells(map: map, positions: positions, degree: degree)
    if weights == .robust {
      let fit = try cells.robustFit(
        from: (work.x, work.y), countingVariance: countingVariance)
      work.replace(x: fit.x, y: fit.y)
      sum = work.residualSum()
      (covariance, rejected) = (fit.covariance, fit.rejectedShare)
    } else if !isSmall {
      covariance = cells.covariance(of: work.x, work.y, inverse: work.inverse)
    }
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
