// The pixels of a map in bins along and across one azimuth, and what walls of one width gain there.

internal import STEMCore

/// Sums of weights and of weighted values: for each place along the normal, sixteen blocks along the line.
struct WallBins {
  typealias Blocks = SIMD16<Double>

  /// Parts into which the frame is cut along a line.
  static let blocks = Blocks.scalarCount

  private var weights: [Blocks]
  private var values: [Blocks]

  /// Pixels that are looked at together: their arithmetic first, then the bins.
  private static let batch = 256

  /// - Parameters:
  ///   - pixels: Of the map.
  ///   - n: The normal.
  ///   - direction: Of the component of the field.
  ///   - reach: Of the frame along the normal and across it, m.
  ///   - step: From place to place, m.
  ///   - places: How many there are.
  init(
    _ pixels: WallPixels, _ n: (x: Double, y: Double), _ direction: (x: Double, y: Double),
    _ reach: (u: Double, v: Double), step: Double, places: Int
  ) {
    // Weight and weighted value of a bin side by side: one sum for both.
    var sums = [SIMD2<Double>](repeating: .zero, count: places * Self.blocks)
    let axes = LineAxes(n: n, direction: direction, reach: reach, step: step)
    let empty = [Double](repeating: 0, count: Self.batch)
    var (across, along, w, y) = (empty, empty, empty, empty)
    for first in stride(from: 0, to: pixels.count, by: Self.batch) {
      let range = first..<min(first + Self.batch, pixels.count)
      axes.place(
        pixels.x.span.extracting(range), pixels.y.span.extracting(range), &across, &along)
      axes.weigh(pixels, range, &w, &y)
      add(
        across.span.extracting(first: range.count), along.span, w.span, y.span, places: places,
        to: &sums)
    }
    weights = Self.grouped(sums, 0)
    values = Self.grouped(sums, 1)
  }

  /// One element of the sums, the blocks of a place together.
  private static func grouped(_ sums: [SIMD2<Double>], _ element: Int) -> [Blocks] {
    stride(from: 0, to: sums.count, by: blocks).map { first in
      var group = Blocks()
      for block in 0..<blocks { group[block] = sums[first + block][element] }
      return group
    }
  }

  /// Overlap with, and information on, a unit wall beside a free constant, in every block.
  ///
  /// - Parameters:
  ///   - place: Of the wall.
  ///   - heights: Of the wall at the bins around it, its own in the middle.
  func match(at place: Int, _ heights: [Double]) -> WallMatchInBlocks {
    let reach = heights.count / 2
    var (information, overlap) = (Blocks(), Blocks())
    var (level, mean, height) = (Blocks(), Blocks(), Blocks())
    for k in max(0, place - reach)...min(weights.count - 1, place + reach) {
      let t = heights[k - place + reach]
      let (w, y) = (weights[k], values[k])
      level += w
      mean += y
      height += t * w
      information += t * t * w
      overlap += t * y
    }
    let isSeen = level .> 0
    let share = height / level
    var rest = information - share * height
    rest.replace(with: Blocks(), where: rest .< 0)
    information.replace(with: rest, where: isSeen)
    overlap.replace(with: overlap - share * mean, where: isSeen)
    return WallMatchInBlocks(overlap: overlap, information: information)
  }
}

/// Puts pixels into their bins; what lies beyond the first or the last place belongs to it.
private func add(
  _ across: Span<Double>, _ along: Span<Double>, _ weights: Span<Double>, _ values: Span<Double>,
  places: Int, to sums: inout [SIMD2<Double>]
) {
  let (lastPlace, lastBlock) = (places - 1, WallBins.blocks - 1)
  var bins = sums.mutableSpan
  let count = across.count
  precondition(
    along.count >= count && weights.count >= count && values.count >= count, "lists of one length")
  for k in 0..<count {
    let place = min(max(Int(across[k]), 0), lastPlace)
    let block = min(max(Int(along[k]), 0), lastBlock)
    bins[place * WallBins.blocks + block] += SIMD2(weights[k], values[k])
  }
}

/// Pixels in the axes of a line; without a branch, so that the processor takes several at once.
private struct LineAxes {
  let n: (x: Double, y: Double)
  let direction: (x: Double, y: Double)
  let reach: (u: Double, v: Double)
  let step: Double

  /// Where pixels are: in places along the normal and in blocks along the line.
  func place(
    _ x: Span<Double>, _ y: Span<Double>, _ across: inout [Double], _ along: inout [Double]
  ) {
    let (nx, ny, reach, step) = (n.x, n.y, reach, step)
    let (blocks, width) = (Double(WallBins.blocks), 2 * reach.v)
    var us = across.mutableSpan
    var vs = along.mutableSpan
    let count = x.count
    precondition(y.count == count && us.count >= count && vs.count >= count, "lists of one length")
    for k in 0..<count {
      us[k] = (x[k] * nx + y[k] * ny + reach.u) / step
      vs[k] = (y[k] * nx - x[k] * ny + reach.v) / width * blocks
    }
  }

  /// The weights 1/σ² of the component, and the weighted component.
  func weigh(
    _ pixels: WallPixels, _ range: Range<Int>, _ weights: inout [Double],
    _ values: inout [Double]
  ) {
    let (dx, dy) = direction
    let (xx, yy, xy) = (dx * dx, dy * dy, 2 * dx * dy)
    let varianceX = pixels.varianceX.span.extracting(range)
    let varianceY = pixels.varianceY.span.extracting(range)
    let covariance = pixels.covariance.span.extracting(range)
    let valueX = pixels.valueX.span.extracting(range)
    let valueY = pixels.valueY.span.extracting(range)
    var w = weights.mutableSpan
    var y = values.mutableSpan
    let count = range.count
    precondition(
      varianceX.count == count && varianceY.count == count && covariance.count == count
        && valueX.count == count && valueY.count == count && w.count >= count && y.count >= count,
      "lists of one length")
    for k in 0..<count {
      let weight = 1 / (xx * varianceX[k] + yy * varianceY[k] + xy * covariance[k])
      w[k] = weight
      y[k] = weight * (dx * valueX[k] + dy * valueY[k])
    }
  }
}

/// What a unit wall would gain in χ², block by block.
struct WallMatchInBlocks {
  let overlap: WallBins.Blocks
  let information: WallBins.Blocks

  /// No run of blocks gains more: the sum of what the blocks gain one by one (Cauchy and Schwarz). Infinite where
  /// rounding left an overlap without information.
  var largestGain: Double {
    var gains = overlap * overlap / information
    gains.replace(with: 0, where: information .<= 0 .& (overlap .== 0))
    return gains.sum()
  }

  var bestPiece: (gain: Double, range: Range<Int>, amplitude: Double)? {
    let blocks = 0..<WallBins.blocks
    return DPCReconstruction.bestPiece(blocks.map { overlap[$0] }, blocks.map { information[$0] })
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
