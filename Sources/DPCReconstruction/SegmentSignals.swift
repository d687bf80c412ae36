// Corrected segment signals of one frame, or of many averaged into one.
public import STEMCore

/// The signals of every segment at every scan position, dark and gain corrected.
public struct SegmentSignals: Sendable, Equatable {
  public private(set) var shape: GridShape
  public let segmentCount: Int
  /// `values[segment * shape.count + position]`; zero, not NaN, where the mask says unusable.
  public var values: [Double]
  public var mask: PixelMask
  /// Electrons per unit of `values`; nil where no statement about counting errors is possible.
  public var electronsPerUnit: Double?
  /// By what factor the variance exceeds (or falls below) that of counting `values` once.
  public var varianceFactor: Double

  public init(
    shape: GridShape, segmentCount: Int, values: [Double], mask: PixelMask,
    electronsPerUnit: Double?, varianceFactor: Double = 1
  ) {
    precondition(values.count == segmentCount * shape.count, "one signal per segment and position")
    precondition(mask.shape == shape, "mask and signals share a shape")
    self.shape = shape
    self.segmentCount = segmentCount
    self.values = values
    self.mask = mask
    self.electronsPerUnit = electronsPerUnit
    self.varianceFactor = varianceFactor
  }

  /// Forgets all rows but these, in place.
  public mutating func keepRows(_ rows: Range<Int>) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of the signals")
    let part = GridShape(rows: rows.count, columns: shape.columns)
    let first = rows.lowerBound * shape.columns
    values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      // Each segment moves towards the beginning, past those that have moved already.
      for segment in 0..<segmentCount {
        (base + segment * part.count).update(
          from: base + segment * shape.count + first, count: part.count)
      }
    }
    values.removeLast(values.count - segmentCount * part.count)
    mask = PixelMask(shape: part, bytes: Array(mask.bytes[first..<(first + part.count)]))
    shape = part
  }

  /// The summed signal at a position.
  public func sum(at position: Int) -> Double {
    var sum = 0.0
    for segment in 0..<segmentCount { sum += values[segment * shape.count + position] }
    return sum
  }
}
