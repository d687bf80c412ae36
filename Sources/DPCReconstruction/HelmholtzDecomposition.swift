// How much of a field is the gradient of a potential, and how much of it cannot be one.
internal import FFTW
public import STEMCore

/// A field as the sum of its mean, a curl-free, a divergence-free and a harmonic part.
///
/// At every pixel `mean + curlFree + divergenceFree + harmonic` is the field.
public struct HelmholtzParts: Sendable {
  /// The part that is a gradient and nothing else.
  public let curlFree: VectorField
  /// The part that is a rotated gradient and nothing else.
  public let divergenceFree: VectorField
  /// What is neither: curl-free and divergence-free at once, made by sources beyond the rim; the
  /// frame cannot tell of which kind they are. Zero on periodic frames.
  public let harmonic: VectorField
  public let mean: (x: Double, y: Double)
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
///   - field: Any unit, x along a row, y down; no masked pixels left.
///   - pixelSize: m.
///   - boundary: What is known beyond the rim.
/// - Returns: Parts in the field's unit; they and the mean add up to the field.
/// - Complexity: O(*n* log *n*).
public func helmholtzParts(
  of field: VectorField, pixelSize: PixelSize, boundary: IntegrationBoundary
) -> HelmholtzParts {
  let mean = (x: orderedMean(field.x), y: orderedMean(field.y))
  let shape = field.shape
  var curlFree: VectorField
  var divergenceFree: VectorField
  // One plane of zeros stands for both components until they differ.
  let zero = [Double](repeating: 0, count: shape.count)
  var harmonic = VectorField(shape: shape, x: zero, y: zero)
  switch boundary {
  case _ where shape.count == 0: (curlFree, divergenceFree) = (harmonic, harmonic)
  case .periodic:
    curlFree = periodicCurlFreePart(field, minus: mean, pixelSize)
    divergenceFree = difference(field, mean, curlFree)
  case .neumann:
    curlFree = boundedPart(field, minus: mean, pixelSize, isRotated: false)
    divergenceFree = boundedPart(field, minus: mean, pixelSize, isRotated: true)
    harmonic = difference(difference(field, mean, curlFree), (0, 0), divergenceFree)
  }
  return HelmholtzParts(
    curlFree: curlFree, divergenceFree: divergenceFree, harmonic: harmonic, mean: mean,
    powers: HelmholtzPowers(
      curlFree: power(curlFree), divergenceFree: power(divergenceFree),
      harmonic: boundary == .periodic ? 0 : power(harmonic),
      mean: mean.x * mean.x + mean.y * mean.y, waveCount: shape.count))
}

/// a - mean - b.
private func difference(
  _ a: VectorField, _ mean: (x: Double, y: Double), _ b: VectorField
) -> VectorField {
  func plane(_ a: [Double], _ mean: Double, _ b: [Double]) -> [Double] {
    var result = a
    forEachLine(of: &result, shape) { row, start, band in
      let part = b.span
      for column in 0..<shape.columns {
        band[start + column] = band[start + column] - mean - part[row * shape.columns + column]
      }
    }
    return result
  }
  let shape = a.shape
  return VectorField(
    shape: shape, x: plane(a.x, mean.x, b.x), y: plane(a.y, mean.y, b.y))
}

private func power(_ field: VectorField) -> Double {
  guard field.shape.count > 0 else { return 0 }
  let sum = orderedSum(field.shape.count) {
    field.x[$0] * field.x[$0] + field.y[$0] * field.y[$0]
  }
  return sum / Double(field.shape.count)
}

/// k (k·E) / k² in Fourier space.
private func periodicCurlFreePart(
  _ field: VectorField, minus mean: (x: Double, y: Double), _ pixelSize: PixelSize
) -> VectorField {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  let transform = RealFourierTransform(rows: rows, columns: columns)
  var spectrumX = TransformBuffer<Complex>(count: transform.spectrumCount)
  var spectrumY = TransformBuffer<Complex>(count: transform.spectrumCount)
  var plane = TransformBuffer<Double>(count: field.shape.count)
  fill(&plane, with: field.x, minus: mean.x)
  transform.forward(plane, into: &spectrumX)
  fill(&plane, with: field.y, minus: mean.y)
  transform.forward(plane, into: &spectrumY)

  let kx = derivativeFrequencies(columns, spacing: pixelSize.x)
  let ky = derivativeFrequencies(rows, spacing: pixelSize.y)
  let scale = 1 / Double(field.shape.count)
  let width = transform.spectrumColumns
  spectrumX.withMutableSpan { x in
    spectrumY.withMutableSpan { y in
      for row in 0..<rows {
        for column in 0..<width {
          let index = row * width + column
          let (a, b) = waveDirection(kx[column], ky[row], row: row, column: column)
          let k2 = a * a + b * b
          let factor = k2 > 0 ? scale / k2 : 0
          let real = factor * (a * x[index].real + b * y[index].real)
          let imaginary = factor * (a * x[index].imaginary + b * y[index].imaginary)
          x[index] = Complex(a * real, a * imaginary)
          y[index] = Complex(b * real, b * imaginary)
        }
      }
    }
  }
  transform.inverse(&spectrumX, into: &plane)
  let x = plane.array()
  transform.inverse(&spectrumY, into: &plane)
  return VectorField(shape: field.shape, x: x, y: plane.array())
}

/// The orthogonal projection on gradients, or on rotated gradients, of sin(a x) sin(b y).
///
/// A gradient is (a cos sin, b sin cos), its rotation (b sin cos, -a cos sin), with a = π m/(n p):
/// m cycles per two widths of the frame. Sines stand at index m - 1 of a sine transform, cosines at
/// index m of a cosine transform; m = n has no slope on the samples and is left out.
private func boundedPart(
  _ field: VectorField, minus mean: (x: Double, y: Double), _ pixelSize: PixelSize,
  isRotated: Bool
) -> VectorField {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  guard rows > 1, columns > 1 else { return VectorField(shape: field.shape) }
  // Of a gradient, x is a cosine along x and y a cosine along y; rotation swaps them.
  let seriesX: (TrigonometricKind, TrigonometricKind) =
    isRotated ? (.sine2, .cosine2) : (.cosine2, .sine2)
  var x = TransformBuffer<Double>(count: field.shape.count)
  var y = TransformBuffer<Double>(count: field.shape.count)
  fill(&x, with: field.x, minus: mean.x)
  fill(&y, with: field.y, minus: mean.y)
  let forwardX = TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.0, alongY: seriesX.1)
  let forwardY = TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.1, alongY: seriesX.0)
  forwardX.transform(&x)
  forwardY.transform(&y)

  let scale = 1 / forwardX.roundTripFactor
  let a = (1..<columns).map { Double($0) / (Double(columns) * pixelSize.x) }
  let b = (1..<rows).map { Double($0) / (Double(rows) * pixelSize.y) }
  x.withMutableSpan { x in
    y.withMutableSpan { y in
      project(&x, &y, a, b, scale: scale, isRotated: isRotated)
    }
  }
  TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.0.inverse, alongY: seriesX.1.inverse
  ).transform(&x)
  TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.1.inverse, alongY: seriesX.0.inverse
  ).transform(&y)
  return VectorField(shape: field.shape, x: x.array(), y: y.array())
}

/// Replaces the coefficients of both components by those of their projection.
///
/// The entries that no mode uses, the cosines' m = 0 and the sines' m = n, are set to zero.
private func project(
  _ x: inout MutableSpan<Double>, _ y: inout MutableSpan<Double>, _ a: [Double], _ b: [Double],
  scale: Double, isRotated: Bool
) {
  let (columns, rows) = (a.count + 1, b.count + 1)
  // Mode (m, n) = (column + 1, row + 1): its cosine along x and sine along y have one index, its
  // sine along x and cosine along y another. Each is read and written once.
  for row in 0..<(rows - 1) {
    for column in 0..<(columns - 1) {
      let cosineSine = row * columns + column + 1
      let sineCosine = (row + 1) * columns + column
      let k2 = a[column] * a[column] + b[row] * b[row]
      if isRotated {
        let c = scale * (b[row] * x[sineCosine] - a[column] * y[cosineSine]) / k2
        x[sineCosine] = b[row] * c
        y[cosineSine] = -a[column] * c
      } else {
        let c = scale * (a[column] * x[cosineSine] + b[row] * y[sineCosine]) / k2
        x[cosineSine] = a[column] * c
        y[sineCosine] = b[row] * c
      }
    }
  }
  // Cosines along x begin in column 0 and sines along y end in the last row; the others the opposite.
  for row in 0..<rows {
    let (first, last) = (row * columns, row * columns + columns - 1)
    x[isRotated ? last : first] = 0
    y[isRotated ? first : last] = 0
  }
  for column in 0..<columns {
    let (first, last) = (column, (rows - 1) * columns + column)
    x[isRotated ? first : last] = 0
    y[isRotated ? last : first] = 0
  }
}
