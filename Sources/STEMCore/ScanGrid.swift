// The scan: its shape, its pixel size and the planes of numbers that live on it.

/// Number of rows (y, slow scan, downwards) and columns (x, fast scan, to the right).
public struct GridShape: Sendable, Equatable, Hashable, Codable, CustomStringConvertible {
  /// Positions along y.
  public var rows: Int
  /// Positions along x.
  public var columns: Int

  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a shape has no negative side")
    self.rows = rows
    self.columns = columns
  }

  public var count: Int { rows * columns }
  public var description: String { "\(rows)×\(columns)" }
}

/// Distance between neighboring scan positions along each axis, m.
public struct PixelSize: Sendable, Equatable, Codable {
  public var x: Double
  public var y: Double

  public init(x: Double, y: Double) {
    precondition(x > 0 && y > 0, "a pixel size is positive")
    self.x = x
    self.y = y
  }
}

/// One number per scan position, row after row.
public struct ScalarField: Sendable, Equatable, Codable {
  public let shape: GridShape
  /// Row-major: the value at (row, column) stands at `row * shape.columns + column`.
  public var values: [Double]

  public init(shape: GridShape, values: [Double]) {
    precondition(values.count == shape.count, "a field has one value per scan position")
    self.shape = shape
    self.values = values
  }

  public init(shape: GridShape, repeating value: Double = 0) {
    self.init(shape: shape, values: [Double](repeating: value, count: shape.count))
  }

  public subscript(row: Int, column: Int) -> Double {
    get { values[row * shape.columns + column] }
    set { values[row * shape.columns + column] = newValue }
  }
}

/// One vector per scan position: x to the right along a row, y downwards along a column.
public struct VectorField: Sendable, Equatable {
  public let shape: GridShape
  /// Components to the right, row after row: the one at (row, column) stands at `row * shape.columns + column`.
  public var x: [Double]
  /// Components downwards, in the same order.
  public var y: [Double]

  public init(shape: GridShape, x: [Double], y: [Double]) {
    precondition(x.count == shape.count && y.count == shape.count, "one vector per scan position")
    self.shape = shape
    self.x = x
    self.y = y
  }

  public init(shape: GridShape, repeating vector: (x: Double, y: Double) = (0, 0)) {
    self.init(
      shape: shape, x: [Double](repeating: vector.x, count: shape.count),
      y: [Double](repeating: vector.y, count: shape.count))
  }
}
