// The two-dimensional Fourier transform of real data, which keeps half of its spectrum.
internal import CFFTW

/// The discrete Fourier transform of a real plane of `rows` × `columns`, and its inverse.
///
/// The forward transform is unnormalised, with the exponent exp(-2πi k·r):
/// F(p, q) = Σ f(r, c) exp(-2πi (p r / rows + q c / columns)). A real plane has
/// F(-p, -q) = F(p, q)*, so only q = 0 ... columns/2 are kept.
/// The inverse has the exponent exp(+2πi k·r) and is unnormalised as well: forward and inverse
/// multiply the plane by `rows · columns`.
public struct RealFourierTransform: ~Copyable, @unchecked Sendable {
  // Not a race: executing a plan only reads it, and it is destroyed by its one owner.
  private let forwardPlan: Plan
  private let inversePlan: Plan
  public let rows: Int
  public let columns: Int

  /// The number of spectral columns kept, columns/2 + 1.
  public var spectrumColumns: Int { columns / 2 + 1 }
  /// The number of samples of the plane.
  public var count: Int { rows * columns }
  /// The number of spectral samples kept, row after row.
  public var spectrumCount: Int { rows * spectrumColumns }

  /// - Parameters:
  ///   - rows: Any positive number.
  ///   - columns: Any positive number, odd or even.
  public init(rows: Int, columns: Int) {
    let (height, width) = (checkedSide(rows), checkedSide(columns))
    self.rows = rows
    self.columns = columns
    let real = TransformBuffer<Double>(uninitializedCount: rows * columns)
    let spectrum = TransformBuffer<Complex>(uninitializedCount: rows * (columns / 2 + 1))
    let (plane, complex) = (real.base, complexPointer(spectrum.base))
    forwardPlan = Plan { fftw_plan_dft_r2c_2d(height, width, plane, complex, cfftw_estimate) }
    inversePlan = Plan { fftw_plan_dft_c2r_2d(height, width, complex, plane, cfftw_estimate) }
    _ = consume real
    _ = consume spectrum
  }

  /// The spectrum of `plane`, which keeps its content.
  public func forward(
    _ plane: borrowing TransformBuffer<Double>, into spectrum: inout TransformBuffer<Complex>
  ) {
    precondition(plane.count == count && spectrum.count == spectrumCount, "buffers fit the plan")
    // SAFETY: an out-of-place transform from real data only reads its input.
    fftw_execute_dft_r2c(forwardPlan.pointer, plane.base, complexPointer(spectrum.base))
  }

  /// The plane of `spectrum`, times `rows · columns`; the content of `spectrum` is lost.
  ///
  /// The imaginary parts of the samples that are their own mirror image count as zero.
  public func inverse(
    _ spectrum: inout TransformBuffer<Complex>, into plane: inout TransformBuffer<Double>
  ) {
    precondition(plane.count == count && spectrum.count == spectrumCount, "buffers fit the plan")
    fftw_execute_dft_c2r(inversePlan.pointer, complexPointer(spectrum.base), plane.base)
  }
}

/// FFTW's view of complex numbers.
func complexPointer(
  _ base: UnsafeMutablePointer<Complex>
) -> UnsafeMutablePointer<fftw_complex> {
  // SAFETY: Complex and fftw_complex are both two doubles, the real part first.
  UnsafeMutableRawPointer(base).assumingMemoryBound(to: fftw_complex.self)
}
