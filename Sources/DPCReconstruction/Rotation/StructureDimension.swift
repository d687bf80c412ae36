// Whether a vector map has structure in two directions anywhere, or only walls, each varying along one.
internal import Glibc
public import STEMCore

/// How much of a map's variation is two-dimensional where it happens.
public struct StructureDimension: Sendable, Equatable {
  /// Twice the smaller eigenvalue of the local gradient tensor over its trace, weighted by the
  /// trace, noise taken off: 0 for walls, straight over the window or meeting at corners; 1/3 and
  /// more around charges; 1 where no direction is preferred.
  public var twoDimensionalShare: Double
  /// The part of the pixels whose gradient stands five standard deviations above its noise.
  public var coveredShare: Double
  /// Standard deviation of the Gaussian at which the gradient was taken, in the finer pixels.
  public var smoothing: Double

  /// Whether charges, not walls, must have made the structure.
  ///
  /// Smoothing as wide as the walls themselves rounds their corners and blurs neighbors together:
  /// from three pixels on more is asked for.
  public var isTwoDimensional: Bool { twoDimensionalShare >= (smoothing < 3 ? 0.25 : 0.5) }
}

/// Looks for two-dimensional structure at the finest smoothing that lifts half of it above noise.
///
/// A wall, whatever its direction and the field it carries, varies along its normal only. A field
/// f(n·r) t is free of curl when t ∥ n and free of divergence when t ⟂ n, so that no rotation of the
/// vectors can be told from it. The tensor of gradients Σ (∂ᵢv·∂ⱼv), averaged over a window half as
/// wide again as the smoothing, has one eigenvalue there; around a charge it has two. What noise
/// adds to the tensor is alike everywhere and is taken off. The vectors of the map may be turned or
/// mirrored: the tensor does not change.
///
/// From three pixels of smoothing on the gradients are those of means over cells of two, from six of
/// four pixels, and the Gaussian is narrower by the variance of a cell: both together differ from a
/// Gaussian on the pixels by less than 1e-4 of any wave that it lets through, and pass less than 2e-5
/// of those that the cells could take for longer ones. Of maps with 2¹⁹ cells or more a part decides which
/// smoothing is taken, spread over the frame; the numbers given are those of the whole map.
/// - Parameters:
///   - map: A vector per scan position, any unit, filled where masked.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: nil where no smoothing that fits the scan lifts the gradients above the noise.
public func structureDimension(
  of map: VectorMap, noiseFactor: Double = 1
) -> StructureDimension? {
  let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
  let finest = min(pixel.x, pixel.y)
  let variance = noiseFactor * (meanVariance(of: map) ?? varianceOfFinestStructure(of: map))
  var cells = CellMeans(of: map, sideX: 1, sideY: 1)
  for smoothing in [1.0, 1.5, 2, 3, 4, 6, 8] {
    let sigma = (x: smoothing * finest / pixel.x, y: smoothing * finest / pixel.y)
    guard 3 * GradientKernel.reach(sigma.x) < map.shape.columns,
      3 * GradientKernel.reach(sigma.y) < map.shape.rows
    else { break }
    let sides = (CellMeans.side(forSigma: sigma.x), CellMeans.side(forSigma: sigma.y))
    if sides != (cells.sideX, cells.sideY) {
      cells = CellMeans(of: map, sideX: sides.0, sideY: sides.1)
    }
    let gradients = SmoothGradients(cells, sigma: sigma, pixel: pixel, variance: variance)
    // With more noise than structure the eigenvalues of noise are what a window shows.
    guard let share = gradients.noiseShare(), share <= 0.5 else { continue }
    let structure = gradients.structure()
    return StructureDimension(
      twoDimensionalShare: structure.twoDimensionalShare, coveredShare: structure.coveredShare,
      smoothing: smoothing)
  }
  return nil
}

/// The mean of xx + yy over usable pixels; nil without counting statistics.
func meanVariance(of map: VectorMap) -> Double? {
  guard let covariance = map.covariance,
    let (xx, yy) = usableMeans(covariance.xx, covariance.yy, map.mask)
  else { return nil }
  return xx + yy
}

/// An upper bound of the noise, xx + yy: the power of the second difference along both axes, to
/// which independent pixels contribute 36 times their variance and smooth structure next to nothing.
func varianceOfFinestStructure(of map: VectorMap) -> Double {
  let (rows, columns) = (map.shape.rows, map.shape.columns)
  guard rows >= 3, columns >= 3 else { return 0 }
  let count = (rows - 2) * (columns - 2)
  func power(_ plane: [Double]) -> Double {
    orderedSum(count) { place in
      let first = place / (columns - 2) * columns + place % (columns - 2)
      func second(_ index: Int) -> Double {
        plane[index] - 2 * plane[index + 1] + plane[index + 2]
      }
      let mixed =
        second(first) - 2 * second(first + columns) + second(first + 2 * columns)
      return mixed * mixed
    }
  }
  return (power(map.field.x) + power(map.field.y)) / (36 * Double(count))
}
