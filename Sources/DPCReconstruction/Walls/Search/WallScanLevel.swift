// The coarse scan: lines of one width at every azimuth, place and length.

internal import Glibc
internal import STEMCore

/// Lines of one width: how finely their azimuths, places and lengths are tried.
struct WallScanLevel {
  let sechWidth: Double
  /// Full width at half maximum in the image, m.
  let imageWidth: Double
  let azimuths: Int
  /// Independent places, azimuths and lengths, about.
  let places: Double

  /// Narrower lines than so many steps are not tried.
  private static let leastWidth = 2.0

  static func levels(for pixels: WallPixels, geometry: InclinationGeometry) -> [WallScanLevel] {
    let diagonal = 2 * hypot(pixels.halfWidth, pixels.halfHeight)
    let widest = max(pixels.halfWidth, pixels.halfHeight) / 1.5
    var levels: [WallScanLevel] = []
    let pixel = pixels.finestStep
    var w = 0.5 * pixel * geometry.cosine
    var last = 0.0
    while true {
      let width = geometry.projectedWidth(sechWidth: w)
      if width > widest && !levels.isEmpty { return levels }
      if width >= leastWidth * pixel, width > 1.35 * last || levels.isEmpty {
        levels.append(WallScanLevel(sechWidth: w, width: width, diagonal))
        last = width
      }
      if width > 100 * diagonal { return levels }
      w *= 1.1
    }
  }

  private init(sechWidth: Double, width: Double, _ diagonal: Double) {
    self.sechWidth = sechWidth
    imageWidth = width
    azimuths = min(360, max(24, Int((Double.pi * diagonal / (1.2 * width)).rounded(.up))))
    // Some forty lengths and places along a line are independent.
    places = Double(azimuths) / 2 * diagonal / width * 40
  }

  /// The azimuths that are tried, in ascending order, rad.
  func azimuths(in pixels: WallPixels) -> [Double] {
    (0..<azimuths).filter { $0.isMultiple(of: stride(at: $0, in: pixels)) }.map(azimuth)
  }

  private func azimuth(_ k: Int) -> Double { Double(k) / Double(azimuths) * Double.pi }

  /// Of so many azimuths, a power of two, one is tried: lines far shorter than the diagonal turn further before
  /// they leave a wall.
  ///
  /// One in all directions of frames whose sides are within a factor of four.
  private func stride(at k: Int, in pixels: WallPixels) -> Int {
    let (width, height) = (2 * pixels.halfWidth, 2 * pixels.halfHeight)
    let length = min(width / abs(sin(azimuth(k))), height / abs(cos(azimuth(k))))
    let turn = min(Double.pi / 24, 1.2 * imageWidth / (4.2 * length))
    let steps = max(1, turn * Double(azimuths) / Double.pi)
    return 1 << Int(log2(steps))
  }

  /// The line of this width and azimuth that gains most in χ², and more than a least gain.
  func strongest(
    in pixels: WallPixels, azimuth: Double, _ geometry: InclinationGeometry, above leastGain: Double
  ) -> WallLine? {
    let n = (x: cos(azimuth), y: sin(azimuth))
    let direction = fieldComponent(geometry.direction, n)
    let reachU = pixels.reach(along: n)
    let pixel = pixels.step(along: n)
    guard imageWidth < reachU / 1.5, imageWidth >= Self.leastWidth * pixel else { return nil }
    // Bins along the normal.
    let step = max(pixel, imageWidth / 5)
    let reachV = pixels.reach(along: (-n.y, n.x))
    let places = Int((2 * reachU / step).rounded(.up)) + 1
    let bins = WallBins(pixels, n, direction, (reachU, reachV), step: step, places: places)
    var best: (gain: Double, place: Int, blocks: Range<Int>, amplitude: Double)?
    let heights = heights(geometry, step: step)
    var match = WallMatchInBlocks()
    for place in 0..<places {
      bins.match(at: place, heights, &match)
      // Most places cannot hold a stronger line than the best one so far.
      let least = best?.gain ?? leastGain
      if match.largestGain * (1 + 1e-9) <= least { continue }
      if let piece = match.bestPiece, piece.gain > least {
        best = (piece.gain, place, piece.range, piece.amplitude)
      }
    }
    let blocks = WallBins.blocks
    guard let best else { return nil }
    func along(_ block: Int) -> Double { (2 * Double(block) / Double(blocks) - 1) * reachV }
    return WallLine(
      azimuth: azimuth, position: (Double(best.place) + 0.5) * step - reachU,
      start: along(best.blocks.lowerBound), end: along(best.blocks.upperBound),
      sechWidth: sechWidth, amplitude: best.amplitude, gain: best.gain)
  }

  /// Of a unit wall at the bins around its center.
  private func heights(_ geometry: InclinationGeometry, step: Double) -> [Double] {
    let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
    let reach = Int((1.8 * imageWidth / step).rounded(.up))
    return (-reach...reach).map { shape.unitHeight(at: Double($0) * step) }
  }
}
