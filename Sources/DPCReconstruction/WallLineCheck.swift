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
  private let strip: WallStrip
  private let shape: ProjectedWall
  private let width: Double

  init(pixels: WallPixels, geometry: InclinationGeometry, line: WallLine) {
    width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let count = min(400, max(1, Int(line.length / max(width / 2, 1.5 * pixels.step))))
    piece = line.length / Double(count)
    strip = WallStrip(
      pixels, line, reach: WallRefinement.window * width, direction: geometry.direction)
    shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    var sums = [ShapeSums](repeating: ShapeSums(), count: count)
    for i in strip.u.indices {
      let k = min(count - 1, max(0, Int((strip.v[i] - line.start) / piece)))
      sums[k].add(
        shape: shape.unitHeight(at: strip.u[i]), linear: strip.u[i] / width,
        weight: strip.weight[i], weighted: strip.weight[i] * strip.value[i])
    }
    for match in sums.map(\.match) {
      overlap.append(match.overlap)
      information.append(match.information)
    }
  }

  /// What explains the strip better than a wall, a constant and a slope being free for all.
  var rival: WallRejection? {
    let wall = gain(shape.unitHeight(at:))
    // Places, in widths of the line.
    let places = (-8...8).map { 0.25 * Double($0) }
    let isStep = [0.25, 0.5, 1].contains { part in
      places.contains { place in gain { tanh(($0 / width - place) / part) } > wall }
    }
    if isStep { return .step }
    // With a free constant and slope these are all cubics.
    let isSlow =
      gain { $0 * $0 / (width * width) } > wall
      || places.contains { place in
        gain { u in
          let x = u / width - place
          return x * x * x
        } > wall
      }
    return isSlow ? .background : nil
  }

  /// By how much a shape lowers χ² of the strip.
  private func gain(_ height: (Double) -> Double) -> Double {
    var sums = ShapeSums()
    for i in strip.u.indices {
      sums.add(
        shape: height(strip.u[i]), linear: strip.u[i] / width, weight: strip.weight[i],
        weighted: strip.weight[i] * strip.value[i])
    }
    return sums.gain
  }

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
