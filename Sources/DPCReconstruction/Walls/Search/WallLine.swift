// A straight piece of wall in the plane of the scan, and the pixels of a map as a search sees them.

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

  var normal: (x: Double, y: Double) { (cos(azimuth), sin(azimuth)) }
  var length: Double { end - start }
  var middle: Double { (start + end) / 2 }

  /// The place v along the line.
  func point(at v: Double) -> ScanPoint {
    let n = normal
    return ScanPoint(x: position * n.x - v * n.y, y: position * n.y + v * n.x)
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

/// Usable pixels of a map as plain lists.
struct WallPixels {
  var x: [Double] = []
  var y: [Double] = []
  var valueX: [Double] = []
  var valueY: [Double] = []
  var varianceX: [Double] = []
  var varianceY: [Double] = []
  var covariance: [Double] = []
  /// Half of the frame's sides, m.
  let halfWidth: Double
  let halfHeight: Double
  /// Sides of a pixel, m.
  private let pixel: PixelSize

  var count: Int { x.count }

  /// - Parameter block: So many pixels along both axes are averaged into one.
  init(_ map: VectorMap, block: Int = 1) {
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    halfWidth = Double(columns) / 2 * pixel.x
    halfHeight = Double(rows) / 2 * pixel.y
    self.pixel = PixelSize(x: Double(block) * pixel.x, y: Double(block) * pixel.y)
    for top in stride(from: 0, to: rows, by: block) {
      for left in stride(from: 0, to: columns, by: block) {
        var sums = [Double](repeating: 0, count: 7)
        var count = 0.0
        for row in top..<min(rows, top + block) {
          for column in left..<min(columns, left + block) {
            let i = row * columns + column
            guard map.mask.isUsable(i), let c = map.covariance, c.xx[i] > 0, c.yy[i] > 0 else {
              continue
            }
            count += 1
            sums[0] += (Double(column) - Double(columns - 1) / 2) * pixel.x
            sums[1] += (Double(row) - Double(rows - 1) / 2) * pixel.y
            sums[2] += map.field.x[i]
            sums[3] += map.field.y[i]
            sums[4] += c.xx[i]
            sums[5] += c.yy[i]
            sums[6] += c.xy[i]
          }
        }
        if count > 0 { append(sums, count) }
      }
    }
  }

  /// The frame of a map without its pixels.
  init(frameOf map: VectorMap) {
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    halfWidth = Double(map.shape.columns) / 2 * pixel.x
    halfHeight = Double(map.shape.rows) / 2 * pixel.y
    self.pixel = pixel
  }

  private mutating func append(_ sums: [Double], _ count: Double) {
    x.append(sums[0] / count)
    y.append(sums[1] / count)
    valueX.append(sums[2] / count)
    valueY.append(sums[3] / count)
    varianceX.append(sums[4] / (count * count))
    varianceY.append(sums[5] / (count * count))
    covariance.append(sums[6] / (count * count))
  }

  /// The pixels at the places that are asked for.
  func `where`(_ isWanted: (Double, Double) -> Bool) -> WallPixels {
    var copy = self
    let kept = (0..<count).filter { isWanted(x[$0], y[$0]) }
    copy.x = kept.map { x[$0] }
    copy.y = kept.map { y[$0] }
    copy.valueX = kept.map { valueX[$0] }
    copy.valueY = kept.map { valueY[$0] }
    copy.varianceX = kept.map { varianceX[$0] }
    copy.varianceY = kept.map { varianceY[$0] }
    copy.covariance = kept.map { covariance[$0] }
    return copy
  }

  /// The coarser side of a pixel, m.
  var coarserSide: Double { max(pixel.x, pixel.y) }

  /// What a line's width is measured by, m: the coarser side of a pixel, but no more than four pixels along the
  /// line's normal.
  ///
  /// Long pixels are coarse only for lines that run along them: one across them is seen in every row as finely as
  /// the short side.
  func step(along normal: (x: Double, y: Double)) -> Double {
    min(coarserSide, 4 / hypot(normal.x / pixel.x, normal.y / pixel.y))
  }

  /// The least step of any direction, m.
  var finestStep: Double { min(coarserSide, 4 * min(pixel.x, pixel.y)) }

  /// How far the frame reaches along a direction, m.
  func reach(along direction: (x: Double, y: Double)) -> Double {
    abs(direction.x) * halfWidth + abs(direction.y) * halfHeight
  }

  /// The component along a direction of one pixel, and its weight 1/σ².
  func component(
    _ i: Int, _ direction: (x: Double, y: Double)
  ) -> (value: Double, weight: Double) {
    let (dx, dy) = direction
    let variance =
      dx * dx * varianceX[i] + dy * dy * varianceY[i] + 2 * dx * dy * covariance[i]
    return (dx * valueX[i] + dy * valueY[i], 1 / variance)
  }

  /// Takes a wall off, or adds it with factor -1.
  mutating func subtract(_ line: WallLine, _ geometry: InclinationGeometry, factor: Double = 1) {
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    let n = line.normal
    let direction = fieldComponent(geometry.direction, n)
    // Beyond, less than 1e-17 of the field is left.
    let reach = ProjectedWall.reach(geometry, sechWidth: line.sechWidth, widths: 20)
    var (near, distances) = ([Int](), [Double]())
    for i in 0..<count {
      let u = x[i] * n.x + y[i] * n.y - line.position
      guard abs(u) <= reach else { continue }
      let v = -x[i] * n.y + y[i] * n.x
      guard v >= line.start, v <= line.end else { continue }
      near.append(i)
      distances.append(u)
    }
    let heights = shape.unitHeights(at: distances)
    for (i, unit) in zip(near, heights) {
      let height = factor * line.amplitude * unit
      valueX[i] -= height * direction.x
      valueY[i] -= height * direction.y
    }
  }

  /// - Precondition: All lists are as long as that of x.
  func checkLists() {
    let lists = [y, valueX, valueY, varianceX, varianceY, covariance]
    precondition(lists.allSatisfy { $0.count == count }, "lists of one length")
  }
}

/// The direction of the component that the image of a wall with this normal shows.
func fieldComponent(
  _ direction: FieldDirection, _ normal: (x: Double, y: Double)
) -> (x: Double, y: Double) {
  direction == .perp ? (-normal.y, normal.x) : normal
}
