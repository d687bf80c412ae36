// The coarse scan: lines of one width at every azimuth, place and length.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// Lines of one width: how finely their azimuths, places and lengths are tried.
struct WallScanLevel {
  let sechWidth: Double
  /// Full width at half maximum in the image, m.
  let imageWidth: Double
  let azimuths: Int
  /// Bins along the normal, m.
  let step: Double
  /// Independent places, azimuths and lengths, about.
  let places: Double

  /// Parts into which the frame is cut along a line.
  private static let blocks = 16

  static func levels(for pixels: WallPixels, geometry: InclinationGeometry) -> [WallScanLevel] {
    let diagonal = 2 * hypot(pixels.halfWidth, pixels.halfHeight)
    let widest = max(pixels.halfWidth, pixels.halfHeight) / 1.5
    var levels: [WallScanLevel] = []
    var w = 0.5 * pixels.step * geometry.cosine
    var last = 0.0
    while true {
      let width = geometry.projectedWidth(sechWidth: w)
      if width > widest && !levels.isEmpty { return levels }
      if width >= 2 * pixels.step, width > 1.35 * last || levels.isEmpty {
        levels.append(WallScanLevel(sechWidth: w, width: width, pixels.step, diagonal))
        last = width
      }
      if width > 100 * diagonal { return levels }
      w *= 1.1
    }
  }

  private init(sechWidth: Double, width: Double, _ pixel: Double, _ diagonal: Double) {
    self.sechWidth = sechWidth
    imageWidth = width
    azimuths = min(360, max(24, Int((Double.pi * diagonal / (1.2 * width)).rounded(.up))))
    step = max(pixel, width / 5)
    // Some forty lengths and places along a line are independent.
    places = Double(azimuths) / 2 * diagonal / width * 40
  }

  /// The line of this width that gains most in χ²; ties go to the smaller azimuth.
  func strongest(in pixels: WallPixels, geometry: InclinationGeometry) -> WallLine? {
    let found = concurrentMap(azimuths) { k in
      strongest(in: pixels, azimuth: Double(k) / Double(azimuths) * Double.pi, geometry)
    }
    return found.compactMap { $0 }.reduce(nil) { best, line in
      line.gain > (best?.gain ?? 0) ? line : best
    }
  }

  private func strongest(
    in pixels: WallPixels, azimuth: Double, _ geometry: InclinationGeometry
  ) -> WallLine? {
    let n = (x: cos(azimuth), y: sin(azimuth))
    let direction = fieldComponent(geometry.direction, n)
    let reachU = pixels.reach(along: n)
    guard imageWidth < reachU / 1.5 else { return nil }
    let reachV = pixels.reach(along: (-n.y, n.x))
    let places = Int((2 * reachU / step).rounded(.up)) + 1
    let blocks = Self.blocks
    var weights = [Double](repeating: 0, count: places * blocks)
    var values = weights
    for i in 0..<pixels.count {
      let u = Int((pixels.x[i] * n.x + pixels.y[i] * n.y + reachU) / step)
      let along = pixels.y[i] * n.x - pixels.x[i] * n.y + reachV
      let v = Int(along / (2 * reachV) * Double(blocks))
      let bin = min(max(u, 0), places - 1) * blocks + min(max(v, 0), blocks - 1)
      let (value, weight) = pixels.component(i, direction)
      weights[bin] += weight
      values[bin] += weight * value
    }
    var best: (gain: Double, place: Int, blocks: Range<Int>, amplitude: Double)?
    let heights = heights(geometry)
    for place in 0..<places {
      let match = matches(at: place, weights, values, places, heights)
      if let piece = bestPiece(match.overlap, match.information), piece.gain > (best?.gain ?? 0) {
        best = (piece.gain, place, piece.range, piece.amplitude)
      }
    }
    guard let best else { return nil }
    func along(_ block: Int) -> Double { (2 * Double(block) / Double(blocks) - 1) * reachV }
    return WallLine(
      azimuth: azimuth, position: (Double(best.place) + 0.5) * step - reachU,
      start: along(best.blocks.lowerBound), end: along(best.blocks.upperBound),
      sechWidth: sechWidth, amplitude: best.amplitude, gain: best.gain)
  }

  /// Of a unit wall at the bins around its center.
  private func heights(_ geometry: InclinationGeometry) -> [Double] {
    let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
    let reach = Int((1.8 * imageWidth / step).rounded(.up))
    return (-reach...reach).map { shape.unitHeight(at: Double($0) * step) }
  }

  /// Overlap with, and information on, a unit wall beside a free constant, in every block.
  private func matches(
    at place: Int, _ weights: [Double], _ values: [Double], _ places: Int, _ heights: [Double]
  ) -> (overlap: [Double], information: [Double]) {
    let blocks = Self.blocks
    let reach = heights.count / 2
    var information = [Double](repeating: 0, count: blocks)
    var (overlap, level, mean, height) = (information, information, information, information)
    for k in max(0, place - reach)...min(places - 1, place + reach) {
      let t = heights[k - place + reach]
      for block in 0..<blocks {
        let (w, y) = (weights[k * blocks + block], values[k * blocks + block])
        level[block] += w
        mean[block] += y
        height[block] += t * w
        information[block] += t * t * w
        overlap[block] += t * y
      }
    }
    for block in 0..<blocks where level[block] > 0 {
      let share = height[block] / level[block]
      information[block] = max(0, information[block] - share * height[block])
      overlap[block] -= share * mean[block]
    }
    return (overlap, information)
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
