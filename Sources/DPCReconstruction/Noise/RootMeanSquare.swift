// How strong a map is, and how well it is known.

public import STEMCore
internal import WorkSharing

/// The root mean square length of the vectors of usable pixels, in the map's unit; 0 where there is none.
public func rootMeanSquare(_ map: VectorMap) -> Double {
  let parts = mapPieces(map.shape.count) { positions in
    var (sum, count) = (0.0, 0)
    for position in positions where map.mask.isUsable(position) {
      sum += map.field.x[position] * map.field.x[position]
      sum += map.field.y[position] * map.field.y[position]
      count += 1
    }
    return (sum: sum, count: count)
  }
  let count = parts.reduce(0) { $0 + $1.count }
  return count > 0 ? (parts.reduce(0) { $0 + $1.sum } / Double(count)).squareRoot() : 0
}

extension ScalarMap {
  /// The root of the mean variance over usable pixels, in the map's unit; nil where errors are unknown or no pixel is
  /// usable.
  public var rootMeanSquareError: Double? {
    variance.flatMap { usableMean($0, mask) }.map { $0.squareRoot() }
  }
}
