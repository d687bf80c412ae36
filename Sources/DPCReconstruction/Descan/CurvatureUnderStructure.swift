// Whether most of a map lies on a curved surface: descan that nobody removed looks like that.
internal import Glibc
public import STEMCore

/// The curvature of a quadratic surface that carries most of a map, where a plane does not.
///
/// Both are fitted robustly to means over cells, and the middle one of the cells' distances from each tells how well it
/// carries them: walls and inclusions are far from both and do not count. A wide wall curves the map too, along its
/// normal: a surface that is curved along one direction only counts where nothing but noise is left of it. Walls of
/// two fifths of the frame's width, and inclusions of a half, may still pass for such a surface.
public struct CurvatureUnderStructure: Sendable, Equatable {
  /// Root mean square over the frame of what the surface has beyond its best plane, both components together, in the
  /// map's unit.
  public var curvature: Double

  /// So many times as far as from the quadratic are the cells from the plane; of noise alone 1.
  private static let leastGain = 2.5
  /// Of that gain so much must stay beyond what the cells left of the surface have in common with their neighbors.
  private static let leastExcess = 1.5
  /// A second direction has at least this part of the curvature of the first; a wall alone has none.
  private static let secondDirection = 0.25
  /// Neighboring cells of noise differ by as much as they scatter; walls beside them add up to a tenth.
  private static let noiseOnly = 1.2

  /// Where neighbors differ by nearly as much as cells scatter about a plane, no quadratic lies so many times closer:
  /// about it they would scatter by less than seven tenths of what they differ.
  private static let leastPlane = 0.7 * 0.7 * leastGain * leastGain

  /// Cells a quadratic must be told from.
  private static let leastCells = 100
  /// Rows looked at: cells are means of 4 rows or more, as far as there are so many.
  private static let rowCount = 128

  /// - Parameter map: Any unit; masked positions are left out.
  /// - Returns: nil where a plane carries the map as well, or nothing carries most of it.
  public init?(_ map: VectorMap) {
    let quadratic = DescanCells(map: map, positions: Self.positions(map), degree: .quadratic)
    guard quadratic.counts.count >= Self.leastCells else { return nil }
    let plane = quadratic.restricted(to: .plane)
    guard let simple = try? plane.leastSquares(),
      simple.scale > Self.leastPlane * plane.differences(from: simple.x, simple.y),
      let flat = try? plane.robustSurface(from: simple),
      let curved = try? quadratic.robustSurface(from: quadratic.leastSquares()),
      curved.scale > 0
    else { return nil }
    let gain = (flat.scale / curved.scale).squareRoot()
    let variance = quadratic.differences(from: curved.x, curved.y)
    guard gain > Self.leastGain, variance > 0 else { return nil }
    let roughness = (curved.scale / variance).squareRoot()
    let isShown =
      Self.second(curved.x, curved.y) > Self.secondDirection
      ? gain > Self.leastExcess * roughness : roughness < Self.noiseOnly
    guard isShown else { return nil }
    curvature = hypot(Self.curvature(curved.x), Self.curvature(curved.y))
  }

  private static func positions(_ map: VectorMap) -> [Int] {
    let step = max(1, map.shape.rows / rowCount)
    return stride(from: 0, to: map.shape.rows, by: step).flatMap { row in
      (row * map.shape.columns..<(row + 1) * map.shape.columns).filter(map.mask.isUsable)
    }
  }

  /// Root mean square of a s² + b st + c t² without its mean over -1...1 both ways: the means of s⁴ - s²² are 4/45,
  /// of s²t² 1/9.
  private static func curvature(_ terms: [Double]) -> Double {
    (4.0 / 45 * (terms[3] * terms[3] + terms[5] * terms[5]) + terms[4] * terms[4] / 9).squareRoot()
  }

  /// The lesser curvature over the greater: singular values of the second derivatives of both components, one above
  /// the other.
  ///
  /// What varies along one normal has none across it, whatever its component.
  private static func second(_ x: [Double], _ y: [Double]) -> Double {
    let rows = [(2 * x[3], x[4]), (x[4], 2 * x[5]), (2 * y[3], y[4]), (y[4], 2 * y[5])]
    let xx = rows.reduce(0) { $0 + $1.0 * $1.0 }
    let xy = rows.reduce(0) { $0 + $1.0 * $1.1 }
    let yy = rows.reduce(0) { $0 + $1.1 * $1.1 }
    let (mean, half) = ((xx + yy) / 2, hypot((xx - yy) / 2, xy))
    return mean > 0 ? (max(0, mean - half) / (mean + half)).squareRoot() : 0
  }
}
