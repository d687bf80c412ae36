// A straight piece of wall in the plane of the scan.

internal import Glibc
internal import STEMCore

/// A piece of a straight wall; distances in m from the scan's center.
struct WallLine: Equatable {
  /// Of the normal, rad.
  var azimuth: Double
  /// Along the normal.
  var position: Double
  /// Where it begins and ends along azimuth + 90°.
  var start: Double
  var end: Double
  /// w of sech²(u/w), m.
  var sechWidth: Double
  /// E0, V/m.
  var amplitude = 0.0
  /// Of χ², misfit included.
  var gain = 0.0
  var azimuthError: Double?
  /// By how far the wall leaves the line along its normal; nil for a straight one.
  var shift: WallShift?
  /// What is stated of the shift.
  var bend: WallBend?

  var normal: (x: Double, y: Double) { (cos(azimuth), sin(azimuth)) }
  var length: Double { end - start }
  var middle: Double { (start + end) / 2 }

  /// The place v along the line.
  func point(at v: Double) -> ScanPoint {
    let n = normal
    return ScanPoint(x: position * n.x - v * n.y, y: position * n.y + v * n.x)
  }

  /// A pixel's distance from the wall along the normal, and its place along the line.
  @inline(__always)
  func place(_ x: Double, _ y: Double, _ n: (x: Double, y: Double)) -> (u: Double, v: Double) {
    let (u, v) = (x * n.x + y * n.y - position, y * n.x - x * n.y)
    return (shift.map { u - $0.value(at: v) } ?? u, v)
  }

  /// Where the wall is at the place v along the line.
  func wallPoint(at v: Double) -> ScanPoint {
    var bent = self
    bent.position += shift?.value(at: v) ?? 0
    return bent.point(at: v)
  }

  /// The line turned about its own middle, shifted along its normal.
  func moved(turn: Double, shift: Double, widthFactor: Double) -> WallLine {
    let (n, m) = (normal, middle)
    let center = (x: position * n.x - m * n.y, y: position * n.y + m * n.x)
    var copy = self
    copy.azimuth += turn
    let turned = copy.normal
    copy.position = center.x * turned.x + center.y * turned.y + shift
    let along = -center.x * turned.y + center.y * turned.x
    copy.start = along - length / 2
    copy.end = along + length / 2
    copy.shift = self.shift?.moved(to: along)
    copy.sechWidth *= widthFactor
    return copy
  }

  /// The same line with its normal turned round, or by whole turns.
  func turned(by halfTurns: Int) -> WallLine {
    var copy = self
    copy.azimuth += Double(halfTurns) * Double.pi
    guard !halfTurns.isMultiple(of: 2) else { return copy }
    (copy.position, copy.start, copy.end) = (-position, -end, -start)
    copy.amplitude = -amplitude
    copy.shift = shift?.turnedRound
    copy.bend = bend?.turnedRound
    return copy
  }

  /// Cut to the piece that lies in the frame.
  func clipped(to pixels: WallPixels) -> WallLine {
    var copy = self
    let n = normal
    for (at, along, half) in [
      (position * n.x, -n.y, pixels.halfWidth), (position * n.y, n.x, pixels.halfHeight),
    ] where abs(along) > 1e-12 {
      let ends = [(-half - at) / along, (half - at) / along].sorted()
      copy.start = max(copy.start, ends[0])
      copy.end = min(copy.end, ends[1])
    }
    if copy.end < copy.start { copy.end = copy.start }
    return copy
  }

  /// Between the nearest points of two lines, m; zero where they cross.
  func distance(to other: WallLine) -> Double {
    if crosses(other) && other.crosses(self) { return 0 }
    let toEnds = [other.start, other.end].map { distance(to: other.point(at: $0)) }
    let fromEnds = [start, end].map { other.distance(to: point(at: $0)) }
    return (toEnds + fromEnds).min() ?? 0
  }

  private func distance(to point: ScanPoint) -> Double {
    let n = normal
    let (across, along) = (point.x * n.x + point.y * n.y, point.y * n.x - point.x * n.y)
    return hypot(across - position, max(0, start - along, along - end))
  }

  /// Whether the ends of another line lie on either side of the straight line through this one.
  private func crosses(_ other: WallLine) -> Bool {
    let n = normal
    let sides = [other.start, other.end].map { v in
      let point = other.point(at: v)
      return point.x * n.x + point.y * n.y - position
    }
    return sides[0] * sides[1] < 0
  }

  /// The part of the shorter of two lines that lies beside the other one.
  ///
  /// The other one is turned about its own middle first: far from the scan's center a small turn about that would
  /// part short lines.
  func overlap(with other: WallLine) -> Double {
    let other = other.moved(
      turn: lineAngle(azimuth, other.azimuth), shift: 0, widthFactor: 1)
    let common = min(end, other.end) - max(start, other.start)
    return max(0, common) / max(min(length, other.length), .leastNormalMagnitude)
  }

  /// How far it runs beside the middle of another line, along its own normal, m.
  ///
  /// The places along two normals that differ a little do not tell: far from the scan's center they part.
  func distance(from other: WallLine) -> Double {
    let center = other.point(at: other.middle)
    return position - center.x * normal.x - center.y * normal.y
  }
}

/// The difference of two azimuths of lines, in [-π/2, π/2].
func lineAngle(_ a: Double, _ b: Double) -> Double {
  let turns = (a - b) / Double.pi
  return (turns - turns.rounded()) * Double.pi
}

/// The direction of the component that the image of a wall with this normal shows.
func fieldComponent(
  _ direction: FieldDirection, _ normal: (x: Double, y: Double)
) -> (x: Double, y: Double) {
  direction == .perp ? (-normal.y, normal.x) : normal
}
