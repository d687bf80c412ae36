// Finds straight walls anywhere in a map: the entry point of the search.

public import STEMCore

/// Finds straight walls, their azimuths, lengths, fields and widths, by matched filtering.
///
/// Lines of every azimuth, place, length and width compete by the gain in χ² of the projected wall on a
/// local constant; the best one is refined, held against what is no wall (short, uneven, a step), taken
/// off, and the search repeated until nothing exceeds the threshold. Each wall is then fitted through the
/// thickness as by ``fitWalls(profile:geometry:options:isInterrupted:)`` on the pixels along its own length, neighbors
/// together, walls of other families taken off; one that a step or a smooth background explains better is
/// refused. No azimuth is preferred; families may cross.
///
/// - Parameters:
///   - map: Mean field over the thickness, V/m, scan frame; masked pixels are left out.
///   - geometry: The specimen; its direction names the component: `perp` along the wall (azimuth + 90°),
///     `parallel` and `normal` across it.
///   - options: Thresholds and the azimuth to count from.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels (smoothing).
///   - checkpoint: Called often between lines; what it throws ends the search.
/// - Returns: Possibly no walls. Normals lie in [-67.5°, 112.5°) unless an azimuth is preferred: two
///   opposite normals are one wall, and vertical, horizontal and diagonal walls are far from that seam.
/// - Throws: ``WallError`` without a pixel size, where the direction factor vanishes or with fewer than three
///   rows or columns; what `checkpoint` throws.
public func findWalls(
  in map: VectorMap, geometry: InclinationGeometry, noiseFactor: Double = 1,
  options: WallFindingOptions = WallFindingOptions(), checkpoint: () throws -> Void = {}
) throws -> WallFindings {
  try checkWallsShow(in: map, geometry)
  var (level, errorScale) = searchable(map, noiseFactor: noiseFactor)
  var findings = WallFindings(errorScale: errorScale)
  // What is left of descan is stronger at the rim than any line, varies along any wall, and is none.
  if let plane = PlanarBackground.plane(of: level) {
    level.remove(plane)
    findings.isLeveled = true
  }
  if let structure = structureDimension(
    of: VectorMap(
      field: level.field, covariance: map.covariance, mask: map.mask, pixelSize: map.pixelSize),
    noiseFactor: noiseFactor),
    structure.isTwoDimensional
  {
    findings.isTwoDimensional = true
    return findings
  }
  var options = options
  // Without noise the model's own misfit is significant.
  if errorScale > 1 { options.minimumFraction = max(0.1, options.minimumFraction) }
  let lines = try huntedLines(
    in: &level, geometry: geometry, options: options, &findings, checkpoint: checkpoint)
  var fitting = FoundWallFitting(map: level, geometry: geometry, options: options, lines: lines)
  try fitting.complete(&findings, checkpoint: checkpoint)
  return findings
}

/// - Throws: ``WallError`` where no wall could be seen, or its azimuth.
private func checkWallsShow(in map: VectorMap, _ geometry: InclinationGeometry) throws {
  guard map.pixelSize != nil else { throw WallError.pixelSizeMissing }
  guard abs(geometry.directionFactor) >= 1e-9 else {
    throw WallError.invisibleField(geometry.direction, inclination: geometry.inclination)
  }
  // Any two places lie on a line.
  guard min(map.shape.rows, map.shape.columns) >= 3 else {
    throw WallError.azimuthNotShown(map.shape, needed: 3)
  }
}

/// The lines that stand out of the noise, and in the findings what was refused on the way.
///
/// - Parameter map: Loses the walls of the other component where the clearest line is none but their shadow.
private func huntedLines(
  in map: inout VectorMap, geometry: InclinationGeometry, options: WallFindingOptions,
  _ findings: inout WallFindings, checkpoint: () throws -> Void
) throws -> [WallLine] {
  var hunt = WallHunt(map: map, geometry: geometry, options: options)
  findings.threshold = hunt.requiredGain.squareRoot()
  let shadow = try hunt.begin(checkpoint: checkpoint)
  let casting = try castingWalls(
    clearerThan: shadow.map(hunt.power), in: map, geometry: geometry, options: options,
    checkpoint: checkpoint)
  if !casting.isEmpty {
    map.subtract(casting, geometry.ofOtherComponent)
    hunt = WallHunt(map: map, geometry: geometry, options: options, crossing: casting)
  }
  try hunt.run(checkpoint: checkpoint)
  findings.isCutShort = hunt.isFull
  findings.rejections = hunt.rejections
  findings.strongestRefused = hunt.strongestRefused
  if let shadow, !casting.isEmpty, hunt.lines.isEmpty {
    findings.rejections.append(.otherComponent)
    findings.strongestRefused.consider(shadow.gain.squareRoot(), .otherComponent)
  }
  return hunt.lines
}

/// The walls of the other component, where its clearest line is clearer than that of the one that is sought.
///
/// At the angle δ to such a wall the component that is sought is sin δ of the other one, and pieces of
/// lines can find walls in that: shadows, less clear than what casts them. They are gone with it, and a
/// wall that has both components stays with its own.
private func castingWalls(
  clearerThan power: Double?, in map: VectorMap, geometry: InclinationGeometry,
  options: WallFindingOptions, checkpoint: () throws -> Void
) throws -> [WallLine] {
  guard let power else { return [] }
  var hunt = WallHunt(map: map, geometry: geometry.ofOtherComponent, options: options)
  guard let wall = try hunt.begin(checkpoint: checkpoint), hunt.power(of: wall) > power else {
    return []
  }
  try hunt.run(checkpoint: checkpoint)
  return hunt.lines.isEmpty ? [] : hunt.taken
}

/// The map with errors as a search needs them: enlarged for correlated noise, and taken from the scatter
/// where there are none, or far too large ones. Masked pixels are left alone.
func searchable(
  _ map: VectorMap, noiseFactor: Double
) -> (map: VectorMap, errorScale: Double) {
  var map = map
  let count = map.shape.count
  let largest = (0..<count).reduce(0.0) { max($0, abs(map.field.x[$1]), abs(map.field.y[$1])) }
  let observed = max(varianceOfFinestStructure(of: map) / 2, 1e-20 * largest * largest)
  guard let stated = meanVariance(of: map), let covariance = map.covariance else {
    let plane = [Double](repeating: observed, count: count)
    map.covariance = VectorCovariance(
      shape: map.shape, xx: plane, yy: plane, xy: [Double](repeating: 0, count: count))
    return (map, 1)
  }
  // Smoothing lowers the finest structure by itself; only independent pixels can be held against it.
  let isContradicted = noiseFactor == 1 && observed < 0.09 * stated / 2
  let ratio = isContradicted ? max(2 * observed / stated, 1e-6) : noiseFactor
  map.covariance = VectorCovariance(
    shape: map.shape, xx: covariance.xx.map { ratio * $0 }, yy: covariance.yy.map { ratio * $0 },
    xy: covariance.xy.map { ratio * $0 })
  return (map, isContradicted ? 1 / ratio.squareRoot() : 1)
}
