// Corrected segment signals of one frame, or of many averaged into one.
public import STEMCore

/// The signals of every segment at every scan position, dark and gain corrected.
public struct SegmentSignals: Sendable, Equatable {
  /// Of the scan.
  public let shape: GridShape
  public let segmentCount: Int
  /// `values[segment * shape.count + position]`; zero, not NaN, where the mask says unusable.
  public var values: [Double]
  /// One for all segments of a position.
  public var mask: PixelMask
  /// Electrons per unit of `values`; nil where no statement about counting errors is possible.
  public var electronsPerUnit: Double?
  /// By what factor the variance exceeds (or falls below) that of counting `values` once.
  public var varianceFactor: Double
  /// How many exposures a position's signals add up, of repeated frames or of the positions of a cell: the median over
  /// the usable positions.
  public var exposures: Double

  public init(
    shape: GridShape, segmentCount: Int, values: [Double], mask: PixelMask,
    electronsPerUnit: Double?, varianceFactor: Double = 1, exposures: Double = 1
  ) {
    precondition(values.count == segmentCount * shape.count, "one signal per segment and position")
    precondition(mask.shape == shape, "mask and signals share a shape")
    self.shape = shape
    self.segmentCount = segmentCount
    self.values = values
    self.mask = mask
    self.electronsPerUnit = electronsPerUnit
    self.varianceFactor = varianceFactor
    self.exposures = exposures
  }

  /// The summed signal at a position.
  public func sum(at position: Int) -> Double {
    var sum = 0.0
    for segment in 0..<segmentCount { sum += values[segment * shape.count + position] }
    return sum
  }

  /// The part in a window.
  public func cropped(to window: ScanWindow) -> SegmentSignals {
    let count = shape.count
    let parts = (0..<segmentCount).flatMap { segment in
      window.part(of: values[(segment * count)..<((segment + 1) * count)], shape: shape)
    }
    return SegmentSignals(
      shape: window.shape, segmentCount: segmentCount, values: parts,
      mask: mask.cropped(to: window), electronsPerUnit: electronsPerUnit,
      varianceFactor: varianceFactor, exposures: exposures)
  }

  /// The inverse: signals of a part of a window as those of all of it; what is beyond is missing.
  ///
  /// - Parameters:
  ///   - part: Where the signals lie, in the scan.
  ///   - window: All of it, which holds the part.
  public func spread(from part: ScanWindow, to window: ScanWindow) -> SegmentSignals {
    precondition(
      part.shape == shape && part.firstRow >= window.firstRow
        && part.firstColumn >= window.firstColumn
        && part.firstRow + shape.rows <= window.firstRow + window.shape.rows
        && part.firstColumn + shape.columns <= window.firstColumn + window.shape.columns,
      "a part lies in its window")
    let (count, width) = (window.shape.count, window.shape.columns)
    var values = [Double](repeating: 0, count: segmentCount * count)
    var mask = [UInt8](repeating: PixelFlags.missing.rawValue, count: count)
    for row in 0..<shape.rows {
      let source = row * shape.columns
      let target =
        (row + part.firstRow - window.firstRow) * width + part.firstColumn - window.firstColumn
      for column in 0..<shape.columns {
        mask[target + column] = self.mask.bytes[source + column]
        for segment in 0..<segmentCount {
          values[segment * count + target + column] =
            self.values[segment * shape.count + source + column]
        }
      }
    }
    return SegmentSignals(
      shape: window.shape, segmentCount: segmentCount, values: values,
      mask: PixelMask(shape: window.shape, bytes: mask), electronsPerUnit: electronsPerUnit,
      varianceFactor: varianceFactor, exposures: exposures)
  }
}
