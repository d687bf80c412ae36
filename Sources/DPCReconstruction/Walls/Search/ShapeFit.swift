// Least squares of a wall's shape to the pixels beside a line.

internal import CKernels
internal import STEMCore

/// A wall of free amplitude beside a constant and a slope across it.
struct ShapeFit {
  // Sums of the weights times the products of shape t, distance u in widths and value y that they are named for.
  private let one: Double
  private let u: Double
  private let uu: Double
  private let t: Double
  private let tu: Double
  private let tt: Double
  private let y: Double
  private let yu: Double
  private let yt: Double
  private let yy: Double

  /// - Parameters:
  ///   - line: Its azimuth, place and width.
  ///   - pixels: All that take part.
  init(
    _ line: WallLine, _ pixels: WallPixels, _ geometry: InclinationGeometry,
    width: KernelWidth = .widest
  ) {
    var shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth).inC
    let (n, direction) = (line.normal, fieldComponent(geometry.direction, line.normal))
    var axes = wall_axes(
      normal_x: n.x, normal_y: n.y, direction_x: direction.x, direction_y: direction.y)
    var sums = [Double](repeating: 0, count: Int(wall_sums))
    pixels.checkLists()
    // SAFETY: the kernel reads as many pixels as there are and writes the sums, and it keeps no pointer.
    wall_add_up(
      &shape, &axes, line.position, 1 / geometry.projectedWidth(sechWidth: line.sechWidth),
      pixels.x,
      pixels.y, pixels.valueX, pixels.valueY, pixels.varianceX, pixels.varianceY,
      pixels.covariance, pixels.count, &sums, width.inC)
    (one, u, uu, t, tu) = (sums[0], sums[1], sums[2], sums[3], sums[4])
    (tt, y, yu, yt, yy) = (sums[5], sums[6], sums[7], sums[8], sums[9])
  }

  /// Gain in χ² and amplitude of the wall; χ² per degree of freedom, which lowers the gain as it widens the errors.
  func result(freedom: Double) -> (gain: Double, amplitude: Double, misfit: Double) {
    let determinant = one * uu - u * u
    guard determinant > 1e-9 * one * uu else { return (0, 0, 1) }
    func projected(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
      (uu * a * c - u * (a * d + b * c) + one * b * d) / determinant
    }
    let information = tt - projected(t, tu, t, tu)
    let overlap = yt - projected(t, tu, y, yu)
    let power = yy - projected(y, yu, y, yu)
    guard information > 1e-6 * tt else { return (0, 0, 1) }
    let gain = overlap * overlap / information
    let misfit = max(1, (power - gain) / max(1, freedom))
    return (gain / misfit, overlap / information, misfit)
  }
}
