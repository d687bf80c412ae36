// Descan: the drift of the disc with the scan position, which is not the specimen's doing.
public import STEMCore
internal import WorkSharing

/// A deflection that depends linearly on the scan position, in the detector frame.
public struct DescanPlane: Sendable, Equatable {
  /// At the scan's center, rad.
  public var center: Vector2
  /// Change per column (to the right), rad.
  public var perColumn: Vector2
  /// Change per row (downwards), rad.
  public var perRow: Vector2

  public init(center: Vector2, perColumn: Vector2, perRow: Vector2) {
    self.center = center
    self.perColumn = perColumn
    self.perRow = perRow
  }

  /// The plane over a scan, rad.
  public func field(over shape: GridShape) -> VectorField {
    var field = VectorField(shape: shape)
    for row in 0..<shape.rows {
      let v = Double(row) - Double(shape.rows - 1) / 2
      for column in 0..<shape.columns {
        let u = Double(column) - Double(shape.columns - 1) / 2
        let position = row * shape.columns + column
        field.x[position] = center.x + perColumn.x * u + perRow.x * v
        field.y[position] = center.y + perColumn.y * u + perRow.y * v
      }
    }
    return field
  }

  /// Least squares over the usable pixels of a deflection map; see ``fitDescan(to:degree:selection:weights:)``.
  ///
  /// A side of one pixel has no slope along it.
  ///
  /// - Returns: nil where fewer than three pixels are usable, or where they lie on a line.
  public init?(fittedTo map: VectorMap) {
    guard let fit = try? fitDescan(to: map, degree: .plane) else { return nil }
    self = fit.surface.plane
  }
}

extension VectorMap {
  /// Subtracts a plane from the usable pixels of a deflection map.
  ///
  /// The covariance stays that of the pixels among each other: the plane's own error is common to all of
  /// them, so averages do not lower it and differences do not contain it.
  public mutating func remove(_ plane: DescanPlane) {
    let (rows, columns, mask) = (shape.rows, shape.columns, mask)
    let height = 64
    field.rewrite { old, new in
      shareWork((rows + height - 1) / height) { band in
        for row in (band * height)..<min((band + 1) * height, rows) {
          let v = Double(row) - Double(rows - 1) / 2
          for column in 0..<columns {
            let position = row * columns + column
            let u = Double(column) - Double(columns - 1) / 2
            let isUsable = mask.isUsable(position)
            let x = plane.center.x + plane.perColumn.x * u + plane.perRow.x * v
            let y = plane.center.y + plane.perColumn.y * u + plane.perRow.y * v
            new.x[position] = old.x[position] - (isUsable ? x : 0)
            new.y[position] = old.y[position] - (isUsable ? y : 0)
          }
        }
      }
    }
  }
}
