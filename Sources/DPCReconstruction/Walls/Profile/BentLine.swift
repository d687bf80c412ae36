// One wall that bends: its line, its shift, and what is stated of them.

internal import Glibc
internal import STEMCore

extension WallLine {
  /// Straight walls that come together at smaller angles are seldom what a specimen has; a wall that bends is fitted by
  /// such lines, rad.
  private static let largestBendingAngle = 25 * Double.pi / 180

  /// Whether two lines come nearer to each other than walls are wide, at a small angle.
  func mayBelongTogether(with other: WallLine, _ geometry: InclinationGeometry) -> Bool {
    let width = [self, other].reduce(0) {
      $0 + geometry.projectedWidth(sechWidth: $1.sechWidth) / 2
    }
    return abs(lineAngle(azimuth, other.azimuth)) < Self.largestBendingAngle
      && distance(to: other) < width
  }

  /// How a straight line's wall leaves it.
  ///
  /// - Parameters:
  ///   - strip: The pixels beside the line from end to end, other walls taken off.
  ///   - reach: Of the strip on either side, m.
  ///   - coarserSide: Of a pixel, m.
  /// - Returns: The line along the wall, as wide and as high as that is by itself; nil for a wall that is straight as far
  ///   as noise tells, or whose field varies along it: of what is no even wall, how it bends says little.
  func bent(
    on strip: WallStrip, reach: Double, _ geometry: InclinationGeometry, coarserSide: Double
  ) -> WallLine? {
    let tracking = WallTracking(self, strip, reach: reach, geometry, coarserSide: coarserSide)
    let (bends, tracks) = tracking.followed()
    let course = WallCourse(variation: tracks[0].variation, group: 0..<1)
    guard let bends, course.isEven, var bend = bends.bend(ofWall: 0, along: [self]) else {
      return nil
    }
    bend.isShared = false
    let widening = WallBend.widening(
      meanSquare: bends.meanSquare(ofWall: 0), sechWidth: sechWidth, geometry)
    var line = along(bends.shifts[0])
    line.sechWidth /= widening
    line.amplitude *= widening
    line.bend = bend
    return line
  }

  /// The line that is left by bending alone: offset and tilt of a shift are its own.
  private func along(_ shift: WallShift) -> WallLine {
    var rest = shift
    (rest.coefficients[0], rest.coefficients[1]) = (0, 0)
    let half = (shift.range.upperBound - shift.range.lowerBound) / 2
    var line = self
    line.shift = rest
    // A turn δ of the normal takes the wall by -v δ.
    return line.moved(
      turn: -atan(shift.coefficients[1] / half), shift: shift.coefficients[0], widthFactor: 1)
  }
}
