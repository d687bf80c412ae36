// Walls that bend, among lines that were found as straight ones.

internal import STEMCore

extension WallHunt {
  /// Of what a line gains in χ²: so much may be left of it where it is none, as at the ends of a wall that bends.
  private static let largestRest = 0.1

  /// A wall that was found, bent so that hardly anything is left of another line beside it.
  ///
  /// Through a wall that bows a straight line leaves others, which cross it at small angles and stand out of the noise
  /// where the bow is a small part of the wall's width already.
  ///
  /// - Returns: Its place in the list, and its line; nil where the other line is one of its own.
  func bentWall(explaining other: WallLine) -> (index: Int, line: WallLine)? {
    for index in lines.indices where lines[index].mayBelongTogether(with: other, geometry) {
      let alone = pixels(ofLine: index, within: .infinity)
      let straight = straight(lines[index], on: alone)
      // Where a wall leaves its straight line it seems to end.
      let whole = WallRefinement(pixels: alone, geometry: geometry).whole(straight)
      for line in [whole, straight] {
        guard var bent = bent(line, on: alone) else { continue }
        // What a bow of about the wall's width leaves of its own one is better fitted than reckoned.
        var fit = JointLineFit([bent], in: alone, geometry: geometry)
        fit.fit {}
        bent = fit.lines[0]
        var rest = alone
        rest.subtract(bent, geometry)
        let left = WallRefinement(pixels: rest, geometry: geometry).refined(other)
        if left.gain < max(requiredGain, Self.largestRest * other.gain) { return (index, bent) }
      }
    }
    return nil
  }

  /// A wall's line along its bend, the others taken off as they are; nil for a straight one.
  func bentLine(_ index: Int) -> WallLine? {
    let width = geometry.projectedWidth(sechWidth: lines[index].sechWidth)
    // What is not longer than it is wide shows no line that could bend.
    guard lines[index].length > width else { return nil }
    let alone = pixels(ofLine: index, within: 4 * WallRefinement.window * width)
    return bent(straight(lines[index], on: alone), on: alone)
  }

  /// The best straight line through a wall, between the ends that it has along its bend.
  private func straight(_ line: WallLine, on pixels: WallPixels) -> WallLine {
    if line.shift == nil { return line }
    var straight = line
    (straight.shift, straight.bend) = (nil, nil)
    straight = WallRefinement(pixels: pixels, geometry: geometry).refined(straight)
    (straight.start, straight.end) = (line.start, line.end)
    return straight.clipped(to: pixels)
  }

  private func bent(_ line: WallLine, on pixels: WallPixels) -> WallLine? {
    let reach = WallRefinement.window * geometry.projectedWidth(sechWidth: line.sechWidth)
    let strip = WallStrip(pixels, line, reach: reach, direction: geometry.direction)
    return line.bent(on: strip, reach: reach, geometry, coarserSide: pixels.coarserSide)
  }
}
