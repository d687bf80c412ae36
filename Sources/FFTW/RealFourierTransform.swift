// The two-dimensional Fourier transform of real data, which keeps half of its spectrum.
internal import CFFTW

/// The discrete Fourier transform of a real plane of `rows` × `columns`, and its inverse.
///
/// The forward transform is unnormalized, with the exponent exp(-2πi k·r):
/// F(p, q) = Σ f(r, c) exp(-2πi (p r / rows + q c / columns)). A real plane has
/// F(-p, -q) = F(p, q)*, so only q = 0 ... columns/2 are kept.
/// The inverse has the exponent exp(+2πi k·r) and is unnormalized as well: forward and inverse
/// multiply the plane by `rows · columns`.
public struct RealFourierTransform: ~Copyable, Sendable {
  private let forwardRows: LinePlans
  private let inverseRows: LinePlans
  let columnTransform: ColumnTransform
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
    self.rows = rows
    self.columns = columns
    let (length, width) = (checkedSide(columns), Int32(columns / 2 + 1))
    let lines = checkedLineCount(rows)
    let real = planningBuffer(rows: rows, columns: columns, of: Double.self)
    let spectrum = planningBuffer(rows: rows, columns: columns / 2 + 1, of: Complex.self)
    let (plane, complex) = (real.base, complexPointer(spectrum.base))
    forwardRows = LinePlans(lineCount: lines, lineLength: columns) { lines in
      withUnsafePointer(to: length) {
        fftw_plan_many_dft_r2c(
          1, $0, lines, plane, nil, 1, length, complex, nil, 1, width, cfftw_estimate)
      }
    }
    inverseRows = LinePlans(lineCount: lines, lineLength: columns) { lines in
      withUnsafePointer(to: length) {
        fftw_plan_many_dft_c2r(
          1, $0, lines, complex, nil, 1, width, plane, nil, 1, length, cfftw_estimate)
      }
    }
    columnTransform = ColumnTransform(rows: rows, columns: columns / 2 + 1)
    _ = consume real
    _ = consume spectrum
  }

  /// The spectrum of `plane`, which keeps its content.
  public func forward(
    _ plane: borrowing TransformBuffer<Double>, into spectrum: inout TransformBuffer<Complex>
  ) {
    precondition(plane.count == count && spectrum.count == spectrumCount, "buffers fit the plan")
    let (columns, width) = (columns, spectrumColumns)
    // SAFETY: a group reads its own rows, which an out-of-place transform leaves alone, and writes its own.
    nonisolated(unsafe) let (source, target) = (plane.base, spectrum.base)
    forwardRows.forEachGroup { plan, first, _ in
      fftw_execute_dft_r2c(
        plan, source + first * columns, complexPointer(target + first * width))
    }
    columnTransform.forward(spectrum.base)
  }

  /// The spectra of the rows of a plane that is nowhere held as a whole.
  func forwardRows(
    into spectrum: UnsafeMutablePointer<Complex>,
    _ fill: PlaneFill
  ) {
    let (columns, width) = (columns, spectrumColumns)
    // SAFETY: a group writes its own rows.
    nonisolated(unsafe) let target = spectrum
    forwardRows.forEachGroup { plan, first, count in
      let lines = TransformBuffer<Double>(uninitializedCount: count * columns)
      fill(first..<(first + count), lines.base)
      fftw_execute_dft_r2c(plan, lines.base, complexPointer(target + first * width))
      _ = consume lines
    }
  }

  /// What `body` makes of the spectra of two planes, column by column. Neither plane is held as a whole, and the columns'
  /// transforms only as long as `body` looks at them.
  ///
  /// - Parameters:
  ///   - first: Writes some rows of one plane, one behind the other; called from several threads.
  ///   - second: The same of the other.
  ///   - body: Gets a column of each spectrum, one wave for each row, and which one it is.
  /// - Returns: In the order of the columns.
  public func mapColumns<Output: Sendable>(
    _ first: PlaneFill, _ second: PlaneFill,
    _ body: @Sendable (_ first: Span<Complex>, _ second: Span<Complex>, _ column: Int) -> Output
  ) -> [Output] {
    let left = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    let right = TransformBuffer<Complex>(uninitializedCount: spectrumCount)
    forwardRows(into: left.base, first)
    forwardRows(into: right.base, second)
    let outputs = columnTransform.map(left.base, right.base, body)
    _ = consume left
    _ = consume right
    return outputs
  }

  /// The plane of `spectrum`, times `rows · columns`; the content of `spectrum` is lost.
  ///
  /// The imaginary parts of the samples that are their own mirror image count as zero.
  public func inverse(
    _ spectrum: inout TransformBuffer<Complex>, into plane: inout TransformBuffer<Double>
  ) {
    precondition(plane.count == count && spectrum.count == spectrumCount, "buffers fit the plan")
    columnTransform.inverse(spectrum.base)
    inverseRows(spectrum.base, into: plane.base)
  }

  func inverseRows(
    _ spectrum: UnsafeMutablePointer<Complex>, into plane: UnsafeMutablePointer<Double>
  ) {
    let (columns, width) = (columns, spectrumColumns)
    // SAFETY: a group reads and writes its own rows.
    nonisolated(unsafe) let (source, target) = (spectrum, plane)
    inverseRows.forEachGroup { plan, first, _ in
      fftw_execute_dft_c2r(
        plan, complexPointer(source + first * width), target + first * columns)
    }
  }
}

/// FFTW's view of complex numbers.
func complexPointer(
  _ base: UnsafeMutablePointer<Complex>
) -> UnsafeMutablePointer<fftw_complex> {
  // SAFETY: Complex and fftw_complex are both two doubles, the real part first.
  UnsafeMutableRawPointer(base).assumingMemoryBound(to: fftw_complex.self)
}
