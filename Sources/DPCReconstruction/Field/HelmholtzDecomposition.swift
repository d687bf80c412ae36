// How much of a field is the gradient of a potential, and how much of it cannot be one.
internal import FFTW
public import STEMCore
internal import WorkSharing

/// A field as the sum of its mean, a curl-free, a divergence-free and a harmonic part.
///
/// At every pixel `mean + curlFree + divergenceFree + harmonic` is the field.
public struct HelmholtzParts: Sendable {
  /// The part that is a gradient and nothing else.
  public let curlFree: VectorField
  /// The part that is a rotated gradient and nothing else.
  public let divergenceFree: VectorField
  /// What is neither: curl-free and divergence-free at once, made by sources beyond the rim; the
  /// frame cannot tell of which kind they are. nil on periodic frames, which have none.
  public let harmonic: VectorField?
  /// Over all pixels, in the field's unit.
  public let mean: (x: Double, y: Double)
  /// Of the parts, in the square of the field's unit.
  public let powers: HelmholtzPowers
}

/// Splits a field into its curl-free and divergence-free parts (Helmholtz-Hodge).
///
/// - `periodic`: projection along k in Fourier space, exact on frames that repeat themselves. On
///   others the jump across the seam is taken for sources and whirls: of a field along slanted
///   walls some 5 % comes out as curl-free, of a smooth electrostatic field 0.1 % as transverse,
///   of a strong ramp most.
/// - `neumann`: the frame stands alone. The curl-free part is the gradient of a potential that
///   vanishes on the rim, the divergence-free part the rotated gradient of a stream function that
///   vanishes there; both are orthogonal projections in sine and cosine series, the rim lying half
///   a pixel outside. An electrostatic field then has no divergence-free part and a field along
///   walls of any direction no curl-free one, whatever flows across the rim; that flow is the
///   harmonic part. (G. Schwarz, Hodge Decomposition, Springer 1995.) A mirrored extension would
///   not do: it bends the walls at the rim.
///
/// - Parameters:
///   - field: Any unit, x along a row, y down.
///   - gaps: What stands in for its unusable pixels.
///   - pixelSize: m.
///   - boundary: What is known beyond the rim.
/// - Returns: Parts in the field's unit; they and the mean add up to the field.
/// - Complexity: O(*n* log *n*).
public func helmholtzParts(
  of field: VectorField, gaps: GapFilling = .none, pixelSize: PixelSize,
  boundary: IntegrationBoundary
) -> HelmholtzParts {
  let mean = (x: gaps.mean(.x, of: field), y: gaps.mean(.y, of: field))
  let shape = field.shape
  let curlFree: VectorField
  let divergenceFree: VectorField
  var harmonic: VectorField?
  switch boundary {
  case _ where shape.count == 0: (curlFree, divergenceFree) = (field, field)
  case .periodic:
    curlFree = periodicCurlFreePart(field, gaps, minus: mean, pixelSize)
    divergenceFree = rest(of: field, gaps, minus: mean, curlFree)
  case .neumann:
    (curlFree, divergenceFree) = boundedParts(field, gaps, minus: mean, pixelSize)
    harmonic = rest(of: field, gaps, minus: mean, curlFree, divergenceFree)
  }
  return HelmholtzParts(
    curlFree: curlFree, divergenceFree: divergenceFree, harmonic: harmonic, mean: mean,
    powers: HelmholtzPowers(
      curlFree: power(curlFree), divergenceFree: power(divergenceFree),
      harmonic: harmonic.map(power) ?? 0, mean: mean.x * mean.x + mean.y * mean.y,
      waveCount: shape.count))
}

/// What is left of a field without its mean and some parts.
private func rest(
  of field: VectorField, _ gaps: GapFilling, minus mean: (x: Double, y: Double),
  _ parts: VectorField...
) -> VectorField {
  let shape = field.shape
  func plane(_ component: GapFilling.Component, _ mean: Double, _ parts: [[Double]]) -> [Double] {
    var result = [Double](uninitializedCount: shape.count)
    result.share { result in
      concurrentPieces(shape.count) { positions in
        let target = result[positions]
        guard let base = target.baseAddress else { return }
        gaps.copy(component, of: field, positions, minus: mean, to: base)
        for part in parts {
          let numbers = part.span.extracting(positions)
          for index in 0..<numbers.count { target[index] -= numbers[index] }
        }
      }
    }
    return result
  }
  return VectorField(
    shape: shape, x: plane(.x, mean.x, parts.map(\.x)), y: plane(.y, mean.y, parts.map(\.y)))
}

/// Added up in blocks as ``orderedSum(_:_:)``.
private func power(_ field: VectorField) -> Double {
  guard field.shape.count > 0 else { return 0 }
  let (x, y) = (field.x, field.y)
  let sums = mapPieces(field.shape.count) { positions in
    stride(from: positions.lowerBound, to: positions.upperBound, by: orderedSumBlock).map { start in
      let block = start..<min(start + orderedSumBlock, positions.upperBound)
      let (x, y) = (x.span.extracting(block), y.span.extracting(block))
      var sum = 0.0
      for index in 0..<x.count { sum += x[index] * x[index] + y[index] * y[index] }
      return sum
    }
  }
  return sums.reduce(0) { $1.reduce($0, +) } / Double(field.shape.count)
}

/// k (k·E) / k² in Fourier space.
private func periodicCurlFreePart(
  _ field: VectorField, _ gaps: GapFilling, minus mean: (x: Double, y: Double),
  _ pixelSize: PixelSize
) -> VectorField {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  let ky = derivativeFrequencies(rows, spacing: pixelSize.y)
  let scale = 1 / Double(field.shape.count)
  let (x, y) = RealFourierTransform(rows: rows, columns: columns).filtered(
    { gaps.copy(.x, of: field, rows: $0, minus: mean.x, to: $1) },
    { gaps.copy(.y, of: field, rows: $0, minus: mean.y, to: $1) }
  ) { x, y, column in
    let kx = derivativeFrequency(column, of: columns, spacing: pixelSize.x)
    for row in ky.indices {
      let (a, b) = waveDirection(kx, ky[row], row: row, column: column)
      let k2 = a * a + b * b
      let factor = k2 > 0 ? scale / k2 : 0
      let real = factor * (a * x[row].real + b * y[row].real)
      let imaginary = factor * (a * x[row].imaginary + b * y[row].imaginary)
      x[row] = Complex(a * real, a * imaginary)
      y[row] = Complex(b * real, b * imaginary)
    }
  }
  return VectorField(shape: field.shape, x: x, y: y)
}

/// The orthogonal projections on gradients and on rotated gradients of sin(a x) sin(b y).
///
/// A gradient is (a cos sin, b sin cos), its rotation (b sin cos, -a cos sin), with a = π m/(n p):
/// m cycles per two widths of the frame; m = n has no slope on the samples and is left out.
private func boundedParts(
  _ field: VectorField, _ gaps: GapFilling, minus mean: (x: Double, y: Double),
  _ pixelSize: PixelSize
) -> (curlFree: VectorField, divergenceFree: VectorField) {
  let shape = field.shape
  guard shape.rows > 1, shape.columns > 1 else {
    return (VectorField(shape: shape), VectorField(shape: shape))
  }
  let filter = CosineSineFilter(rows: shape.rows, columns: shape.columns)
  let fillX: PlaneFill = { gaps.copy(.x, of: field, rows: $0, minus: mean.x, to: $1) }
  let fillY: PlaneFill = { gaps.copy(.y, of: field, rows: $0, minus: mean.y, to: $1) }
  let scale = 1 / filter.roundTripFactor
  let projection = GradientProjection(shape, pixelSize, scale: scale)
  func fresh() -> VectorField {
    VectorField(
      shape: shape, x: [Double](uninitializedCount: shape.count),
      y: [Double](uninitializedCount: shape.count))
  }
  var (curlFree, divergenceFree) = (fresh(), fresh())
  filter.apply(&curlFree.x, &curlFree.y, filling: fillX, fillY) {
    projection.apply(to: $0, $1, m: $2, sign: 1)
  }
  // Turned, x is the sine along x, and y the negative cosine.
  filter.apply(&divergenceFree.y, &divergenceFree.x, filling: fillY, fillX) {
    projection.apply(to: $0, $1, m: $2, sign: -1)
  }
  return (curlFree, divergenceFree)
}

/// What of a mode's two coefficients belongs to the gradient of one potential.
private struct GradientProjection {
  private let a: [Double]
  private let b: [Double]
  private let scale: Double

  init(_ shape: GridShape, _ pixelSize: PixelSize, scale: Double) {
    a = (0..<shape.columns).map { Double($0) / (Double(shape.columns) * pixelSize.x) }
    b = (1..<shape.rows).map { Double($0) / (Double(shape.rows) * pixelSize.y) }
    self.scale = scale
  }

  /// - Parameters:
  ///   - cosineSine: Modes of m half periods along x, one half period more along y each.
  ///   - sineCosine: The same of the other component.
  ///   - sign: -1 of a rotated gradient, whose cosine along x is negative.
  func apply(
    to cosineSine: UnsafeMutableBufferPointer<Double>,
    _ sineCosine: UnsafeMutableBufferPointer<Double>, m: Int, sign: Double
  ) {
    let (a, b) = (sign * a[m], b.span)
    for n in 0..<b.count {
      let c = scale * (a * cosineSine[n] + b[n] * sineCosine[n]) / (a * a + b[n] * b[n])
      cosineSine[n] = a * c
      sineCosine[n] = b[n] * c
    }
  }
}
