// Whether the walls of a profile have one field along their whole length.

public import STEMCore
internal import WorkSharing

/// By how much the field of each wall of a profile varies along it.
///
/// A profile is the mean along the walls. Of a wall that ends within the frame, bends or crosses others that mean is
/// measured as well as of any other, and is not the field of the wall. Every wall is therefore matched piece by
/// piece, each of half its width, on a constant of its own, the other walls taken off.
///
/// - Parameters:
///   - walls: Of a fit to the profile.
///   - map: From which the profile was formed, with its errors.
///   - geometry: Of the fit; its direction names the component.
///   - normalAzimuth: Of the profile, from +x towards +y, rad.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: For each wall the standard deviation of its field along it over its mean field, noise taken off: of a
///   wall that fills the part p of its line √(1/p - 1). 0 where noise explains it, and where nothing is known of
///   the noise.
public func variationAlongWalls(
  _ walls: [Wall], in map: VectorMap, geometry: InclinationGeometry, normalAzimuth: Double,
  noiseFactor: Double = 1
) -> [Double] {
  guard let pixel = map.pixelSize, map.covariance != nil else { return walls.map { _ in 0 } }
  let frame = WallPixels(frameOf: map)
  let lines = walls.map {
    WallLine(
      azimuth: normalAzimuth, position: $0.position.value, start: -.infinity, end: .infinity,
      sechWidth: $0.width.value / InclinationGeometry.widthFactor, amplitude: $0.field.value)
  }
  return concurrentMap(lines.count) { index in
    let line = lines[index]
    let reach = WallRefinement.window * geometry.projectedWidth(sechWidth: line.sechWidth)
    var strip = WallStrip(map, pixel, beside: line, reach: reach, direction: geometry.direction)
    for other in lines.indices where other != index {
      strip.subtract(lines[other], from: line, reach: reach, geometry)
    }
    let pieces = WallPieces(
      strip, geometry, line.clipped(to: frame), coarserSide: max(pixel.x, pixel.y))
    // What scatters more than its errors say within the pieces varies no more along the wall than there.
    return pieces.modulation(noise: max(noiseFactor, pieces.misfit))
  }
}

extension WallStrip {
  /// The usable pixels beside a line from rim to rim: of a large map a small part.
  ///
  /// - Parameter reach: On either side of it, m.
  fileprivate init(
    _ map: VectorMap, _ pixel: PixelSize, beside line: WallLine, reach: Double,
    direction: FieldDirection
  ) {
    guard let errors = map.covariance else { return }
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    let n = line.normal
    let d = fieldComponent(direction, n)
    func place(_ row: Int) -> Double { (Double(row) - Double(rows - 1) / 2) * pixel.y }
    let ranges = (0..<rows).map { Self.columns(columns, pixel, at: place($0), beside: line, reach) }
    let count = ranges.reduce(0) { $0 + $1.count }
    for list in [\WallStrip.u, \.v, \.value, \.weight] {
      self[keyPath: list].reserveCapacity(count)
    }
    let (xx, yy, xy) = (errors.xx.span, errors.yy.span, errors.xy.span)
    let (fieldX, fieldY) = (map.field.x.span, map.field.y.span)
    for (row, range) in ranges.enumerated() {
      let y = place(row)
      for column in range {
        let i = row * columns + column
        let variance = d.x * d.x * xx[i] + d.y * d.y * yy[i] + 2 * d.x * d.y * xy[i]
        guard map.mask.isUsable(i), variance > 0 else { continue }
        let x = (Double(column) - Double(columns - 1) / 2) * pixel.x
        u.append(x * n.x + y * n.y - line.position)
        v.append(y * n.x - x * n.y)
        value.append(d.x * fieldX[i] + d.y * fieldY[i])
        weight.append(1 / variance)
      }
    }
  }

  /// Columns of the row at y whose pixels are no further from a line.
  private static func columns(
    _ count: Int, _ pixel: PixelSize, at y: Double, beside line: WallLine, _ reach: Double
  ) -> Range<Int> {
    let n = line.normal
    let rest = line.position - y * n.y
    guard abs(n.x) > 1e-12 else { return abs(rest) <= reach ? 0..<count : 0..<0 }
    let ends = [rest - reach, rest + reach].map { $0 / (n.x * pixel.x) + Double(count - 1) / 2 }
    let first = max(0, min(ends[0], ends[1]).rounded(.up))
    let last = min(Double(count - 1), max(ends[0], ends[1]).rounded(.down))
    return first <= last ? Int(first)..<(Int(last) + 1) : 0..<0
  }

  /// Takes a wall off that runs beside the strip's own line from rim to rim.
  ///
  /// - Parameter reach: Of the strip; four widths beyond it 1e-6 is left of a wall's height.
  fileprivate mutating func subtract(
    _ other: WallLine, from line: WallLine, reach: Double, _ geometry: InclinationGeometry
  ) {
    let offset = line.position - other.position
    let width = geometry.projectedWidth(sechWidth: other.sechWidth)
    if abs(offset) > reach + 4 * width { return }
    let heights = ProjectedWall(geometry: geometry, sechWidth: other.sechWidth)
      .unitHeights(at: u.map { $0 + offset })
    for i in value.indices { value[i] -= other.amplitude * heights[i] }
  }
}
