// Domain walls as measured: profiles across them and the table of fitted walls.

/// A number with one standard deviation where there is one.
public struct Measurement: Sendable, Equatable, Codable {
  public var value: Double
  /// One standard deviation; nil where nothing is known of it, never zero for "unknown".
  public var error: Double?

  public init(_ value: Double, error: Double? = nil) {
    self.value = value
    self.error = error
  }
}

/// The mean of a quantity along a wall, as a function of the distance across it.
public struct LineProfile: Sendable, Equatable, Codable {
  /// Distance along the wall normal from the center of the scan ((n-1)/2 pixels), m; ascending.
  public var distance: [Double]
  /// Means along the wall, one for each distance, in the unit of the map.
  public var value: [Double]
  /// Standard error of each value, nil where there is none.
  public var error: [Double]?
  /// Number of samples averaged into each value.
  public var sampleCount: [Int]
  /// By how much values changed along the wall, in their unit per m, where that stood above its error: it was taken
  /// off before they were averaged.
  public var slopeAlong: Measurement?

  public init(distance: [Double], value: [Double], error: [Double]?, sampleCount: [Int]) {
    precondition(
      value.count == distance.count && sampleCount.count == distance.count
        && (error.map { $0.count == distance.count } ?? true), "one value per distance")
    self.distance = distance
    self.value = value
    self.error = error
    self.sampleCount = sampleCount
  }
}

/// One wall: where it is, how strong its field is and how wide it is.
public struct Wall: Sendable, Equatable, Codable {
  /// Along the wall normal from the center of the scan, m.
  public var position: Measurement
  /// Amplitude at the wall, V/m; positive along the wall normal's azimuth for `parallel` and
  /// `normal` fields, along azimuth + 90° for `perp`.
  public var field: Measurement
  /// Intrinsic full width at half maximum, m.
  public var width: Measurement

  public init(position: Measurement, field: Measurement, width: Measurement) {
    self.position = position
    self.field = field
    self.width = width
  }
}
