// There, a change of the modes, and back: each column is fetched once for all three.
internal import CFFTW

/// A filter of planes in a trigonometric series.
public struct TrigonometricFilter: ~Copyable, Sendable {
  private let forward: TrigonometricTransform
  private let inverse: TrigonometricTransform

  /// By how much the samples are multiplied where no mode is changed.
  public var roundTripFactor: Double { forward.roundTripFactor }

  /// - Parameters:
  ///   - alongX: The series within each row, of `columns` samples.
  ///   - alongY: The series within each column, of `rows` samples.
  public init(
    rows: Int, columns: Int, alongX: TrigonometricKind, alongY: TrigonometricKind
  ) {
    forward = TrigonometricTransform(rows: rows, columns: columns, alongX: alongX, alongY: alongY)
    inverse = TrigonometricTransform(
      rows: rows, columns: columns, alongX: alongX.inverse, alongY: alongY.inverse)
  }

  /// Transforms the samples, has their modes changed, and transforms them back.
  ///
  /// - Parameter change: Gets a column of modes, one for each row, and which one it is; called from several threads.
  public func apply(
    to samples: inout [Double],
    _ change: @Sendable (_ modes: UnsafeMutableBufferPointer<Double>, _ column: Int) -> Void
  ) {
    forward.withPlane(&samples) { plane in
      forward.transformRows(plane)
      forward.transformColumns(plane, back: inverse, change)
      inverse.transformRows(plane)
    }
  }
}
