// The spectra of two real planes changed side by side and led back: each column is fetched once.
internal import CFFTW

extension RealFourierTransform {
  /// Gets a column of two spectra to change: one wave for each row, and which column it is; called from several threads.
  public typealias SpectraChange =
    @Sendable (
      _ first: UnsafeMutableBufferPointer<Complex>, _ second: UnsafeMutableBufferPointer<Complex>,
      _ column: Int
    ) -> Void

  /// Two planes, times `rows · columns`, after a change of their spectra. The planes before it are nowhere held as a
  /// whole.
  ///
  /// - Parameters:
  ///   - first: Writes one plane.
  ///   - second: Writes the other.
  ///   - change: Changes a column of both spectra.
  public func filtered(
    _ first: PlaneFill, _ second: PlaneFill, _ change: SpectraChange
  ) -> (first: [Double], second: [Double]) {
    let left = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    let right = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    let (a, b) = (left.base, right.base)
    changeSpectra(a, first, b, second, keepsSecond: true, change)
    let x = plane(of: left)
    return (x, plane(of: right))
  }

  /// One plane, times `rows · columns`, made of the spectra of two.
  ///
  /// - Parameters:
  ///   - first: Writes one plane.
  ///   - second: Writes the other.
  ///   - combine: Puts what both spectra give in the place of the first.
  public func combined(
    _ first: PlaneFill, _ second: PlaneFill, _ combine: SpectraChange
  ) -> [Double] {
    let left = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    let right = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    let (a, b) = (left.base, right.base)
    changeSpectra(a, first, b, second, keepsSecond: false, combine)
    _ = consume right
    return plane(of: left)
  }

  private func changeSpectra(
    _ left: UnsafeMutablePointer<Complex>, _ first: PlaneFill,
    _ right: UnsafeMutablePointer<Complex>, _ second: PlaneFill, keepsSecond: Bool,
    _ change: SpectraChange
  ) {
    forwardRows(into: left, first)
    forwardRows(into: right, second)
    let rows = rows
    columnTransform.change(left, right, keepsSecond: keepsSecond) { a, b, column in
      change(
        UnsafeMutableBufferPointer(start: a, count: rows),
        UnsafeMutableBufferPointer(start: b, count: rows), column)
    }
  }

  /// What the rows of a spectrum give whose columns are led back already.
  private func plane(of spectrum: consuming TransformBuffer<Complex>) -> [Double] {
    let (count, base) = (count, spectrum.base)
    let plane = [Double](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      if let target = buffer.baseAddress, count > 0 {
        // Swift aligns the numbers of an array as malloc does.
        precondition(fftw_alignment_of(target) == 0, "an array is aligned as the plan wants it")
        inverseRows(base, into: target)
      }
      initializedCount = count
    }
    _ = consume spectrum
    return plane
  }
}
