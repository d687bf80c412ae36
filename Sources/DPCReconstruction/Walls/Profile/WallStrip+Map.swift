// The pixels of a map beside a line, and other walls taken off them.

internal import STEMCore

extension WallStrip {
  /// The usable pixels beside a line from rim to rim: of a large map a small part.
  ///
  /// - Parameter reach: On either side of it, m.
  init(
    _ map: VectorMap, _ pixel: PixelSize, beside line: WallLine, reach: Double,
    direction: FieldDirection
  ) {
    guard let errors = map.covariance else { return }
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    let n = line.normal
    let d = fieldComponent(direction, n)
    func place(_ row: Int) -> Double { (Double(row) - Double(rows - 1) / 2) * pixel.y }
    let ranges = (0..<rows).map { Self.columns(columns, pixel, at: place($0), beside: line, reach) }
    pixels.reserveCapacity(ranges.reduce(0) { $0 + $1.count })
    let (xx, yy, xy) = (errors.xx.span, errors.yy.span, errors.xy.span)
    let (fieldX, fieldY) = (map.field.x.span, map.field.y.span)
    for (row, range) in ranges.enumerated() {
      let y = place(row)
      for column in range {
        let i = row * columns + column
        let variance = d.x * d.x * xx[i] + d.y * d.y * yy[i] + 2 * d.x * d.y * xy[i]
        guard map.mask.isUsable(i), variance > 0 else { continue }
        let x = (Double(column) - Double(columns - 1) / 2) * pixel.x
        pixels.append(
          Pixel(
            u: x * n.x + y * n.y - line.position, v: y * n.x - x * n.y,
            value: d.x * fieldX[i] + d.y * fieldY[i], weight: 1 / variance))
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
  /// - Parameters:
  ///   - reach: Of the strip; four widths beyond it 1e-6 is left of a wall's height.
  ///   - track: Of the other wall, whose field may vary along it.
  ///   - shift: By which the other wall leaves its line; nil where it does not.
  mutating func subtract(
    _ other: WallLine, _ track: WallTrack?, shiftedBy shift: WallShift?, from line: WallLine,
    reach: Double, _ geometry: InclinationGeometry
  ) {
    let offset = line.position - other.position
    let width = geometry.projectedWidth(sechWidth: other.sechWidth)
    if abs(offset) > reach + 4 * width { return }
    let distances = pixels.map { $0.u + offset - (shift?.value(at: $0.v) ?? 0) }
    let heights = ProjectedWall(geometry: geometry, sechWidth: other.sechWidth)
      .unitHeights(at: distances)
    guard let track, track.variation > 0 else {
      for i in pixels.indices { pixels[i].value -= other.amplitude * heights[i] }
      return
    }
    for i in pixels.indices { pixels[i].value -= track.field(at: pixels[i].v) * heights[i] }
  }

  /// The strip with its distances counted from where the wall is.
  mutating func straighten(by shift: WallShift) {
    for i in pixels.indices { pixels[i].u -= shift.value(at: pixels[i].v) }
  }
}
