// Both components of a field there, their modes changed side by side, and back: each column is fetched once.
internal import CFFTW

/// A filter of two planes: one in cosines along x and sines along y, the other in sines along x and cosines along y.
///
/// Such are both components of a gradient, or of a rotated gradient, whose potential vanishes on a rim half a sample
/// outside. Modes that have no partner in the other plane, the cosines' constant and the last of the sines, which
/// alternates from sample to sample, come out as zero.
public struct CosineSineFilter: ~Copyable, Sendable {
  private let cosineSine: TrigonometricTransform
  private let sineCosine: TrigonometricTransform
  private let cosineSineBack: TrigonometricTransform
  private let sineCosineBack: TrigonometricTransform
  private let rows: Int

  /// By how much samples are multiplied whose modes are not changed.
  public var roundTripFactor: Double { cosineSine.roundTripFactor }

  /// - Parameters:
  ///   - rows: Of both planes.
  ///   - columns: Of both planes.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    func transform(_ x: TrigonometricKind, _ y: TrigonometricKind) -> TrigonometricTransform {
      TrigonometricTransform(rows: rows, columns: columns, alongX: x, alongY: y)
    }
    cosineSine = transform(.cosine2, .sine2)
    sineCosine = transform(.sine2, .cosine2)
    cosineSineBack = transform(.cosine3, .sine3)
    sineCosineBack = transform(.sine3, .cosine3)
  }

  /// Fills both planes, transforms them, has their modes changed, and transforms them back.
  ///
  /// - Parameters:
  ///   - first: Gets the plane in cosines along x and sines along y; what it holds before does not matter.
  ///   - second: The other one.
  ///   - fillFirst: Writes rows of the first plane.
  ///   - fillSecond: Of the second.
  ///   - change: Gets the modes of both planes with m half periods along x, m > 0; at index n - 1, n > 0, of both stand
  ///     those with n half periods along y. Called from several threads.
  public func apply(
    _ first: inout [Double], _ second: inout [Double], filling fillFirst: PlaneFill,
    _ fillSecond: PlaneFill,
    _ change:
      @Sendable (
        _ first: UnsafeMutableBufferPointer<Double>, _ second: UnsafeMutableBufferPointer<Double>,
        _ m: Int
      ) -> Void
  ) {
    cosineSine.withPlane(&first) { first in
      sineCosine.withPlane(&second) { second in
        cosineSine.transformRows(first, filling: fillFirst)
        sineCosine.transformRows(second, filling: fillSecond, shiftedBy: 1)
        changeColumns(first, second, change)
        cosineSineBack.transformRows(first)
        sineCosineBack.transformRows(second, shiftedBy: -1)
      }
    }
  }

  private func changeColumns(
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>,
    _ change:
      @Sendable (
        UnsafeMutableBufferPointer<Double>, UnsafeMutableBufferPointer<Double>, Int
      ) -> Void
  ) {
    let rows = rows
    cosineSine.transformColumns(
      first, back: cosineSineBack, with: second, sineCosine, back: sineCosineBack
    ) {
      sines, cosines, m in
      if m == 0 {
        sines.update(repeating: 0, count: rows)
        cosines.update(repeating: 0, count: rows)
      } else {
        change(
          UnsafeMutableBufferPointer(start: sines, count: rows - 1),
          UnsafeMutableBufferPointer(start: cosines + 1, count: rows - 1), m)
        sines[rows - 1] = 0
        cosines[0] = 0
      }
    }
  }
}
