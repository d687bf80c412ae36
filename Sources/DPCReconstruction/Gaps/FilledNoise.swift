// Noise of a field whose unusable pixels were filled in: what they owe to their neighbors.
public import STEMCore

/// The noise that waves find in a filled field, over that of a field without gaps.
///
/// A filled pixel is a mean of usable ones, weighted by what ``filled(_:)`` takes of each. So the noise of usable
/// pixel j enters once at its place and, with weights that add up to c(j) - 1, at filled pixels around it. Taking these
/// for its next neighbors, a wave q finds 1 + (c(j) - 1) h(q) of it, with
///
///     h(q) = (w_x cos q_x + w_y cos q_y)/(w_x + w_y)
///
/// q in rad per pixel and w the weights of Laplace's equation. The weights of each filled pixel add up to one, so
/// that the mean of the squares over all positions is
///
///     S(q) = u + 2 (1 - u) h(q) + d h(q)²
///
/// with u the share of usable pixels and d the sum of (c(j) - 1)² over the number of all. Beside areas many pixels wide the
/// noise of the rim reaches farther than that: there S is too small.
public struct FilledNoise: Sendable, Equatable {
  /// u.
  let usableShare: Double
  /// d.
  let lentPower: Double
  /// Weights of Laplace's equation over their sum.
  let weightX: Double
  let weightY: Double

  /// Of a field without gaps.
  public static let none = FilledNoise(usableShare: 1, lentPower: 0, weightX: 0.5, weightY: 0.5)

  var isWhite: Bool { usableShare == 1 }

  /// S of a wave by the cosines of its phases per pixel.
  func power(_ cosineX: Double, _ cosineY: Double) -> Double {
    let next = weightX * cosineX + weightY * cosineY
    return max(0, usableShare + (2 * (1 - usableShare) + lentPower * next) * next)
  }

  /// The weight that filled pixels give to those around them, in the mean over the filled ones: a quarter for single
  /// pixels, a quarter of its side for a square of many.
  public var meanLoan: Double { isWhite ? 0 : lentPower / (1 - usableShare) }

  /// The noise of the longest waves over that without gaps.
  var uniformPower: Double { power(1, 1) }
}

/// How far each usable pixel's noise stands for that of filled ones too; see ``filled(_:)``.
///
/// - Parameters:
///   - mask: Of the field.
///   - pixelSize: As in the map that is filled.
/// - Returns: ``FilledNoise/none`` where nothing is masked.
/// - Throws: ``ReconstructionError/noUsablePixels`` where there is nothing to fill from.
/// - Complexity: As ``filled(_:)``.
public func filledNoise(
  of mask: PixelMask, pixelSize: PixelSize?
) throws(ReconstructionError) -> FilledNoise {
  let unusable = mask.unusableCount
  if unusable == 0 { return .none }
  if unusable == mask.shape.count { throw .noUsablePixels }
  var region = MaskedRegion(mask: mask, pixelSize: pixelSize)
  // Laplace's equation is symmetric: what all gaps together take of a neighbor are the values of one solution.
  let shares = region.solved(for: [SIMD2<Double>](repeating: SIMD2(1, 1), count: unusable))
  let count = Double(mask.shape.count)
  let sum = region.weightX + region.weightY
  return FilledNoise(
    usableShare: 1 - Double(unusable) / count,
    lentPower: lentPower(region, shares.map(\.x)) / count,
    weightX: region.weightX / sum, weightY: region.weightY / sum)
}

/// Σ (c - 1)² over the usable pixels, line by line: a gap adds to the lines above, of and below itself.
private func lentPower(_ region: MaskedRegion, _ shares: [Double]) -> Double {
  let (rows, columns) = (region.mask.shape.rows, region.mask.shape.columns)
  let empty = [Double](repeating: 0, count: columns)
  var (above, own, below) = (empty, empty, empty)
  var (gap, power) = (0, 0.0)
  for row in 0..<rows {
    while gap < shares.count, Int(region.pixels[gap]) < (row + 1) * columns {
      let (column, share) = (Int(region.pixels[gap]) - row * columns, shares[gap])
      if row > 0 { above[column] += region.weightY * share }
      if column > 0 { own[column - 1] += region.weightX * share }
      if column + 1 < columns { own[column + 1] += region.weightX * share }
      if row + 1 < rows { below[column] += region.weightY * share }
      gap += 1
    }
    if row > 0 { power += usablePower(above, region.mask, row - 1) }
    (above, own, below) = (own, below, empty)
  }
  return power + usablePower(above, region.mask, rows - 1)
}

private func usablePower(_ lent: [Double], _ mask: PixelMask, _ row: Int) -> Double {
  var sum = 0.0
  for column in lent.indices where lent[column] != 0 {
    if mask.isUsable(row * lent.count + column) { sum += lent[column] * lent[column] }
  }
  return sum
}
