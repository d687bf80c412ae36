// The normal of walls that are too weak, or in too narrow a frame, for gradients to show it.

public import STEMCore

/// The normal of the clearest walls of a map.
public struct FoundWallNormal: Sendable, Equatable {
  /// Of all walls, or of the family with the most signal, from +x towards +y, in [-67.5°, 112.5°), rad.
  public var azimuth: Double
  /// One standard deviation, rad; nil where very different azimuths explain the map about as well, as of walls
  /// that are wider in the image than the frame shows of their length.
  public var azimuthError: Double?
  /// Of all walls of both components together, standard deviations above noise.
  public var significance: Double
}

/// Finds the normal of straight walls by the profile across them: of all azimuths that one at which a profile of any
/// shape, in both components, explains most of the map.
///
/// Where no profile stands out of the noise, and where the map varies along it as walls do that end or cross, the
/// walls of ``findWalls(in:geometry:noiseFactor:options:checkpoint:)`` are asked, in the field component that shows
/// them more clearly. A line of a whole wall gains on gradients, which see little of a wall that is wide in a narrow
/// frame. Both take time in proportion to the frame and to the azimuths that it can show, and are made for frames
/// narrower than 192 pixels: in wider ones the filters of ``measuredWallNormal(of:correlation:)``
/// can be as wide as walls are.
///
/// Walls are sought as they appear in the image, whatever their inclination: of that only their width and little
/// of their shape depends.
///
/// - Parameters:
///   - map: A vector per scan position in the scan frame, any unit.
///   - correlation: Over how many pixels along x and y errors go together, at least 1.
///   - checkpoint: Called often; what it throws ends the search.
/// - Returns: nil in wider frames, and where no wall stands out of the noise.
/// - Throws: ``WallError/pixelSizeMissing``; what `checkpoint` throws.
public func foundWallNormal(
  of map: VectorMap, correlation: (x: Double, y: Double) = (1, 1),
  checkpoint: () throws -> Void = {}
) throws -> FoundWallNormal? {
  guard map.pixelSize != nil else { throw WallError.pixelSizeMissing }
  guard (3..<narrowSide).contains(min(map.shape.rows, map.shape.columns)) else { return nil }
  let (scaled, errorScale) = searchable(map, noiseFactor: correlation.x * correlation.y)
  if let power = ProfilePower(scaled),
    let normal = try PowerfulNormal(power, checkpoint: checkpoint)
  {
    return FoundWallNormal(
      azimuth: normalAzimuth(along: normal.azimuth),
      azimuthError: normal.error.map { $0 * errorScale },
      significance: normal.gain.squareRoot() / errorScale)
  }
  var options = WallFindingOptions()
  // Nobody has asked for walls here, as whoever searches for them has.
  options.falseWallsPerMap = 1e-5
  var clearest: WallFindings?
  var power = 0.0
  for geometry in [InclinationGeometry.imagePlane, .imagePlane.ofOtherComponent] {
    let findings = try findWalls(
      in: map, geometry: geometry, noiseFactor: correlation.x * correlation.y,
      options: options, checkpoint: checkpoint)
    power += findings.power
    if findings.power > clearest?.power ?? 0 { clearest = findings }
  }
  guard let clearest, let azimuth = clearest.families.first else { return nil }
  return FoundWallNormal(
    azimuth: azimuth, azimuthError: clearest.azimuthError(ofFamily: 0),
    significance: power.squareRoot() / clearest.errorScale)
}

/// Frames with as many pixels along both sides hold filters for walls of 40 pixels.
private let narrowSide = 192
