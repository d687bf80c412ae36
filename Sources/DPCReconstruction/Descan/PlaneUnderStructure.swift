// How strong the plane is on which the structure of a map lies: what descan leaves looks like that.

public import STEMCore

/// A plane, fitted to each component by least squares, beside what the map has besides it.
public struct PlaneUnderStructure: Sendable, Equatable {
  /// Root mean square of the plane over the frame, both components together, in the map's unit.
  public var plane: Double
  /// Root mean square of all else, noise included.
  public var rest: Double

  /// As many positions along each side are enough.
  private static let side = 128

  /// - Parameter map: Any unit; masked positions are left out.
  /// - Returns: nil where too few positions are left to fit a plane.
  public init?(_ map: VectorMap) {
    let sample = Self.sample(map)
    guard let fit = try? fitDescan(to: sample, degree: .plane) else { return nil }
    var rest = sample
    rest.remove(fit.surface)
    var surface = rest
    surface.field = fit.surface.field()
    self.rest = rootMeanSquare(rest)
    plane = rootMeanSquare(surface)
  }

  private static func sample(_ map: VectorMap) -> VectorMap {
    func places(_ count: Int) -> [Int] {
      Array(stride(from: 0, to: count, by: max(1, (count + side - 1) / side)))
    }
    let (rows, columns) = (places(map.shape.rows), places(map.shape.columns))
    let shape = GridShape(rows: rows.count, columns: columns.count)
    var sample = VectorMap(
      field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
      pixelSize: nil)
    for (row, y) in rows.enumerated() {
      for (column, x) in columns.enumerated() {
        let (index, place) = (row * columns.count + column, y * map.shape.columns + x)
        sample.field.x[index] = map.field.x[place]
        sample.field.y[index] = map.field.y[place]
        sample.mask.bytes[index] = map.mask.bytes[place]
      }
    }
    return sample
  }
}
