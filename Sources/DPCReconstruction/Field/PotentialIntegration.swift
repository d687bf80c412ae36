// From the projected field to the projected potential: E_proj = -grad V_proj, integrated in
// least squares on periodic frames (Fourier) and on frames with a free rim (cosine transform).
internal import FFTW
internal import Glibc
public import STEMCore
internal import WorkSharing

/// What is known of a field beyond the rim of the frame.
public enum IntegrationBoundary: String, CaseIterable, Sendable {
  /// The frame repeats itself; right for simulated supercells only.
  case periodic
  /// Nothing is known beyond the rim (natural boundary); right for experimental frames.
  case neumann
}

/// A projected potential, and the part of the field that no bounded potential holds.
public struct IntegratedPotential: Sendable {
  /// Projected potential ∫V dz, V m, of zero mean.
  public let potential: ScalarField
  /// Mean (x, y) of the field that was integrated, V. It stands in ``potential`` as the plane
  /// -E0·r, r from the center of the frame, unless a high-pass was asked for.
  public let uniformField: (x: Double, y: Double)
}

/// Integrates a projected electric field to the projected potential, E = -grad V.
///
/// The answer is the least-squares one: the field's divergence-free part drops out.
///
/// - `periodic`: V(k) = i k·E(k) / (2π k²), k in cycles per meter with the forward transform
///   exp(-2πi k·r), V(0) = 0 (R. T. Frankot & R. Chellappa, IEEE Trans. PAMI 10 (1988) 439). The
///   derivative at the Nyquist frequency of an even side is zero. Exact for band-limited periodic
///   fields.
/// - `neumann`: minimizes Σ|D V + L E|² over the links between neighboring pixels, with D the
///   difference quotient and L E the mean field along the link, diagonal in a cosine transform
///   (DCT-II). L is of fourth order, (-1, 13, 13, -1)/24 inside and (5, 8, -1)/12 at the rim:
///   exact for cubic V. Sides of three pixels take the rim's rule for both links (still cubic),
///   sides of two the mean of both pixels (quadratic V), sides of one hold no link: the field
///   along them is only its mean.
///
/// The mean field is taken out first and comes back as the plane -E0·r about the center.
/// - Parameters:
///   - projectedField: ∫E dz in the scan frame, x along a row, y down, V.
///   - gaps: What stands in for its unusable pixels.
///   - pixelSize: m.
///   - boundary: What is known beyond the rim.
///   - highPassPeriod: Where stated, m, a wave of spatial frequency k is multiplied by
///     1 - exp(-ln 2 (k · highPassPeriod)²): half of it is left at this period, nothing of much
///     longer ones, and the plane of the uniform field, the longest of all, is left out.
/// - Returns: Same shape, V m, zero mean.
/// - Complexity: O(*n* log *n*), memory for one number a pixel beside the result (`periodic`: two).
public func integratedPotential(
  of projectedField: VectorField, gaps: GapFilling = .none, pixelSize: PixelSize,
  boundary: IntegrationBoundary, highPassPeriod: Double? = nil
) -> IntegratedPotential {
  precondition(highPassPeriod.map { $0 > 0 } ?? true, "a period is positive")
  let mean = (x: gaps.mean(.x, of: projectedField), y: gaps.mean(.y, of: projectedField))
  let shape = projectedField.shape
  guard shape.count > 0 else {
    return IntegratedPotential(potential: ScalarField(shape: shape), uniformField: mean)
  }
  var potential: [Double]
  switch boundary {
  case .periodic:
    potential = periodicPotential(projectedField, gaps, mean, pixelSize, highPassPeriod)
  case .neumann:
    potential = naturalPotential(projectedField, gaps, mean, pixelSize, highPassPeriod)
  }
  if highPassPeriod == nil { addPlane(to: &potential, shape, uniformField: mean, pixelSize) }
  return IntegratedPotential(
    potential: ScalarField(shape: shape, values: potential), uniformField: mean)
}

/// How much a high-pass of this period leaves of a wave of squared frequency `k2` (cycles²/m²).
func highPass(_ k2: Double, _ period: Double?) -> Double {
  guard let period else { return 1 }
  return -expm1(-k2 * period * period * log(2))
}

private func periodicPotential(
  _ field: VectorField, _ gaps: GapFilling, _ mean: (x: Double, y: Double), _ pixelSize: PixelSize,
  _ period: Double?
) -> [Double] {
  let shape = field.shape
  let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
  let scale = 1 / (2 * Double.pi * Double(shape.count))
  return RealFourierTransform(rows: shape.rows, columns: shape.columns).combined(
    { gaps.copy(.x, of: field, rows: $0, minus: mean.x, to: $1) },
    { gaps.copy(.y, of: field, rows: $0, minus: mean.y, to: $1) }
  ) { x, y, column in
    let kx = derivativeFrequency(column, of: shape.columns, spacing: pixelSize.x)
    for row in ky.indices {
      let k2 = kx * kx + ky[row] * ky[row]
      // Waves without a derivative leave no trace in the field.
      let factor = k2 > 0 ? scale / k2 * highPass(k2, period) : 0
      let real = kx * x[row].real + ky[row] * y[row].real
      let imaginary = kx * x[row].imaginary + ky[row] * y[row].imaginary
      x[row] = Complex(-factor * imaginary, factor * real)
    }
  }
}

private func naturalPotential(
  _ field: VectorField, _ gaps: GapFilling, _ mean: (x: Double, y: Double), _ pixelSize: PixelSize,
  _ period: Double?
) -> [Double] {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  var plane = linkDivergence(of: field, gaps: gaps, minus: mean, pixelSize)
  let filter = TrigonometricFilter(
    rows: rows, columns: columns, alongX: .cosine2, alongY: .cosine2)
  let stiffnessX = differenceEigenvalues(columns, spacing: pixelSize.x)
  let stiffnessY = differenceEigenvalues(rows, spacing: pixelSize.y)
  let kx = (0..<columns).map { Double($0) / (2 * Double(columns) * pixelSize.x) }
  let ky = (0..<rows).map { Double($0) / (2 * Double(rows) * pixelSize.y) }
  let scale = 1 / filter.roundTripFactor
  filter.apply(to: &plane) { modes, column in
    for row in modes.indices {
      let stiffness = stiffnessX[column] + stiffnessY[row]
      let k2 = kx[column] * kx[column] + ky[row] * ky[row]
      let factor = stiffness > 0 ? scale / stiffness * highPass(k2, period) : 0
      modes[row] *= factor
    }
  }
  return plane
}

/// Eigenvalues (2 - 2 cos(π m/n)) / h² of DᵀD in the cosine basis, without cancellation.
private func differenceEigenvalues(_ count: Int, spacing: Double) -> [Double] {
  (0..<count).map { mode in
    let root = 2 * sin(Double.pi * Double(mode) / Double(2 * count)) / spacing
    return root * root
  }
}

private func addPlane(
  to potential: inout [Double], _ shape: GridShape, uniformField: (x: Double, y: Double),
  _ pixelSize: PixelSize
) {
  let columns = shape.columns
  let (left, top) = (Double(columns - 1) / 2, Double(shape.rows - 1) / 2)
  potential.share { potential in
    concurrentPieces(potential.count) { positions in
      for position in positions {
        let (row, column) = position.quotientAndRemainder(dividingBy: columns)
        let x = (Double(column) - left) * pixelSize.x
        let y = (Double(row) - top) * pixelSize.y
        potential[position] -= uniformField.x * x + uniformField.y * y
      }
    }
  }
}
