// A found line made exact: azimuth, place, width and ends by the gain in χ² on the pixels themselves.

internal import Glibc
internal import STEMCore

/// Pixels beside a line, in its own coordinates.
struct WallStrip {
  var u: [Double] = []
  var v: [Double] = []
  var value: [Double] = []
  var weight: [Double] = []

  init(_ pixels: WallPixels, _ line: WallLine, reach: Double, direction: FieldDirection) {
    let n = line.normal
    let component = fieldComponent(direction, n)
    for i in 0..<pixels.count {
      let across = pixels.x[i] * n.x + pixels.y[i] * n.y - line.position
      guard abs(across) <= reach else { continue }
      let along = pixels.y[i] * n.x - pixels.x[i] * n.y
      guard along >= line.start, along <= line.end else { continue }
      let (value, weight) = pixels.component(i, component)
      u.append(across)
      v.append(along)
      self.value.append(value)
      self.weight.append(weight)
    }
  }
}

struct WallRefinement {
  let pixels: WallPixels
  let geometry: InclinationGeometry

  /// The window on either side of a wall in which its constant is free, in its widths.
  static let window = 2.0

  /// The line with the highest gain near a first guess, its ends found anew.
  func refined(_ guess: WallLine) -> WallLine {
    var line = climbed(guess)
    line = withEnds(line)
    line = climbed(line)
    line = withEnds(line)
    measure(&line)
    return line
  }

  /// What a line takes off χ² as it stands; its misfit does not count as noise.
  func power(of line: WallLine) -> Double {
    let found = match(line, nearby(line))
    return found.gain * found.misfit
  }

  /// Pattern search over azimuth, place and width; steps halve when none of them gains.
  private func climbed(_ guess: WallLine) -> WallLine {
    let near = nearby(guess)
    var line = guess
    (line.gain, line.amplitude, _) = match(line, near)
    let width = geometry.projectedWidth(sechWidth: guess.sechWidth)
    var turn = width / max(guess.length, width)
    var shift = width / 3
    var widening = 1.25
    for _ in 0..<100 where widening > 1.002 {
      var best = line
      for trial in [
        line.moved(turn: turn, shift: 0, widthFactor: 1),
        line.moved(turn: -turn, shift: 0, widthFactor: 1),
        line.moved(turn: 0, shift: shift, widthFactor: 1),
        line.moved(turn: 0, shift: -shift, widthFactor: 1),
        line.moved(turn: 0, shift: 0, widthFactor: widening),
        line.moved(turn: 0, shift: 0, widthFactor: 1 / widening),
      ] where isAllowed(trial) {
        var candidate = trial
        (candidate.gain, candidate.amplitude, _) = match(trial, near)
        if candidate.gain > best.gain { best = candidate }
      }
      if best == line {
        turn /= 2
        shift /= 2
        widening = widening.squareRoot()
      }
      line = best
    }
    return line
  }

  private func isAllowed(_ line: WallLine) -> Bool {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    return width >= 1.2 * pixels.step(along: line.normal)
      && width <= pixels.reach(along: line.normal) / 1.5
      && abs(line.position) < pixels.reach(along: line.normal)
  }

  /// The pixels beside a line; they stay the same while it is refined, so that gains compare.
  private func nearby(_ line: WallLine) -> WallPixels {
    let reach = Self.window * geometry.projectedWidth(sechWidth: line.sechWidth)
    let n = line.normal
    return pixels.where { x, y in
      let v = y * n.x - x * n.y
      return abs(x * n.x + y * n.y - line.position) < reach && v > line.start && v < line.end
    }
  }

  /// Gain in χ² and amplitude of the wall beside a free constant and slope; χ² per degree of freedom.
  ///
  /// A misfit lowers the gain as it widens the errors.
  private func match(
    _ line: WallLine, _ pixels: WallPixels
  ) -> (gain: Double, amplitude: Double, misfit: Double) {
    guard pixels.count > 8 else { return (0, 0, 1) }
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    let n = line.normal
    let component = fieldComponent(geometry.direction, n)
    var fit = ShapeFit()
    for i in 0..<pixels.count {
      let u = pixels.x[i] * n.x + pixels.y[i] * n.y - line.position
      let (value, weight) = pixels.component(i, component)
      fit.add(shape: shape.unitHeight(at: u), linear: u / width, value: value, weight: weight)
    }
    return fit.result(freedom: Double(pixels.count - 4))
  }

  /// The run of short pieces with the highest joint gain, along the whole line through the frame.
  private func withEnds(_ line: WallLine) -> WallLine {
    let profile = WallLineCheck(pixels: pixels, geometry: geometry, line: whole(line))
    guard let piece = bestPiece(profile.overlap, profile.information) else { return line }
    var copy = whole(line)
    (copy.start, copy.end) = (
      copy.start + Double(piece.range.lowerBound) * profile.piece,
      copy.start + Double(piece.range.upperBound) * profile.piece
    )
    return copy
  }

  private func whole(_ line: WallLine) -> WallLine {
    var copy = line
    let reach = pixels.reach(along: (-line.normal.y, line.normal.x))
    (copy.start, copy.end) = (-reach, reach)
    return copy.clipped(to: pixels)
  }

  /// Gain, amplitude and the azimuth's error from the curvature of χ².
  private func measure(_ line: inout WallLine) {
    let near = nearby(line)
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let center = match(line, near)
    (line.gain, line.amplitude) = (center.gain, center.amplitude)
    let turn = 0.2 * width / max(line.length, width)
    let sides = [-turn, turn].map {
      match(line.moved(turn: $0, shift: 0, widthFactor: 1), near).gain
    }
    let bend = (2 * center.gain - sides[0] - sides[1]) / 2
    guard bend > 0 else {
      line.azimuthError = nil
      return
    }
    line.azimuthError = turn / bend.squareRoot()
    // The vertex of the parabola: single pixels that enter or leave the strip make steps in the gain.
    let vertex = min(1, max(-1, (sides[1] - sides[0]) / (4 * bend))) * turn
    let error = line.azimuthError
    line = line.moved(turn: vertex, shift: 0, widthFactor: 1)
    line.azimuthError = error
  }
}

/// Least squares of a shape beside a constant and a slope.
private struct ShapeFit {
  private var sums = [Double](repeating: 0, count: 10)

  mutating func add(shape t: Double, linear u: Double, value y: Double, weight w: Double) {
    sums[0] += w
    sums[1] += w * u
    sums[2] += w * u * u
    sums[3] += w * t
    sums[4] += w * t * u
    sums[5] += w * t * t
    sums[6] += w * y
    sums[7] += w * y * u
    sums[8] += w * y * t
    sums[9] += w * y * y
  }

  func result(freedom: Double) -> (gain: Double, amplitude: Double, misfit: Double) {
    let determinant = sums[0] * sums[2] - sums[1] * sums[1]
    guard determinant > 1e-9 * sums[0] * sums[2] else { return (0, 0, 1) }
    func projected(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
      (sums[2] * a * c - sums[1] * (a * d + b * c) + sums[0] * b * d) / determinant
    }
    let information = sums[5] - projected(sums[3], sums[4], sums[3], sums[4])
    let overlap = sums[8] - projected(sums[3], sums[4], sums[6], sums[7])
    let power = sums[9] - projected(sums[6], sums[7], sums[6], sums[7])
    guard information > 1e-6 * sums[5] else { return (0, 0, 1) }
    let gain = overlap * overlap / information
    let misfit = max(1, (power - gain) / max(1, freedom))
    return (gain / misfit, overlap / information, misfit)
  }
}
