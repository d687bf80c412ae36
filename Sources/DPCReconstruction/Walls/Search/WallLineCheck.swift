// Holds a line against what is no wall: rows of atoms, dots, and steps between two levels.

internal import Glibc
internal import STEMCore

/// The field in short pieces of a line, one after the other.
struct WallPieces {
  /// Of the field in every piece: overlap with a unit wall, and information.
  private(set) var overlap: [Double] = []
  private(set) var information: [Double] = []
  /// Of a piece, m.
  let length: Double
  /// χ² per degree of freedom about a wall and a constant in every piece; 1 where no pixels are left over.
  let misfit: Double

  init(pixels: WallPixels, geometry: InclinationGeometry, line: WallLine) {
    self.init(
      WallStrip(beside: line, pixels, geometry), geometry, line, coarserSide: pixels.coarserSide)
  }

  /// - Parameter coarserSide: Of a pixel, m.
  init(
    _ strip: WallStrip, _ geometry: InclinationGeometry, _ line: WallLine, coarserSide: Double
  ) {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let count = Self.count(of: line, width: width, coarserSide: coarserSide)
    length = line.length / Double(count)
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    var fits = [LevelFit](repeating: LevelFit(), count: count)
    for pixel in strip.pixels {
      let k = min(count - 1, max(0, Int((pixel.v - line.start) / length)))
      fits[k].add(shape.unitHeight(at: pixel.u), pixel.weight, pixel.value)
    }
    var (rest, freedom) = (0.0, Double(strip.pixels.count))
    for fit in fits {
      let (o, i) = fit.match
      overlap.append(o)
      information.append(i)
      rest += fit.rest
      freedom -= i > 0 ? 2 : 1
    }
    misfit = freedom > 0 ? rest / freedom : 1
  }

  /// - Parameter fields: Overlap and information of every piece.
  init(_ fields: [(overlap: Double, information: Double)], length: Double, misfit: Double) {
    overlap = fields.map(\.overlap)
    information = fields.map(\.information)
    self.length = length
    self.misfit = misfit
  }

  /// Pieces of half of the line's width in the image, but no shorter than a pixel and a half.
  static func count(of line: WallLine, width: Double, coarserSide: Double) -> Int {
    min(400, max(1, Int(line.length / max(width / 2, 1.5 * coarserSide))))
  }

  /// Standard deviation of the field along the line over its mean, noise taken off.
  ///
  /// - Parameter noise: Its variance over what the information says.
  func modulation(noise: Double = 1) -> Double {
    let total = information.reduce(0, +) / noise
    let mean = overlap.reduce(0, +) / (noise * total)
    guard total > 0, mean != 0 else { return 0 }
    var (square, pieces) = (0.0, 0.0)
    for i in overlap.indices where information[i] > 1e-3 * noise * total / Double(overlap.count) {
      let difference = overlap[i] / information[i] - mean
      square += information[i] / noise * difference * difference
      pieces += 1
    }
    let freedom = max(1, pieces - 1)
    guard square > freedom + 4 * (2 * freedom).squareRoot() else { return 0 }
    return ((square - freedom) / (total * mean * mean)).squareRoot()
  }
}

/// What tells a wall from other lines: an even field along it, and a peak rather than a step across it.
struct WallLineCheck {
  /// See ``WallPieces/modulation(noise:)``.
  let modulation: Double
  /// A step between two levels explains the strip better.
  let isStep: Bool

  init(pixels: WallPixels, geometry: InclinationGeometry, line: WallLine) {
    let strip = WallStrip(beside: line, pixels, geometry)
    modulation = WallPieces(strip, geometry, line, coarserSide: pixels.coarserSide).modulation()
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    // Places and widths of the steps, in m.
    let trials = [0.25, 0.5, 1].flatMap { part in
      (-8...8).map { (shift: Double($0) * 0.25 * width, width: part * width) }
    }
    var steps = [LevelFit](repeating: LevelFit(), count: trials.count)
    var wall = LevelFit()
    for pixel in strip.pixels {
      let (u, w, y) = (pixel.u, pixel.weight, pixel.value)
      wall.add(shape.unitHeight(at: u), w, y)
      for s in trials.indices {
        steps[s].add(tanh((u - trials[s].shift) / trials[s].width), w, y)
      }
    }
    isStep = (steps.map(\.gain).max() ?? 0) > wall.gain
  }
}

extension WallStrip {
  /// The pixels in a line's window.
  fileprivate init(beside line: WallLine, _ pixels: WallPixels, _ geometry: InclinationGeometry) {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    self.init(
      pixels, line, reach: WallRefinement.window * width, direction: geometry.direction)
  }
}

/// Least squares of a shape beside a constant.
private struct LevelFit {
  private var w = 0.0
  private var y = 0.0
  private var t = 0.0
  private var tt = 0.0
  private var ty = 0.0
  private var yy = 0.0

  mutating func add(_ shape: Double, _ weight: Double, _ value: Double) {
    w += weight
    y += weight * value
    t += weight * shape
    tt += weight * shape * shape
    ty += weight * shape * value
    yy += weight * value * value
  }

  /// χ² about the shape and the constant.
  var rest: Double { w > 0 ? max(0, yy - y * y / w - gain) : 0 }

  /// Nothing where the constant explains all of the shape.
  var match: (overlap: Double, information: Double) {
    guard w > 0 else { return (0, 0) }
    let information = tt - t * t / w
    return information > 1e-6 * tt ? (ty - t * y / w, information) : (0, 0)
  }

  /// What the shape gains in χ².
  var gain: Double {
    let (overlap, information) = match
    return information > 0 ? overlap * overlap / information : 0
  }
}
