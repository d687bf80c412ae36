// A found line made exact: azimuth, place, width and ends by the gain in χ² on the pixels themselves.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// Pixels beside a line, in its own coordinates.
struct WallStrip {
  /// One component of the field at one place.
  struct Pixel {
    /// From the line along its normal, and along the line, m.
    var u, v: Double
    /// V/m.
    var value: Double
    /// 1/σ², m²/V².
    var weight: Double
  }

  var pixels: [Pixel] = []

  init(_ pixels: WallPixels, _ line: WallLine, reach: Double, direction: FieldDirection) {
    let n = line.normal
    let component = fieldComponent(direction, n)
    for i in 0..<pixels.count {
      let (across, along) = line.place(pixels.x[i], pixels.y[i], n)
      guard abs(across) <= reach, along >= line.start, along <= line.end else { continue }
      let (value, weight) = pixels.component(i, component)
      self.pixels.append(Pixel(u: across, v: along, value: value, weight: weight))
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
      let trials = [
        line.moved(turn: turn, shift: 0, widthFactor: 1),
        line.moved(turn: -turn, shift: 0, widthFactor: 1),
        line.moved(turn: 0, shift: shift, widthFactor: 1),
        line.moved(turn: 0, shift: -shift, widthFactor: 1),
        line.moved(turn: 0, shift: 0, widthFactor: widening),
        line.moved(turn: 0, shift: 0, widthFactor: 1 / widening),
      ].filter(isAllowed)
      let tried = concurrentMap(trials.count) { number in
        var trial = trials[number]
        (trial.gain, trial.amplitude, _) = match(trial, near)
        return trial
      }
      for trial in tried where trial.gain > best.gain { best = trial }
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
    let fit = ShapeFit(line, pixels, geometry)
    return fit.result(freedom: Double(pixels.count - 4))
  }

  /// The run of short pieces with the highest joint gain, along the whole line through the frame.
  private func withEnds(_ line: WallLine) -> WallLine {
    let pieces = WallPieces(pixels: pixels, geometry: geometry, line: whole(line))
    guard let best = bestPiece(pieces.overlap, pieces.information) else { return line }
    var copy = whole(line)
    (copy.start, copy.end) = (
      copy.start + Double(best.range.lowerBound) * pieces.length,
      copy.start + Double(best.range.upperBound) * pieces.length
    )
    return copy
  }

  /// From rim to rim.
  func whole(_ line: WallLine) -> WallLine {
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
