// How walls run through a map: whether the field is the same along each, and whether they are straight.

public import STEMCore
internal import WorkSharing

/// A wall along its line, over which a profile is the mean.
public struct WallCourse: Sendable, Equatable {
  /// Standard deviation of its field along it over its mean field, noise taken off: of a wall that fills the part p
  /// of its line √(1/p - 1). 0 where noise explains it.
  public var variation: Double
  /// nil for a wall that is straight as far as noise tells.
  public var bend: WallBend?
}

/// Holds every wall of a profile against the map, piece by piece.
///
/// A profile is the mean along the walls. Of a wall that ends within the frame, bends or crosses others that mean is
/// measured as well as of any other, and is not the field of the wall. Every wall is therefore matched piece by
/// piece, each of half its width, on a constant of its own, the other walls taken off. So is by how far it lies beside
/// its line in each piece, by the change of its shape with a shift.
///
/// Shifts are polynomials of the second to the ninth degree along the walls (``WallBends``), offset and tilt of each
/// wall being free. Where the walls are not straight the match is made anew, with each wall and its neighbors where they
/// are, until that changes no more: then the shifts may be as large as the walls are wide.
///
/// - Parameters:
///   - walls: Of a fit to the profile.
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
    return walls.map { _ in WallCourse(variation: 0) }
  }
  let tracking = WallTracking(
    walls, map, pixel, geometry, normalAzimuth: normalAzimuth, noiseFactor: noiseFactor)
  var tracks = tracking.tracks()
  if tracks.count > 1, tracks.contains(where: { $0.variation > 0 }) {
    tracks = tracking.tracks(beside: tracks)
  }
  guard var bends = WallBends(tracks.map(\.equations), range: tracking.range) else {
    return tracks.map { WallCourse(variation: $0.variation) }
  }
  for step in 0..<WallBends.steps {
    tracks = tracking.tracks(bends, beside: tracks)
    let hasMoved = bends.move(by: tracks.map(\.equations), within: tracking.tolerance)
    let isTakenApart = step >= WallBends.firstSteps && bends.takeApart()
    if !hasMoved && step >= WallBends.firstSteps && !isTakenApart { break }
  }
  let isClear = bends.isClear
  return tracks.indices.map {
    WallCourse(
      variation: tracks[$0].variation,
      bend: isClear ? bends.bend(ofWall: $0, along: tracking.lines) : nil)
  }
}

/// The walls of a profile and the pixels beside them.
private struct WallTracking {
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
    let lines = walls.map {
      WallLine(
        azimuth: normalAzimuth, position: $0.position.value, start: -.infinity, end: .infinity,
        sechWidth: $0.width.value / InclinationGeometry.widthFactor, amplitude: $0.field.value
      ).clipped(to: frame)
    }
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
