// The bins of the coarse scan for walls against plain sums, one pixel and one block after the other.
import Glibc
import STEMCore
import Testing

@testable import DPCReconstruction

struct WallBinsTests {
  private struct Plain {
    var overlap: [Double]
    var information: [Double]
  }

  /// Every place by itself: pixels to bins, bins to sums.
  private static func plain(
    _ pixels: WallPixels, azimuth: Double, _ direction: (x: Double, y: Double), step: Double,
    places: Int, heights: [Double]
  ) -> [Plain] {
    let n = (x: cos(azimuth), y: sin(azimuth))
    let (reachU, reachV) = (pixels.reach(along: n), pixels.reach(along: (-n.y, n.x)))
    var weights = [[Double]](repeating: [Double](repeating: 0, count: 16), count: places)
    var values = weights
    for i in 0..<pixels.count {
      let u = Int((pixels.x[i] * n.x + pixels.y[i] * n.y + reachU) / step)
      let v = Int((pixels.y[i] * n.x - pixels.x[i] * n.y + reachV) / (2 * reachV) * 16)
      let (place, block) = (min(max(u, 0), places - 1), min(max(v, 0), 15))
      let (value, weight) = pixels.component(i, direction)
      weights[place][block] += weight
      values[place][block] += weight * value
    }
    let reach = heights.count / 2
    return (0..<places).map { place in
      var sums = Plain(overlap: [], information: [])
      for block in 0..<16 {
        var (level, mean, height, information, overlap) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for k in max(0, place - reach)...min(places - 1, place + reach) {
          let (t, w, y) = (heights[k - place + reach], weights[k][block], values[k][block])
          level += w
          mean += y
          height += t * w
          information += t * t * w
          overlap += t * y
        }
        if level > 0 {
          let share = height / level
          information = max(0, information - share * height)
          overlap -= share * mean
        }
        sums.information.append(information)
        sums.overlap.append(overlap)
      }
      return sums
    }
  }

  @Test(
    "Sums in bins are those of a plain loop, to the bit, and no run of blocks gains more than the bound",
    arguments: [0, 0.4, 1.1, 1.9, 2.8], [FieldDirection.perp, .normal])
  func sums(azimuth: Double, direction: FieldDirection) throws {
    let w = 12e-9 / InclinationGeometry.widthFactor
    var map = try wallMap(
      [TestWall(field: 2e8, w: w, position: 10e-9)], rows: 37, columns: 53,
      pixel: PixelSize(x: 2e-9, y: 3e-9), azimuth: 0.4, sigma: 1e8, seed: 5)
    for index in stride(from: 0, to: map.shape.count, by: 7) {
      map.mask.bytes[index] = PixelFlags.hot.rawValue
    }
    let pixels = WallPixels(map)
    let n = (x: cos(azimuth), y: sin(azimuth))
    let component = fieldComponent(direction, n)
    let reach = (u: pixels.reach(along: n), v: pixels.reach(along: (-n.y, n.x)))
    let step = 3e-9
    let places = Int((2 * reach.u / step).rounded(.up)) + 1
    let heights = (-6...6).map { exp(-Double($0 * $0) / 8) }
    let plain = Self.plain(
      pixels, azimuth: azimuth, component, step: step, places: places, heights: heights)
    for width in KernelWidth.allCases where width <= .widest {
      let bins = WallBins(
        pixels, n, component, reach, step: step, places: places, width: width)
      var match = WallMatchInBlocks()
      for place in 0..<places {
        bins.match(at: place, heights, &match)
        #expect(match.overlap == plain[place].overlap)
        #expect(match.information == plain[place].information)
        if let piece = bestPiece(plain[place].overlap, plain[place].information) {
          #expect(match.largestGain * (1 + 1e-9) >= piece.gain)
          #expect(match.bestPiece?.gain == piece.gain && match.bestPiece?.range == piece.range)
        }
      }
    }
  }
}
