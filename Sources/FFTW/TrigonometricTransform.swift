// Cosine and sine transforms of real data, for mirrored rims.
internal import CFFTW

/// Which trigonometric series one axis of n samples is expanded in. All are unnormalized.
public enum TrigonometricKind: Sendable, CaseIterable {
  /// DCT-I, samples on the rim: Y(m) = X(0) + (-1)^m X(n-1) + 2 Σ_{0<j<n-1} X(j) cos(π j m/(n-1)).
  /// Its own inverse; needs two samples.
  case cosine1
  /// DCT-II, rim half a sample outside: Y(m) = 2 Σ X(j) cos(π (j + ½) m/n).
  case cosine2
  /// DCT-III, the inverse of DCT-II: Y(j) = X(0) + 2 Σ_{m>0} X(m) cos(π m (j + ½)/n).
  case cosine3
  /// DST-I, zero one sample outside: Y(m) = 2 Σ X(j) sin(π (j + 1)(m + 1)/(n + 1)). Its own inverse.
  case sine1
  /// DST-II, zero half a sample outside: Y(m) = 2 Σ X(j) sin(π (j + ½)(m + 1)/n).
  case sine2
  /// DST-III, the inverse of DST-II:
  /// Y(j) = (-1)^j X(n-1) + 2 Σ_{m<n-1} X(m) sin(π (m + 1)(j + ½)/n).
  case sine3

  /// The series that undoes this one, up to ``roundTripFactor(count:)``.
  public var inverse: TrigonometricKind {
    switch self {
    case .cosine1: .cosine1
    case .cosine2: .cosine3
    case .cosine3: .cosine2
    case .sine1: .sine1
    case .sine2: .sine3
    case .sine3: .sine2
    }
  }

  /// By how much `count` samples grow when transformed and transformed back.
  public func roundTripFactor(count: Int) -> Double {
    switch self {
    case .cosine1: Double(2 * (count - 1))
    case .sine1: Double(2 * (count + 1))
    case .cosine2, .cosine3, .sine2, .sine3: Double(2 * count)
    }
  }

  fileprivate var fftwKind: fftw_r2r_kind {
    switch self {
    case .cosine1: FFTW_REDFT00
    case .cosine2: FFTW_REDFT10
    case .cosine3: FFTW_REDFT01
    case .sine1: FFTW_RODFT00
    case .sine2: FFTW_RODFT10
    case .sine3: FFTW_RODFT01
    }
  }

  fileprivate var smallestCount: Int { self == .cosine1 ? 2 : 1 }
}

/// A trigonometric transform of a line or of a plane, in place.
public struct TrigonometricTransform: ~Copyable, Sendable {
  private let rowPlans: LinePlans
  /// nil for a single line.
  private let columnPlans: LinePlans?
  private let rows: Int
  private let columns: Int
  /// By how much this transform followed by its inverse multiplies the samples.
  public let roundTripFactor: Double

  public var count: Int { rows * columns }

  /// Transforms one line of `count` samples.
  public init(count: Int, kind: TrigonometricKind) {
    rows = 1
    columns = count
    roundTripFactor = kind.roundTripFactor(count: count)
    rowPlans = Self.plans(lineCount: 1, lineLength: count, kind)
    columnPlans = nil
  }

  /// Transforms a plane, row after row, in both directions, on all threads.
  ///
  /// - Parameters:
  ///   - alongX: The series within each row, of `columns` samples.
  ///   - alongY: The series within each column, of `rows` samples.
  public init(
    rows: Int, columns: Int, alongX: TrigonometricKind, alongY: TrigonometricKind
  ) {
    self.rows = rows
    self.columns = columns
    roundTripFactor =
      alongX.roundTripFactor(count: columns) * alongY.roundTripFactor(count: rows)
    rowPlans = Self.plans(lineCount: rows, lineLength: columns, alongX)
    columnPlans = Self.plans(lineCount: columns, lineLength: rows, alongY)
  }

  private static func plans(
    lineCount: Int, lineLength: Int, _ kind: TrigonometricKind
  ) -> LinePlans {
    precondition(lineLength >= kind.smallestCount, "the series needs more samples")
    let length = checkedSide(lineLength)
    let buffer = planningBuffer(rows: lineCount, columns: lineLength, of: Double.self)
    let base = buffer.base
    let plans = LinePlans(lineCount: checkedLineCount(lineCount), lineLength: lineLength) { lines in
      withUnsafePointer(to: length) { length in
        withUnsafePointer(to: kind.fftwKind) { kind in
          fftw_plan_many_r2r(
            1, length, lines, base, nil, 1, length.pointee, base, nil, 1, length.pointee, kind,
            cfftw_estimate)
        }
      }
    }
    _ = consume buffer
    return plans
  }

  /// Replaces the samples by their transform.
  public func transform(_ buffer: inout TransformBuffer<Double>) {
    precondition(buffer.count == count, "the buffer fits the plan")
    transform(buffer.base)
  }

  /// Replaces the samples by their transform.
  public func transform(_ samples: inout [Double]) {
    withPlane(&samples) { transform($0) }
  }

  func withPlane(_ samples: inout [Double], _ body: (UnsafeMutablePointer<Double>) -> Void) {
    precondition(samples.count == count, "the samples fit the plan")
    samples.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      // Swift aligns the numbers of an array as malloc does.
      precondition(fftw_alignment_of(base) == 0, "the samples are aligned as the plan wants them")
      body(base)
    }
  }

  private func transform(_ base: UnsafeMutablePointer<Double>) {
    transformRows(base)
    columnPlans?.forEachColumnGroup(of: base, rows: rows) { plan, lines, _ in
      fftw_execute_r2r(plan, lines, lines)
    }
  }

  /// Transforms the rows.
  ///
  /// - Parameters:
  ///   - base: The plane.
  ///   - fill: Writes some rows first.
  ///   - shift: 1 moves what comes out one place along its row, -1 what goes in one place back; the place that is left
  ///     holds zero, and what is beyond the row is lost.
  func transformRows(
    _ base: UnsafeMutablePointer<Double>,
    filling fill: PlaneFill = { _, _ in },
    shiftedBy shift: Int = 0
  ) {
    let columns = columns
    // SAFETY: each group of lines is transformed by one thread.
    nonisolated(unsafe) let plane = base
    rowPlans.forEachGroup { plan, first, count in
      let lines = plane + first * columns
      fill(first..<(first + count), lines)
      if shift < 0 {
        for line in 0..<count { moveBack(lines + line * columns, columns) }
      }
      fftw_execute_r2r(plan, lines, lines)
      if shift > 0 {
        for line in 0..<count { moveOn(lines + line * columns, columns) }
      }
    }
  }

  /// Transforms the columns, has each changed, and transforms them by another transform of the same shape.
  func transformColumns(
    _ base: UnsafeMutablePointer<Double>, back inverse: borrowing TrigonometricTransform,
    _ change: @Sendable (_ modes: UnsafeMutableBufferPointer<Double>, _ column: Int) -> Void
  ) {
    precondition(inverse.rows == rows && inverse.columns == columns, "both have one shape")
    guard let back = inverse.columnPlans?.groupPlans() else { return }
    let rows = rows
    columnPlans?.forEachColumnGroup(of: base, rows: rows) { plan, lines, columns in
      fftw_execute_r2r(plan, lines, lines)
      for (index, column) in columns.enumerated() {
        change(UnsafeMutableBufferPointer(start: lines + index * rows, count: rows), column)
      }
      fftw_execute_r2r(back[columns.count], lines, lines)
    }
  }

  /// Transforms the columns of two planes, has each pair of them changed, and transforms them back.
  ///
  /// - Parameters:
  ///   - first: A plane of this transform.
  ///   - firstBack: What leads it back.
  ///   - second: A plane of another transform of the same shape.
  ///   - forward: That transform.
  ///   - secondBack: What leads that plane back.
  ///   - change: Gets a column of both, one behind the other in memory.
  func transformColumns(
    _ first: UnsafeMutablePointer<Double>, back firstBack: borrowing TrigonometricTransform,
    with second: UnsafeMutablePointer<Double>, _ forward: borrowing TrigonometricTransform,
    back secondBack: borrowing TrigonometricTransform,
    _ change: @Sendable (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
  ) {
    guard let there = columnPlans?.groupPlans(), let back = firstBack.columnPlans?.groupPlans(),
      let otherThere = forward.columnPlans?.groupPlans(),
      let otherBack = secondBack.columnPlans?.groupPlans()
    else { return }
    let rows = rows
    columnPlans?.forEachColumnGroup(of: first, second, rows: rows, copiesSecond: true) {
      left, right, columns in
      fftw_execute_r2r(there[columns.count], left, left)
      fftw_execute_r2r(otherThere[columns.count], right, right)
      for (index, column) in columns.enumerated() {
        change(left + index * rows, right + index * rows, column)
      }
      fftw_execute_r2r(back[columns.count], left, left)
      fftw_execute_r2r(otherBack[columns.count], right, right)
    }
  }
}

/// Moves the samples of a line one place on; the first is zero then, and the last is lost.
private func moveOn(_ line: UnsafeMutablePointer<Double>, _ count: Int) {
  (line + 1).update(from: line, count: count - 1)
  line[0] = 0
}

/// Moves the samples of a line one place back; the last is zero then, and the first is lost.
private func moveBack(_ line: UnsafeMutablePointer<Double>, _ count: Int) {
  line.update(from: line + 1, count: count - 1)
  line[count - 1] = 0
}
