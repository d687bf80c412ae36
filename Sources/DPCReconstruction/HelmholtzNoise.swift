// Counting noise through the Helmholtz decomposition, in closed form.
public import STEMCore

/// Variances of the Helmholtz parts of noise alike at all pixels, in the square of the field's unit.
///
/// Periodic projections divide every wave between the parts by its direction, so that each component
/// of each part holds some half of its variance. For `neumann` the same number is a good estimate
/// away from the rim; the harmonic part goes with the curl-free one.
/// - Parameters:
///   - noise: Of the field.
///   - shape: Of the map.
///   - pixelSize: m.
public func helmholtzVariances(
  of noise: PixelNoise, shape: GridShape, pixelSize: PixelSize
) -> (curlFree: (x: Double, y: Double), divergenceFree: (x: Double, y: Double)) {
  let kx = derivativeFrequencies(shape.columns, spacing: pixelSize.x)
  let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
  let powerX = PixelNoise.spectrum(
    kx.map { 2 * Double.pi * abs($0) * pixelSize.x }, correlation: noise.correlationX)
  let powerY = PixelNoise.spectrum(
    ky.map { 2 * Double.pi * abs($0) * pixelSize.y }, correlation: noise.correlationY)
  func sum(_ term: (_ x2: Double, _ y2: Double) -> Double) -> Double {
    orderedSum(shape.count) { index in
      let (row, column) = (index / shape.columns, index % shape.columns)
      let (x2, y2) = (kx[column] * kx[column], ky[row] * ky[row])
      let k2 = x2 + y2
      return k2 == 0 ? 0 : term(x2 / k2, y2 / k2) * powerX[column] * powerY[row]
    } / Double(shape.count)
  }
  let (vx, vy) = (noise.varianceX, noise.varianceY)
  return (
    (x: sum { $0 * ($0 * vx + $1 * vy) }, y: sum { $1 * ($0 * vx + $1 * vy) }),
    (x: sum { $1 * ($1 * vx + $0 * vy) }, y: sum { $0 * ($1 * vx + $0 * vy) })
  )
}
