// The walls of a table as lines on a map, numbered as its facts number them.
internal import DPCReconstruction
internal import FieldRendering
internal import Foundation
internal import Pipeline
internal import STEMCore

/// Where walls stand in the scan.
enum WallsOnMap {
  /// Walls with their ends, where they were sought with them; those of a profile run from rim to rim.
  ///
  /// - Parameters:
  ///   - value: Walls or a fitted profile; none in any other.
  ///   - shape: Of the scan.
  static func walls(of value: (any StageValue)?, shape: GridShape) -> [MapWall] {
    switch value {
    case let value as WallsValue:
      let side = value.thickness * tan(value.inclination)
      // A wall's own width and the path through it, as widths of a convolution add up.
      func imageWidth(_ width: Double) -> Double { hypot(width / cos(value.inclination), side) }
      guard let found = value.found else {
        return across(value.table, value.orientation, value.context, shape, imageWidth)
      }
      return value.table.rows.indices.map { index in
        let (start, end) = (found.start[index], found.end[index])
        return MapWall(
          label: "\(index + 1)", start: (start.x, start.y), end: (end.x, end.y),
          width: imageWidth(value.table.rows[index].wall.width.value))
      }
    case let value as WallProfileValue:
      return value.table.map { across($0, value.orientation, value.context, shape) { $0 } } ?? []
    default: return []
    }
  }

  /// Walls from rim to rim; `imageWidth` makes the width in the image of a wall's own, m.
  private static func across(
    _ table: WallTable, _ orientation: WallOrientation, _ context: MapContext, _ shape: GridShape,
    _ imageWidth: (Double) -> Double
  ) -> [MapWall] {
    guard let size = context.metadata.pixelSize else { return [] }
    let (cosine, sine) = (cos(orientation.normalAzimuth), sin(orientation.normalAzimuth))
    let reach = Double(shape.columns) * size.x + Double(shape.rows) * size.y
    return table.rows.enumerated().map { index, row in
      let u = row.wall.position.value
      return MapWall(
        label: "\(index + 1)", start: (u * cosine + reach * sine, u * sine - reach * cosine),
        end: (u * cosine - reach * sine, u * sine + reach * cosine),
        width: imageWidth(row.wall.width.value))
    }
  }
}
