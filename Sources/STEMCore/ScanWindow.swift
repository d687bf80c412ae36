// A rectangle of the scan, and the part of a map that lies in it.

/// A rectangle of the scan.
public struct ScanWindow: Codable, Sendable, Equatable {
  public var firstRow: Int
  public var firstColumn: Int
  public var shape: GridShape

  public init(firstRow: Int, firstColumn: Int, shape: GridShape) {
    self.firstRow = firstRow
    self.firstColumn = firstColumn
    self.shape = shape
  }

  public init(wholeOf shape: GridShape) {
    self.init(firstRow: 0, firstColumn: 0, shape: shape)
  }

  /// The part of a plane of numbers, row after row, that lies in the window.
  ///
  /// - Precondition: The window lies in the plane, whose shape is `shape`.
  @inlinable
  public func part<Values: RandomAccessCollection<Number>, Number>(
    of values: Values, shape whole: GridShape
  ) -> [Number] where Values.Index == Int {
    precondition(
      firstRow >= 0 && firstColumn >= 0 && firstRow + shape.rows <= whole.rows
        && firstColumn + shape.columns <= whole.columns && values.count == whole.count,
      "a window lies in its plane")
    var result: [Number] = []
    result.reserveCapacity(shape.count)
    for row in firstRow..<(firstRow + shape.rows) {
      let start = values.startIndex + row * whole.columns + firstColumn
      result.append(contentsOf: values[start..<(start + shape.columns)])
    }
    return result
  }
}

extension PixelMask {
  /// The part in a window.
  public func cropped(to window: ScanWindow) -> PixelMask {
    PixelMask(shape: window.shape, bytes: window.part(of: bytes, shape: shape))
  }
}

extension VectorMap {
  /// The part in a window.
  public func cropped(to window: ScanWindow) -> VectorMap {
    func part(_ values: [Double]) -> [Double] { window.part(of: values, shape: shape) }
    return VectorMap(
      field: VectorField(shape: window.shape, x: part(field.x), y: part(field.y)),
      covariance: covariance.map {
        VectorCovariance(shape: window.shape, xx: part($0.xx), yy: part($0.yy), xy: part($0.xy))
      }, mask: mask.cropped(to: window), pixelSize: pixelSize)
  }
}

extension ScalarField {
  /// The part in a window.
  public func cropped(to window: ScanWindow) -> ScalarField {
    ScalarField(shape: window.shape, values: window.part(of: values, shape: shape))
  }
}

extension ScalarMap {
  /// The part in a window.
  public func cropped(to window: ScanWindow) -> ScalarMap {
    func part(_ values: [Double]) -> [Double] { window.part(of: values, shape: shape) }
    return ScalarMap(
      field: field.cropped(to: window),
      variance: variance.map(part), mask: mask.cropped(to: window), pixelSize: pixelSize)
  }
}
