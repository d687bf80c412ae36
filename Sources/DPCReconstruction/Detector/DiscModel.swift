// Expected counts of the empty beam on every segment, and how they depend on what is to be calibrated.
internal import Glibc
internal import STEMCore

/// Parameters: ln g of each segment, center x and y, α, and for scans the four slopes of descan
/// (x along s, y along s, x along t, y along t), rad.
struct DiscModel {
  /// Share of the beam below which a segment is dark.
  private static let litShare = 2e-5
  /// Smallest variance of a sum of counts: an empty segment is known no better than this.
  private static let smallestVariance = 0.25
  /// Share of the beam that no model of the disc predicts better.
  private static let modelError = 1e-6

  let blocks: VacuumBlocks
  let segmentCount: Int
  let hasSlopes: Bool
  let size: Int
  /// Segments with hardly a share of the beam.
  let unlitSegments: [Int]
  /// Whether the disc lies within the innermost ring: no signal then depends on where its rim is.
  let isRimHidden: Bool
  private let segments: [DetectorSegment]
  private let orientation: Double

  init(blocks: VacuumBlocks, detector: SegmentedDetector) {
    self.blocks = blocks
    segmentCount = detector.segments.count
    hasSlopes = blocks.counts.count > 3
    size = segmentCount + 3 + (hasSlopes ? 4 : 0)
    unlitSegments = Self.unlit(blocks)
    (segments, isRimHidden) = Self.opened(detector, unlit: unlitSegments)
    orientation = detector.orientation
  }

  /// Segments that receive less than the smallest share.
  private static func unlit(_ blocks: VacuumBlocks) -> [Int] {
    let total = blocks.counts.reduce(0) { $0 + $1.reduce(0, +) }
    let count = blocks.counts.first?.count ?? 0
    return (0..<count).filter { j in
      blocks.counts.reduce(0) { $0 + $1[j] } < litShare * total
    }
  }

  /// Where whole outer rings are dark the rim lies in the outermost lit ring or on its boundary: that
  /// ring is taken to reach outwards without end, so that nothing seems to be known of the distance
  /// between the two.
  private static func opened(
    _ detector: SegmentedDetector, unlit: [Int]
  ) -> (segments: [DetectorSegment], isRimHidden: Bool) {
    var segments = detector.segments
    let tolerance = SegmentedDetector.angleTolerance
    let lit = segments.indices.filter { !unlit.contains($0) }
    let edge = lit.map { segments[$0].outer }.max() ?? 0
    let beyond = segments.indices.filter { segments[$0].inner > edge - tolerance }
    if beyond.isEmpty { return (segments, false) }
    let innermost = segments.map(\.inner).min() ?? 0
    let isRimHidden = lit.allSatisfy { segments[$0].inner < innermost + tolerance }
    // Farther than any disc whose center lies on the detector.
    let far = 10 * detector.outerAngle
    for index in segments.indices where segments[index].outer > edge - tolerance {
      let isBeyond = beyond.contains(index)
      segments[index].outer = isBeyond ? 2 * far : far
      if isBeyond { segments[index].inner = far }
    }
    return (segments, isRimHidden)
  }

  private func disc(_ p: [Double], at point: VacuumBlocks.Point) -> CalibrationDisc {
    let first = segmentCount
    var disc = CalibrationDisc(x: p[first], y: p[first + 1], radius: p[first + 2])
    if hasSlopes {
      disc.x += p[first + 3] * point.s + p[first + 5] * point.t
      disc.y += p[first + 4] * point.s + p[first + 6] * point.t
    }
    return disc
  }

  private func signals(_ p: [Double], _ disc: CalibrationDisc) -> [Double] {
    segments.indices.map {
      exp(p[$0]) * disc.share(on: segments[$0], orientation: orientation)
    }
  }

  /// Relative signals of a block: means over the points that stand for it.
  func signals(_ p: [Double], block: Int) -> [Double] {
    let points = blocks.points[block]
    var sum = [Double](repeating: 0, count: segmentCount)
    for point in points {
      let values = signals(p, disc(p, at: point))
      for j in sum.indices { sum[j] += values[j] / Double(points.count) }
    }
    return sum
  }

  func isInside(_ p: [Double]) -> Bool {
    blocks.points.allSatisfy { points in
      points.allSatisfy { point in
        let disc = disc(p, at: point)
        return disc.radius > 0 && hypot(disc.x, disc.y) < 0.9 * disc.radius
      }
    }
  }

  /// Derivatives of a block's signals by center x, y, α and the slopes: [parameter][segment].
  private func discDerivatives(_ p: [Double], block: Int) -> [[Double]] {
    let points = blocks.points[block]
    let zeros = [Double](repeating: 0, count: segmentCount)
    var sums = [[Double]](repeating: zeros, count: size - segmentCount)
    for point in points {
      let center = disc(p, at: point)
      let step = 1e-6 * center.radius
      func derivative(_ key: WritableKeyPath<CalibrationDisc, Double>) -> [Double] {
        var (up, down) = (center, center)
        up[keyPath: key] += step
        down[keyPath: key] -= step
        return zip(signals(p, up), signals(p, down)).map { ($0 - $1) / (2 * step) }
      }
      let (x, y, radius) = (derivative(\.x), derivative(\.y), derivative(\.radius))
      let factors: [([Double], Double)] =
        [(x, 1.0), (y, 1), (radius, 1)]
        + (hasSlopes ? [(x, point.s), (y, point.s), (x, point.t), (y, point.t)] : [])
      for (index, factor) in factors.enumerated() {
        for j in zeros.indices {
          sums[index][j] += factor.0[j] * factor.1 / Double(points.count)
        }
      }
    }
    return sums
  }

  /// Expected counts of a block and their derivatives by all parameters, [segment][parameter].
  func counts(_ p: [Double], block: Int) -> (counts: [Double], slopes: [[Double]]) {
    let values = signals(p, block: block)
    let total = values.reduce(0, +)
    let electrons = electrons(block)
    let byDisc = discDerivatives(p, block: block)
    let sums = byDisc.map { $0.reduce(0, +) }
    let slopes = values.indices.map { j in
      let share = values[j] / total
      let byGain = values.indices.map { k in share * ((j == k ? 1 : 0) - values[k] / total) }
      let others = byDisc.indices.map { (byDisc[$0][j] - share * sums[$0]) / total }
      return (byGain + others).map { $0 * electrons }
    }
    return (values.map { $0 / total * electrons }, slopes)
  }

  func electrons(_ block: Int) -> Double { blocks.counts[block].reduce(0, +) }

  /// Variance of a sum of counts: Poisson's, and what a uniform disc leaves out.
  func variance(_ expected: Double, block: Int) -> Double {
    let neglect = Self.modelError * electrons(block)
    return max(expected, Self.smallestVariance) + neglect * neglect
  }
}
