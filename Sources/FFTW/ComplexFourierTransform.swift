// The two-dimensional Fourier transform of complex data, in place.
internal import CFFTW

/// The discrete Fourier transform of a complex plane of `rows` × `columns`, and its inverse, in place.
///
/// Exponents and scale are those of ``RealFourierTransform``: exp(-2πi k·r) forwards, exp(+2πi k·r) backwards,
/// neither normalised.
public struct ComplexFourierTransform: ~Copyable, @unchecked Sendable {
  // Not a race: executing a plan only reads it, and it is destroyed by its one owner.
  private let forwardPlan: Plan
  private let inversePlan: Plan
  public let rows: Int
  public let columns: Int

  /// The number of samples of the plane.
  public var count: Int { rows * columns }

  /// - Parameters:
  ///   - rows: Any positive number.
  ///   - columns: Any positive number.
  public init(rows: Int, columns: Int) {
    let (height, width) = (checkedSide(rows), checkedSide(columns))
    self.rows = rows
    self.columns = columns
    let buffer = TransformBuffer<Complex>(uninitializedCount: rows * columns)
    let plane = complexPointer(buffer.base)
    forwardPlan = Plan {
      fftw_plan_dft_2d(height, width, plane, plane, FFTW_FORWARD, cfftw_estimate)
    }
    inversePlan = Plan {
      fftw_plan_dft_2d(height, width, plane, plane, FFTW_BACKWARD, cfftw_estimate)
    }
    _ = consume buffer
  }

  /// Puts the spectrum in the place of the plane.
  public func forward(_ plane: inout TransformBuffer<Complex>) {
    precondition(plane.count == count, "the buffer fits the plan")
    fftw_execute_dft(forwardPlan.pointer, complexPointer(plane.base), complexPointer(plane.base))
  }

  /// Puts the plane, times `rows · columns`, in the place of its spectrum.
  public func inverse(_ plane: inout TransformBuffer<Complex>) {
    precondition(plane.count == count, "the buffer fits the plan")
    fftw_execute_dft(inversePlan.pointer, complexPointer(plane.base), complexPointer(plane.base))
  }
}
