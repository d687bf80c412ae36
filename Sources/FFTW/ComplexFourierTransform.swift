// The two-dimensional Fourier transform of complex data, in place.
internal import CFFTW

/// The discrete Fourier transform of a complex plane of `rows` × `columns`, and its inverse, in place.
///
/// Exponents and scale are those of ``RealFourierTransform``: exp(-2πi k·r) forwards, exp(+2πi k·r) backwards,
/// neither normalized.
public struct ComplexFourierTransform: ~Copyable, Sendable {
  private let forwardRows: LinePlans
  private let inverseRows: LinePlans
  private let columnTransform: ColumnTransform
  public let rows: Int
  public let columns: Int

  /// The number of samples of the plane.
  public var count: Int { rows * columns }

  /// - Parameters:
  ///   - rows: Any positive number.
  ///   - columns: Any positive number.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    let lines = checkedLineCount(rows)
    forwardRows = complexLines(lineCount: lines, lineLength: columns, FFTW_FORWARD)
    inverseRows = complexLines(lineCount: lines, lineLength: columns, FFTW_BACKWARD)
    columnTransform = ColumnTransform(rows: rows, columns: columns)
  }

  /// Puts the spectrum in the place of the plane.
  public func forward(_ plane: inout TransformBuffer<Complex>) {
    precondition(plane.count == count, "the buffer fits the plan")
    transformRows(plane.base, forwardRows)
    columnTransform.forward(plane.base)
  }

  /// Puts the plane, times `rows · columns`, in the place of its spectrum.
  public func inverse(_ plane: inout TransformBuffer<Complex>) {
    precondition(plane.count == count, "the buffer fits the plan")
    transformRows(plane.base, inverseRows)
    columnTransform.inverse(plane.base)
  }

  private func transformRows(
    _ plane: UnsafeMutablePointer<Complex>, _ plans: borrowing LinePlans
  ) {
    let columns = columns
    // SAFETY: each group of lines is transformed by one thread.
    nonisolated(unsafe) let plane = plane
    plans.forEachGroup { plan, first, _ in
      let line = complexPointer(plane + first * columns)
      fftw_execute_dft(plan, line, line)
    }
  }
}

/// The Fourier transform along the columns of a complex plane, in place, neither way normalized.
struct ColumnTransform: ~Copyable, Sendable {
  private let forwardPlans: LinePlans
  private let inversePlans: LinePlans
  private let rows: Int

  init(rows: Int, columns: Int) {
    self.rows = rows
    let lines = checkedLineCount(columns)
    forwardPlans = complexLines(lineCount: lines, lineLength: rows, FFTW_FORWARD)
    inversePlans = complexLines(lineCount: lines, lineLength: rows, FFTW_BACKWARD)
  }

  func forward(_ plane: UnsafeMutablePointer<Complex>) { transform(plane, forwardPlans) }
  func inverse(_ plane: UnsafeMutablePointer<Complex>) { transform(plane, inversePlans) }

  /// What `body` makes of the transformed columns of two planes, which stay as they are.
  func map<Output: Sendable>(
    _ first: UnsafeMutablePointer<Complex>, _ second: UnsafeMutablePointer<Complex>,
    _ body: @Sendable (_ first: Span<Complex>, _ second: Span<Complex>, _ column: Int) -> Output
  ) -> [Output] {
    let rows = rows
    return forwardPlans.mapColumnGroups(of: first, second, rows: rows) {
      plan, left, right, columns in
      for lines in [left, right] {
        fftw_execute_dft(plan, complexPointer(lines), complexPointer(lines))
      }
      return columns.enumerated().map { index, column in
        body(
          UnsafeBufferPointer(start: left + index * rows, count: rows).span,
          UnsafeBufferPointer(start: right + index * rows, count: rows).span, column)
      }
    }.flatMap { $0 }
  }

  /// Transforms the columns of two planes, has each pair of them changed, and transforms them back.
  ///
  /// - Parameters:
  ///   - keepsSecond: Whether the second plane is to come back; else its content is of no use afterwards.
  ///   - change: Gets a column of both.
  func change(
    _ first: UnsafeMutablePointer<Complex>, _ second: UnsafeMutablePointer<Complex>,
    keepsSecond: Bool,
    _ change:
      @Sendable (
        _ first: UnsafeMutablePointer<Complex>, _ second: UnsafeMutablePointer<Complex>,
        _ column: Int
      ) -> Void
  ) {
    let (rows, there, back) = (rows, forwardPlans.groupPlans(), inversePlans.groupPlans())
    forwardPlans.forEachColumnGroup(of: first, second, rows: rows, copiesSecond: keepsSecond) {
      left, right, columns in
      for lines in [left, right] {
        fftw_execute_dft(there[columns.count], complexPointer(lines), complexPointer(lines))
      }
      for (index, column) in columns.enumerated() {
        change(left + index * rows, right + index * rows, column)
      }
      for lines in keepsSecond ? [left, right] : [left] {
        fftw_execute_dft(back[columns.count], complexPointer(lines), complexPointer(lines))
      }
    }
  }

  private func transform(
    _ plane: UnsafeMutablePointer<Complex>, _ plans: borrowing LinePlans
  ) {
    plans.forEachColumnGroup(of: plane, rows: rows) { plan, lines, _ in
      fftw_execute_dft(plan, complexPointer(lines), complexPointer(lines))
    }
  }
}

/// Plans of complex lines one behind the other, in place.
private func complexLines(lineCount: Int, lineLength: Int, _ sign: Int32) -> LinePlans {
  let length = checkedSide(lineLength)
  let buffer = planningBuffer(rows: lineCount, columns: lineLength, of: Complex.self)
  let base = complexPointer(buffer.base)
  let plans = LinePlans(lineCount: lineCount, lineLength: lineLength) { lines in
    withUnsafePointer(to: length) {
      fftw_plan_many_dft(
        1, $0, lines, base, nil, 1, length, base, nil, 1, length, sign, cfftw_estimate)
    }
  }
  _ = consume buffer
  return plans
}
