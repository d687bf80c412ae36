// Holds a line against what is no wall: rows of atoms, dots, and steps between two levels.

internal import Glibc
internal import STEMCore

/// What tells a wall from other lines: an even field along it, and a peak rather than a step across it.
struct WallLineCheck {
  /// Of the field in every piece of the line: overlap with a unit wall, and information.
  private(set) var overlap: [Double] = []
  private(set) var information: [Double] = []
  /// Length of a piece, m.
  let piece: Double
  private var stepGain = 0.0
  private var wallGain = 0.0

  init(pixels: WallPixels, geometry: InclinationGeometry, line: WallLine) {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let count = min(400, max(1, Int(line.length / max(width / 2, 1.5 * pixels.coarserSide))))
    piece = line.length / Double(count)
    let strip = WallStrip(
      pixels, line, reach: WallRefinement.window * width, direction: geometry.direction)
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    var sums = [[Double]](repeating: [0, 0, 0, 0, 0], count: count)
    // Places and widths of the steps, in m.
    let trials = [0.25, 0.5, 1].flatMap { part in
      (-8...8).map { (shift: Double($0) * 0.25 * width, width: part * width) }
    }
    var steps = [[Double]](repeating: [0, 0, 0, 0, 0], count: trials.count)
    var wall: [Double] = [0, 0, 0, 0, 0]
    func add(_ t: Double, _ w: Double, _ y: Double, to sums: inout [Double]) {
      sums[0] += w
      sums[1] += w * y
      sums[2] += w * t
      sums[3] += w * t * t
      sums[4] += w * t * y
    }
    for i in strip.u.indices {
      let (t, w, y) = (shape.unitHeight(at: strip.u[i]), strip.weight[i], strip.value[i])
      let k = min(count - 1, max(0, Int((strip.v[i] - line.start) / piece)))
      add(t, w, y, to: &sums[k])
      add(t, w, y, to: &wall)
      for s in trials.indices {
        add(tanh((strip.u[i] - trials[s].shift) / trials[s].width), w, y, to: &steps[s])
      }
    }
    func match(_ sums: [Double]) -> (overlap: Double, information: Double) {
      guard sums[0] > 0 else { return (0, 0) }
      let information = sums[3] - sums[2] * sums[2] / sums[0]
      return information > 1e-6 * sums[3]
        ? (sums[4] - sums[2] * sums[1] / sums[0], information) : (0, 0)
    }
    for sum in sums {
      let (o, i) = match(sum)
      overlap.append(o)
      information.append(i)
    }
    func gain(_ sums: [Double]) -> Double {
      let (o, i) = match(sums)
      return i > 0 ? o * o / i : 0
    }
    wallGain = gain(wall)
    stepGain = steps.map(gain).max() ?? 0
  }

  /// A step between two levels explains the strip better.
  var isStep: Bool { stepGain > wallGain }

  /// Standard deviation of the field along the line over its mean, noise taken off.
  var modulation: Double {
    let total = information.reduce(0, +)
    let mean = overlap.reduce(0, +) / total
    guard total > 0, mean != 0 else { return 0 }
    var (square, pieces) = (0.0, 0.0)
    for i in overlap.indices where information[i] > 1e-3 * total / Double(overlap.count) {
      let difference = overlap[i] / information[i] - mean
      square += information[i] * difference * difference
      pieces += 1
    }
    let freedom = max(1, pieces - 1)
    guard square > freedom + 4 * (2 * freedom).squareRoot() else { return 0 }
    return ((square - freedom) / (total * mean * mean)).squareRoot()
  }
}
