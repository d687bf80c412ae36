// Maps without what lies beyond an information limit, for comparisons at atomic resolution.
internal import FFTW
internal import STEMCore

/// The map without periods shorter than 1/`limit`: a sharp cut in the periodic Fourier transform.
///
/// - Parameter limit: Spatial frequency, 1/m.
func lowPassed(_ field: ScalarField, pixelSize: PixelSize, limit: Double) -> ScalarField {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  let transform = RealFourierTransform(rows: rows, columns: columns)
  var plane = TransformBuffer<Double>(copying: field.values)
  var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
  transform.forward(plane, into: &spectrum)
  let width = transform.spectrumColumns
  spectrum.withMutableSpan { waves in
    for row in 0..<rows {
      let ky = Double(row <= rows / 2 ? row : row - rows) / (Double(rows) * pixelSize.y)
      for column in 0..<width {
        let kx = Double(column) / (Double(columns) * pixelSize.x)
        if kx * kx + ky * ky > limit * limit { waves[row * width + column] = Complex(0, 0) }
      }
    }
  }
  transform.inverse(&spectrum, into: &plane)
  let scale = 1 / Double(rows * columns)
  return ScalarField(shape: field.shape, values: plane.array().map { $0 * scale })
}
