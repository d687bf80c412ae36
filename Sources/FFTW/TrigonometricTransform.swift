// Cosine and sine transforms of real data, for mirrored rims.
internal import CFFTW

/// Which trigonometric series one axis of n samples is expanded in. All are unnormalised.
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
public struct TrigonometricTransform: ~Copyable, @unchecked Sendable {
  // Not a race: executing a plan only reads it, and it is destroyed by its one owner.
  private let plan: Plan
  public let count: Int
  /// By how much this transform followed by its inverse multiplies the samples.
  public let roundTripFactor: Double

  /// Transforms one line of `count` samples.
  public init(count: Int, kind: TrigonometricKind) {
    precondition(count >= kind.smallestCount, "the series needs more samples")
    let length = checkedSide(count)
    self.count = count
    roundTripFactor = kind.roundTripFactor(count: count)
    let buffer = TransformBuffer<Double>(uninitializedCount: count)
    let base = buffer.base
    plan = Plan { fftw_plan_r2r_1d(length, base, base, kind.fftwKind, cfftw_estimate) }
    _ = consume buffer
  }

  /// Transforms a plane, row after row, in both directions.
  ///
  /// - Parameters:
  ///   - alongX: The series within each row, of `columns` samples.
  ///   - alongY: The series within each column, of `rows` samples.
  public init(
    rows: Int, columns: Int, alongX: TrigonometricKind, alongY: TrigonometricKind
  ) {
    precondition(
      columns >= alongX.smallestCount && rows >= alongY.smallestCount,
      "the series needs more samples")
    let (height, width) = (checkedSide(rows), checkedSide(columns))
    count = rows * columns
    roundTripFactor =
      alongX.roundTripFactor(count: columns) * alongY.roundTripFactor(count: rows)
    let buffer = TransformBuffer<Double>(uninitializedCount: count)
    let base = buffer.base
    plan = Plan {
      fftw_plan_r2r_2d(
        height, width, base, base, alongY.fftwKind, alongX.fftwKind, cfftw_estimate)
    }
    _ = consume buffer
  }

  /// Replaces the samples by their transform.
  public func transform(_ buffer: inout TransformBuffer<Double>) {
    precondition(buffer.count == count, "the buffer fits the plan")
    fftw_execute_r2r(plan.pointer, buffer.base, buffer.base)
  }
}
