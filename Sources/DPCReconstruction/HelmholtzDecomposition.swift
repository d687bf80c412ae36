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
    curlFree = boundedPart(field, gaps, minus: mean, pixelSize, isRotated: false)
    divergenceFree = boundedPart(field, gaps, minus: mean, pixelSize, isRotated: true)
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
  let transform = RealFourierTransform(rows: rows, columns: columns)
  var spectrumX = spectrum(of: .x, field, gaps, minus: mean.x, transform)
  var spectrumY = spectrum(of: .y, field, gaps, minus: mean.y, transform)
  let kx = derivativeFrequencies(columns, spacing: pixelSize.x)
  let ky = derivativeFrequencies(rows, spacing: pixelSize.y)
  let scale = 1 / Double(field.shape.count)
  let width = transform.spectrumColumns
  spectrumX.share { x in
    spectrumY.share { y in
      shareWork(rows) { row in
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
  var plane = TransformBuffer<Double>(count: field.shape.count)
  transform.inverse(&spectrumX, into: &plane)
  let x = plane.array()
  _ = consume spectrumX
  transform.inverse(&spectrumY, into: &plane)
  return VectorField(shape: field.shape, x: x, y: plane.array())
}

/// The orthogonal projection on gradients, or on rotated gradients, of sin(a x) sin(b y).
///
/// A gradient is (a cos sin, b sin cos), its rotation (b sin cos, -a cos sin), with a = π m/(n p):
/// m cycles per two widths of the frame. Sines stand at index m - 1 of a sine transform, cosines at
/// index m of a cosine transform; m = n has no slope on the samples and is left out.
private func boundedPart(
  _ field: VectorField, _ gaps: GapFilling, minus mean: (x: Double, y: Double),
  _ pixelSize: PixelSize, isRotated: Bool
) -> VectorField {
  let shape = field.shape
  let (rows, columns) = (shape.rows, shape.columns)
  guard rows > 1, columns > 1 else { return VectorField(shape: shape) }
  // Of a gradient, x is a cosine along x and y a cosine along y; rotation swaps them.
  let seriesX: (TrigonometricKind, TrigonometricKind) =
    isRotated ? (.sine2, .cosine2) : (.cosine2, .sine2)
  let forwardX = TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.0, alongY: seriesX.1)
  let forwardY = TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.1, alongY: seriesX.0)
  // Without parts to take off, what is left is the field itself.
  var result = rest(of: field, gaps, minus: mean)
  forwardX.transform(&result.x)
  forwardY.transform(&result.y)

  let scale = 1 / forwardX.roundTripFactor
  let a = (1..<columns).map { Double($0) / (Double(columns) * pixelSize.x) }
  let b = (1..<rows).map { Double($0) / (Double(rows) * pixelSize.y) }
  result.x.share { x in
    result.y.share { y in project(x, y, a, b, scale: scale, isRotated: isRotated) }
  }
  TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.0.inverse, alongY: seriesX.1.inverse
  ).transform(&result.x)
  TrigonometricTransform(
    rows: rows, columns: columns, alongX: seriesX.1.inverse, alongY: seriesX.0.inverse
  ).transform(&result.y)
  return result
}

/// Replaces the coefficients of both components by those of their projection.
///
/// The entries that no mode uses, the cosines' m = 0 and the sines' m = n, are set to zero.
private func project(
  _ x: SharedPlane<Double>, _ y: SharedPlane<Double>, _ a: [Double], _ b: [Double], scale: Double,
  isRotated: Bool
) {
  let (columns, rows) = (a.count + 1, b.count + 1)
  // Mode (m, n) = (column + 1, row + 1): its cosine along x and sine along y have one index, its
  // sine along x and cosine along y another. Each is read and written once.
  shareWork(rows - 1) { row in
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
