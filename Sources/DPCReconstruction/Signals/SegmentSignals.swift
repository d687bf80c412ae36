// Corrected segment signals of one frame, or of many averaged into one.
public import STEMCore

/// The signals of every segment at every scan position, dark and gain corrected.
public struct SegmentSignals: Sendable, Equatable {
  public let shape: GridShape
  public let segmentCount: Int
  /// `values[segment * shape.count + position]`; zero, not NaN, where the mask says unusable.
  public var values: [Double]
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
}
