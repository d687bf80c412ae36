// Measured vector maps: a field, what is known of its error, and which pixels to trust.

/// The axes in which a vector's components are given.
public enum ReferenceFrame: String, Sendable, Equatable, Codable {
  /// Axes of the detector, azimuths as `start + orientation`.
  case detector
  /// Axes of the scan: x along a row, y down a column.
  case scan
}

/// The covariance matrix of a vector at every scan position, row after row, in the square of the vector's unit.
public struct VectorCovariance: Sendable, Equatable {
  public let shape: GridShape
  public var xx: [Double]
  public var yy: [Double]
  public var xy: [Double]

  public init(shape: GridShape, xx: [Double], yy: [Double], xy: [Double]) {
    precondition(
      xx.count == shape.count && yy.count == shape.count && xy.count == shape.count,
      "a covariance has one matrix per scan position")
    self.shape = shape
    self.xx = xx
    self.yy = yy
    self.xy = xy
  }
}

/// A vector field with its errors and its mask; unusable pixels hold zero, never NaN.
public struct VectorMap: Sendable, Equatable {
  public var field: VectorField
  /// One-pixel covariance; nil where nothing is known of it (no counting statistics).
  public var covariance: VectorCovariance?
  public var mask: PixelMask
  /// nil where the acquisition does not state it.
  public var pixelSize: PixelSize?

  public init(
    field: VectorField, covariance: VectorCovariance?, mask: PixelMask, pixelSize: PixelSize?
  ) {
    precondition(mask.shape == field.shape, "mask and field share a shape")
    precondition(covariance.map { $0.shape == field.shape } ?? true, "errors share the shape")
    self.field = field
    self.covariance = covariance
    self.mask = mask
    self.pixelSize = pixelSize
  }

  public var shape: GridShape { field.shape }
}

/// A scalar field with its errors and its mask; unusable pixels hold zero, never NaN.
public struct ScalarMap: Sendable, Equatable {
  public var field: ScalarField
  /// One-pixel variance; nil where nothing is known of it.
  public var variance: [Double]?
  public var mask: PixelMask
  public var pixelSize: PixelSize?

  public init(
    field: ScalarField, variance: [Double]?, mask: PixelMask, pixelSize: PixelSize?
  ) {
    precondition(mask.shape == field.shape, "mask and field share a shape")
    precondition(variance.map { $0.count == field.shape.count } ?? true, "errors share the shape")
    self.field = field
    self.variance = variance
    self.mask = mask
    self.pixelSize = pixelSize
  }

  public var shape: GridShape { field.shape }
}
