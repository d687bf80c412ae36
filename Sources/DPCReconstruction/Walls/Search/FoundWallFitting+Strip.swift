// The pixels along one found line, and which of the walls fitted across them is its own.

internal import Glibc
internal import STEMCore

extension FoundWallFitting {
  func nearest(
    to line: WallLine, among walls: [FittedWall], width: Double
  ) -> FittedWall? {
    walls.filter {
      abs($0.wall.position.value - line.position) < width
        && $0.wall.field.value * line.amplitude > 0
        && $0.flags.isDisjoint(with: [.insignificant, .cutByRim])
    }.min {
      abs($0.wall.position.value - line.position) < abs($1.wall.position.value - line.position)
    }
  }

  /// Whether a line lies where a profile ends, or was fitted there.
  func isCut(
    _ line: WallLine, by profile: LineProfile, _ fit: WallFit, width: Double
  ) -> Bool {
    guard let first = profile.distance.first, let last = profile.distance.last else { return true }
    let distance = min(line.position - first, last - line.position)
    return distance < WallFitOptions.rimDistance * width
      || fit.fitted.contains {
        $0.flags.contains(.cutByRim) && $0.wall.field.value * line.amplitude > 0
          && abs($0.wall.position.value - line.position) < max(width, $0.imageWidth)
      }
  }

  /// Whether all walls found run side by side over the same length, so that one profile holds them all.
  var isWhole: Bool {
    guard let first = lines.first else { return false }
    return lines.indices.allSatisfy {
      familyOf[$0] == 0 && first.overlap(with: lines[$0]) >= 0.8
    }
  }

  /// The stretch along a line whose pixels make its profile, which takes in the corners of the frame unless it shall
  /// be short.
  func stretch(of line: WallLine, width: Double, isShort: Bool = false) -> (
    start: Double, end: Double
  ) {
    // The last piece of an end within the frame may already lie beyond the wall.
    let margin = min(width / 2, line.length / 8)
    let frame = WallLine(
      azimuth: line.azimuth, position: line.position, start: -.infinity, end: .infinity,
      sechWidth: 1
    ).clipped(to: WallPixels(frameOf: map))
    let whole = isShort ? (frame.start, frame.end) : (-.infinity, .infinity)
    return (
      line.start - frame.start > width ? line.start + margin : whole.0,
      frame.end - line.end > width ? line.end - margin : whole.1
    )
  }

  /// The map with nothing but the pixels along one line usable, walls of other families taken off.
  ///
  /// A line from rim to rim takes all pixels of the frame on, unless it shall be short.
  func strip(_ index: Int, width: Double, isShort: Bool) -> VectorMap {
    let line = lines[index]
    let crossing = lines.indices.filter { familyOf[$0] != familyOf[index] }.map { lines[$0] }
    let shapes = crossing.map { ProjectedWall(geometry: geometry, sechWidth: $0.sechWidth) }
    let normals = crossing.map(\.normal)
    let components = crossing.map { fieldComponent(geometry.direction, $0.normal) }
    let pixels = WallPixels(frameOf: map)
    // Lines across a frame longer than four of its short sides are short; their neighbors are to be seen all the same.
    let long =
      max(pixels.halfWidth, pixels.halfHeight) - 4 * min(pixels.halfWidth, pixels.halfHeight)
    let reach =
      isWhole ? Double.infinity : max(4 * width, 1.5 * line.length, min(8 * width, long))
    var strip = map
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let n = line.normal
    let (start, end) = stretch(of: line, width: width, isShort: isShort)
    for row in 0..<map.shape.rows {
      let y = (Double(row) - Double(map.shape.rows - 1) / 2) * pixel.y
      for column in 0..<map.shape.columns {
        let x = (Double(column) - Double(map.shape.columns - 1) / 2) * pixel.x
        let i = row * map.shape.columns + column
        let (u, v) = (x * n.x + y * n.y, y * n.x - x * n.y)
        if v < start || v > end || abs(u - line.position) > reach {
          strip.mask.bytes[i] |= PixelFlags.missing.rawValue
          continue
        }
        for k in crossing.indices {
          let (across, along) = crossing[k].place(x, y, normals[k])
          guard along >= crossing[k].start, along <= crossing[k].end else { continue }
          let height = crossing[k].amplitude * shapes[k].unitHeight(at: across)
          strip.field.x[i] -= height * components[k].x
          strip.field.y[i] -= height * components[k].y
        }
      }
    }
    return strip
  }
}

extension VectorMap {
  /// Takes walls off all pixels.
  mutating func subtract(_ lines: [WallLine], _ geometry: InclinationGeometry) {
    let pixel = pixelSize ?? PixelSize(x: 1, y: 1)
    for line in lines {
      let wall = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
      let n = line.normal
      let component = fieldComponent(geometry.direction, n)
      for row in 0..<shape.rows {
        let y = (Double(row) - Double(shape.rows - 1) / 2) * pixel.y
        for column in 0..<shape.columns {
          let x = (Double(column) - Double(shape.columns - 1) / 2) * pixel.x
          let (u, v) = line.place(x, y, n)
          guard v >= line.start, v <= line.end else { continue }
          let height = line.amplitude * wall.unitHeight(at: u)
          field.x[row * shape.columns + column] -= height * component.x
          field.y[row * shape.columns + column] -= height * component.y
        }
      }
    }
  }
}
