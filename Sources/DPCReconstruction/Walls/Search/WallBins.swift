// The pixels of a map in bins along and across one azimuth, and what walls of one width gain there.

internal import CKernels
internal import STEMCore

/// Sums of weights and of weighted values: for each place along the normal, some blocks along the line.
struct WallBins {
  /// Parts into which the frame is cut along a line.
  static let blocks = Int(wall_blocks)

  private let width: KernelWidth
  private let places: Int
  /// Block after block of place after place.
  private let weights: [Double]
  private let values: [Double]

  /// - Parameters:
  ///   - pixels: Of the map.
  ///   - n: The normal.
  ///   - direction: Of the component of the field.
  ///   - reach: Of the frame along the normal and across it, m.
  ///   - step: From place to place, m.
  ///   - places: How many there are.
  init(
    _ pixels: WallPixels, _ n: (x: Double, y: Double), _ direction: (x: Double, y: Double),
    _ reach: (u: Double, v: Double), step: Double, places: Int, width: KernelWidth = .widest
  ) {
    (self.places, self.width) = (places, width)
    let count = places * Self.blocks
    var axes = wall_axes(
      normal_x: n.x, normal_y: n.y, direction_x: direction.x, direction_y: direction.y)
    var grid = wall_grid(reach_u: reach.u, reach_v: reach.v, step: step, places: Int32(places))
    // Weight and weighted value of a bin side by side.
    var sums = [Double](repeating: 0, count: 2 * count)
    pixels.checkLists()
    // SAFETY: the kernel reads as many pixels as there are and writes the bins of so many places; it keeps no pointer.
    wall_bins_add(
      pixels.x, pixels.y, pixels.valueX, pixels.valueY, pixels.varianceX, pixels.varianceY,
      pixels.covariance, pixels.count, &axes, &grid, &sums, width.inC)
    weights = (0..<count).map { sums[2 * $0] }
    values = (0..<count).map { sums[2 * $0 + 1] }
  }

  /// Holds a unit wall against the values, beside a constant that is free in every block.
  ///
  /// - Parameters:
  ///   - place: Of the wall.
  ///   - heights: Of the wall at the bins around it, its own in the middle.
  ///   - match: Gets what is found.
  func match(at place: Int, _ heights: [Double], _ match: inout WallMatchInBlocks) {
    let reach = heights.count / 2
    let first = max(0, place - reach)
    let end = min(places, place + reach + 1)
    precondition(0 <= place && place < places && heights.count == 2 * reach + 1, "a wall in reach")
    // SAFETY: of bins and heights the kernel reads those in reach, and it writes a number for each block.
    heights.withUnsafeBufferPointer { heights in
      guard let unit = heights.baseAddress else { return }
      match.largestGain = wall_bins_match(
        weights, values, Int32(first), Int32(end), unit + (first - place + reach), &match.overlap,
        &match.information, width.inC)
    }
  }
}

/// What a unit wall would gain in χ², block by block.
struct WallMatchInBlocks {
  fileprivate(set) var overlap = [Double](repeating: 0, count: WallBins.blocks)
  fileprivate(set) var information = [Double](repeating: 0, count: WallBins.blocks)
  /// No run of blocks gains more: the sum of what the blocks gain one by one (Cauchy and Schwarz). Infinite where
  /// rounding left an overlap without information.
  fileprivate(set) var largestGain = 0.0

  var bestPiece: (gain: Double, range: Range<Int>, amplitude: Double)? {
    DPCReconstruction.bestPiece(overlap, information)
  }
}

/// The run of blocks whose joint amplitude gains most in χ².
func bestPiece(
  _ overlap: [Double], _ information: [Double]
) -> (gain: Double, range: Range<Int>, amplitude: Double)? {
  var best: (gain: Double, range: Range<Int>, amplitude: Double)?
  let enough = 1e-9 * information.reduce(0, +)
  for first in overlap.indices {
    var (sum, total) = (0.0, 0.0)
    for last in first..<overlap.count {
      sum += overlap[last]
      total += information[last]
      guard total > enough else { continue }
      let gain = sum * sum / total
      if gain > (best?.gain ?? 0) { best = (gain, first..<(last + 1), sum / total) }
    }
  }
  return best
}
