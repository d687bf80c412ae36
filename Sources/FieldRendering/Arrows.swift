// Arrows over a vector map: the mean of the measured pixels of equal cells.
internal import STEMCore

/// An arrow on the canvas, in points; y downwards as everywhere.
struct Arrow: Equatable {
  var tail: Point
  var tip: Point

  /// The outline: a shaft that widens a little towards a triangular head.
  var outline: [Point] {
    let (dx, dy) = (tip.x - tail.x, tip.y - tail.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 0 else { return [] }
    let (ux, uy) = (dx / length, dy / length)
    let head = min(0.46 * length, 11)
    let (wing, shaft) = (0.36 * head, max(0.085 * head, 0.28))
    // Along the arrow from its tail, and to the side.
    func at(_ along: Double, _ side: Double) -> Point {
      Point(x: tail.x + along * ux - side * uy, y: tail.y + along * uy + side * ux)
    }
    let neck = length - 0.88 * head
    return [
      at(0, shaft), at(neck, shaft), at(length - head, wing), tip, at(length - head, -wing),
      at(neck, -shaft), at(0, -shaft),
    ]
  }
}

/// Which scan positions share an arrow and how long it is.
struct ArrowGrid {
  /// Aimed at along the longer side.
  static let countAlongLongerSide = 28.0
  /// A mean below this part of the limit has no arrow, nor one whose arrow would be a dot.
  static let smallest = 0.08
  static let smallestInPoints = 1.8
  /// The longest arrow, in cells and in points.
  static let largestInCells = 0.92
  static let largestInPoints = 40.0

  /// The arrows of a map that fills a rectangle, row after row.
  static func arrows(of map: VectorMap, limit: Double, in rect: Rect) -> [Arrow] {
    guard limit > 0 else { return [] }
    let pitch = Point(
      x: rect.width / Double(map.shape.columns), y: rect.height / Double(map.shape.rows))
    let wanted = max(rect.width, rect.height) / countAlongLongerSide
    func positions(_ count: Int, _ pitch: Double) -> (perCell: Int, cells: Int, first: Int) {
      let perCell = min(count, max(1, Int((wanted / pitch).rounded())))
      let cells = count / perCell
      return (perCell, cells, (count - cells * perCell) / 2)
    }
    let rows = positions(map.shape.rows, pitch.y)
    let columns = positions(map.shape.columns, pitch.x)
    let cell = min(Double(rows.perCell) * pitch.y, Double(columns.perCell) * pitch.x)
    let longest = min(largestInCells * cell, largestInPoints)
    var arrows: [Arrow] = []
    for row in 0..<rows.cells {
      for column in 0..<columns.cells {
        let top = rows.first + row * rows.perCell
        let left = columns.first + column * columns.perCell
        guard
          let mean = mean(
            of: map, rows: top..<top + rows.perCell, columns: left..<left + columns.perCell)
        else { continue }
        let magnitude = (mean.x * mean.x + mean.y * mean.y).squareRoot()
        guard magnitude >= smallest * limit, magnitude * longest >= smallestInPoints * limit
        else { continue }
        let half = longest * min(magnitude / limit, 1) / magnitude / 2
        let middle = Point(
          x: rect.x + (mean.column + 0.5) * pitch.x, y: rect.y + (mean.row + 0.5) * pitch.y)
        arrows.append(
          Arrow(
            tail: Point(x: middle.x - half * mean.x, y: middle.y - half * mean.y),
            tip: Point(x: middle.x + half * mean.x, y: middle.y + half * mean.y)))
      }
    }
    return arrows
  }

  /// The mean of the measured pixels and where it comes from; nil where they are less than half of the cell.
  ///
  /// A wall narrower than the cell is where its field is, not at the cell's middle: the place is the mean of the
  /// positions, each weighted by its field's component along the mean field. Noise cannot move it out of the cell.
  private static func mean(
    of map: VectorMap, rows: Range<Int>, columns: Range<Int>
  ) -> (x: Double, y: Double, row: Double, column: Double)? {
    var (x, y, count) = (0.0, 0.0, 0)
    /// Of the components times the position in the cell.
    var (xByRow, yByRow, xByColumn, yByColumn) = (0.0, 0.0, 0.0, 0.0)
    for row in rows {
      for column in columns {
        let index = row * map.shape.columns + column
        guard map.mask.isUsable(index), map.isDrawn(index) else { continue }
        let (vx, vy) = (map.field.x[index], map.field.y[index])
        x += vx
        y += vy
        xByRow += vx * Double(row)
        yByRow += vy * Double(row)
        xByColumn += vx * Double(column)
        yByColumn += vy * Double(column)
        count += 1
      }
    }
    guard count > 0, 2 * count >= rows.count * columns.count else { return nil }
    let power = x * x + y * y
    func place(_ x: Double, _ y: Double, _ range: Range<Int>) -> Double {
      let (first, last) = (Double(range.lowerBound), Double(range.upperBound - 1))
      return power > 0 ? min(max((x + y) / power, first), last) : (first + last) / 2
    }
    return (
      x / Double(count), y / Double(count), place(x * xByRow, y * yByRow, rows),
      place(x * xByColumn, y * yByColumn, columns)
    )
  }
}
