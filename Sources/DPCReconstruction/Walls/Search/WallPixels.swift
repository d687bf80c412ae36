// The usable pixels of a map as a search for walls sees them.

internal import Glibc
internal import STEMCore

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
      let (u, v) = line.place(x[i], y[i], n)
      guard abs(u) <= reach, v >= line.start, v <= line.end else { continue }
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
