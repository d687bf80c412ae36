// How walls run through a map: whether the field is the same along each, and whether they are straight.

public import STEMCore
internal import WorkSharing

/// A wall along its line, over which a profile is the mean.
public struct WallCourse: Sendable, Equatable, Codable {
  /// Standard deviation of its field along it over its mean field, noise taken off: of a wall that fills the part p
  /// of its line √(1/p - 1). 0 where noise explains it.
  public var variation: Double
  /// nil for a wall that is straight as far as noise tells.
  public var bend: WallBend?
  /// The walls that were matched as one with it, itself among them: of one sign, and so near that a mean over them
  /// has no two peaks. A wall that bows by more than it is wide has a profile like theirs.
  public var group: Range<Int>

  /// A field that varies along a wall by less of its mean deserves no remark.
  private static let leastVariation = 0.2
  /// Of a wall that ends, or that is no wall, how it bends says little.
  public var isEven: Bool { variation <= Self.leastVariation }
}

/// Holds every wall of a profile against the map, piece by piece.
///
/// A profile is the mean along the walls. Of a wall that ends within the frame, bends or crosses others that mean is
/// measured as well as of any other, and is not the field of the wall. Every wall is therefore matched piece by
/// piece, each of half its width, on a constant of its own, the other walls taken off. So is by how far it lies beside
/// its line in each piece, by the change of its shape with a shift.
///
/// Shifts are polynomials of the second to the ninth degree along the walls, offset and tilt of each wall being free.
/// Where the walls are not straight the match is made anew, with each wall and its neighbors where they are, until that
/// changes no more: then the shifts may be as large as the walls are wide.
///
/// - Parameters:
///   - walls: Of a fit to the profile, ascending in position.
///   - map: From which the profile was formed, with its errors.
///   - geometry: Of the fit; its direction names the component.
///   - normalAzimuth: Of the profile, from +x towards +y, rad.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: One for each wall; even and straight where nothing is known of the noise.
public func wallCourses(
  of walls: [Wall], in map: VectorMap, geometry: InclinationGeometry, normalAzimuth: Double,
  noiseFactor: Double = 1
) -> [WallCourse] {
  guard let pixel = map.pixelSize, map.covariance != nil, !walls.isEmpty else {
    return walls.indices.map { WallCourse(variation: 0, group: $0..<$0 + 1) }
  }
  let tracking = WallTracking(
    walls, map, pixel, geometry, normalAzimuth: normalAzimuth, noiseFactor: noiseFactor)
  let (bends, tracks) = tracking.followed()
  return zip(tracking.groups, tracks).enumerated().flatMap { index, wall in
    let bend = bends?.bend(ofWall: index, along: tracking.lines)
    return wall.0.map { _ in
      WallCourse(variation: wall.1.variation, bend: bend, group: wall.0)
    }
  }
}

/// The middle of what a frame shows of a wall.
///
/// - Parameters:
///   - position: Of the wall along its normal, from the scan's center, m.
///   - normalAzimuth: From +x towards +y, rad.
/// - Returns: Along azimuth + 90°, from where the wall's line is nearest to the center, m.
public func middleOfWall(
  at position: Double, in map: VectorMap, normalAzimuth: Double
) -> Double {
  WallLine(
    azimuth: normalAzimuth, position: position, start: -.infinity, end: .infinity, sechWidth: 0
  ).clipped(to: WallPixels(frameOf: map)).middle
}

extension WallBends {
  /// Matches walls anew where they are, until that moves them no more.
  fileprivate mutating func follow(_ tracks: inout [WallTrack], _ tracking: WallTracking) {
    for step in 0..<Self.steps {
      tracks = tracking.tracks(self, beside: tracks)
      let hasMoved = move(by: tracks.map(\.equations), within: tracking.tolerance)
      let isTakenApart = step >= Self.firstSteps && takeApart()
      if !hasMoved && step >= Self.firstSteps && !isTakenApart { break }
    }
  }
}

/// The walls of a profile and the pixels beside them.
struct WallTracking {
  /// Walls that are matched as one.
  let groups: [Range<Int>]
  /// One for each group.
  let lines: [WallLine]
  let strips: [WallStrip]
  let geometry: InclinationGeometry
  let reaches: [Double]
  let coarserSide: Double
  let noiseFactor: Double
  /// Places along the walls, m.
  let range: ClosedRange<Double>

  init(
    _ walls: [Wall], _ map: VectorMap, _ pixel: PixelSize, _ geometry: InclinationGeometry,
    normalAzimuth: Double, noiseFactor: Double
  ) {
    let frame = WallPixels(frameOf: map)
    let single = walls.map {
      WallLine(
        azimuth: normalAzimuth, position: $0.position.value, start: -.infinity, end: .infinity,
        sechWidth: $0.width.value / InclinationGeometry.widthFactor, amplitude: $0.field.value
      )
    }
    groups = Self.groups(single, geometry)
    let lines = groups.map { Self.merged(single[$0], geometry).clipped(to: frame) }
    let reaches = lines.map {
      WallRefinement.window * geometry.projectedWidth(sechWidth: $0.sechWidth)
    }
    strips = concurrentMap(lines.count) {
      WallStrip(
        map, pixel, beside: lines[$0], reach: reaches[$0], direction: geometry.direction)
    }
    let start = lines.map(\.start).min() ?? 0
    range = start...max(start, lines.map(\.end).max() ?? 0)
    coarserSide = max(pixel.x, pixel.y)
    (self.lines, self.reaches, self.geometry) = (lines, reaches, geometry)
    self.noiseFactor = noiseFactor
  }

  /// One wall on pixels that are known.
  init(
    _ line: WallLine, _ strip: WallStrip, reach: Double, _ geometry: InclinationGeometry,
    coarserSide: Double
  ) {
    self.geometry = geometry
    self.coarserSide = coarserSide
    (groups, lines, strips, reaches) = ([0..<1], [line], [strip], [reach])
    noiseFactor = 1
    range = line.start...line.end
  }

  /// How the walls bend, where they do, and each along its line.
  func followed() -> (bends: WallBends?, tracks: [WallTrack]) {
    var tracks = tracks()
    if tracks.count > 1, tracks.contains(where: { $0.variation > 0 }) {
      tracks = self.tracks(beside: tracks)
    }
    var bends = WallBends(tracks.map(\.equations), range: range)
    bends?.follow(&tracks, self)
    return (bends.flatMap { $0.isClear ? $0 : nil }, tracks)
  }

  /// Walls of one sign, none further from the next than they are wide in the image.
  private static func groups(_ lines: [WallLine], _ geometry: InclinationGeometry) -> [Range<Int>] {
    let widths = lines.map { geometry.projectedWidth(sechWidth: $0.sechWidth) }
    var groups: [Range<Int>] = []
    for index in lines.indices {
      if let last = groups.last, lines[index - 1].amplitude * lines[index].amplitude > 0,
        lines[index].position - lines[index - 1].position < (widths[index - 1] + widths[index]) / 2
      {
        groups[groups.count - 1] = last.lowerBound..<index + 1
      } else {
        groups.append(index..<index + 1)
      }
    }
    return groups
  }

  /// One wall with the E0·w of several, as wide as their distances make it.
  private static func merged(
    _ lines: ArraySlice<WallLine>, _ geometry: InclinationGeometry
  ) -> WallLine {
    guard var line = lines.first, lines.count > 1 else { return lines[lines.startIndex] }
    let product = lines.reduce(0) { $0 + $1.amplitude * $1.sechWidth }
    func mean(_ value: (WallLine) -> Double) -> Double {
      lines.reduce(0) { $0 + $1.amplitude * $1.sechWidth * value($1) } / product
    }
    let position = mean(\.position)
    line.position = position
    line.sechWidth =
      mean {
        let distance = ($0.position - position) * geometry.cosine
        return $0.sechWidth * $0.sechWidth + WallBend.squareFactor * distance * distance
      }.squareRoot()
    line.amplitude = product / line.sechWidth
    return line
  }

  /// What a shift is known well enough to, m: some thousandth of the narrowest wall.
  var tolerance: Double { 1e-3 * (lines.map(\.sechWidth).min() ?? 0) }

  /// Each wall on its own strip, the others taken off.
  ///
  /// - Parameters:
  ///   - bends: Where walls are, and as wide as they are themselves; nil for straight ones.
  ///   - earlier: Of the same walls: their fields where they vary along them.
  func tracks(_ bends: WallBends? = nil, beside earlier: [WallTrack]? = nil) -> [WallTrack] {
    let lines = lines.enumerated().map { index, line in
      guard let bends else { return line }
      let widening = WallBend.widening(
        meanSquare: bends.meanSquare(ofWall: index), sechWidth: line.sechWidth, geometry)
      var own = line
      own.sechWidth /= widening
      own.amplitude *= widening
      return own
    }
    return concurrentMap(lines.count) { index in
      var strip = strips[index]
      for other in lines.indices where other != index {
        strip.subtract(
          lines[other], earlier?[other], shiftedBy: bends?.shifts[other], from: lines[index],
          reach: reaches[index], geometry)
      }
      if let bends { strip.straighten(by: bends.shifts[index]) }
      return WallTrack(
        strip, geometry, lines[index], coarserSide: coarserSide, noiseFactor: noiseFactor,
        range: range)
    }
  }
}
