// Counting noise through the Helmholtz decomposition, in closed form.
public import STEMCore
internal import WorkSharing

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
  let (kx, ky, powerX, powerY) = noise.periodicWaves(shape, pixelSize)
  // Σ of w a², w a b and w b² over all waves, a = kx²/k² and b = ky²/k².
  let height = 32
  let sums =
    concurrentMap((shape.rows + height - 1) / height) { block -> SIMD4<Double> in
      var sums = SIMD4<Double>.zero
      for row in block * height..<min(shape.rows, (block + 1) * height) {
        let y2 = ky[row] * ky[row]
        var line = SIMD4<Double>.zero
        for column in 0..<shape.columns {
          let x2 = kx[column] * kx[column]
          if x2 + y2 == 0 { continue }
          let (a, b) = (x2 / (x2 + y2), y2 / (x2 + y2))
          line += powerX[column] * SIMD4(a * a, a * b, b * b, 0)
        }
        sums += powerY[row] * line
      }
      return sums
    }.reduce(SIMD4<Double>.zero, +) / Double(max(1, shape.count))
  let (vx, vy) = (noise.varianceX, noise.varianceY)
  return (
    (x: sums[0] * vx + sums[1] * vy, y: sums[1] * vx + sums[2] * vy),
    (x: sums[2] * vx + sums[1] * vy, y: sums[1] * vx + sums[0] * vy)
  )
}
