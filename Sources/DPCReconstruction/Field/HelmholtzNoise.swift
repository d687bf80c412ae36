// Counting noise through the Helmholtz decomposition, in closed form.
public import STEMCore
internal import WorkSharing

/// Variances of the Helmholtz parts of noise alike at all pixels, in the square of the field's unit.
///
/// Of a wave along (kx, ky) the periodic projections give the curl-free part (a Ex + c Ey, c Ex + b Ey) and the
/// divergence-free one the rest, with a = kx²/k², b = ky²/k² and c² = a b. Of independent noise in Ex and Ey the
/// components of the curl-free part so have the variances a² Vx + a b Vy and a b Vx + b² Vy, those of the other
/// b² Vx + a b Vy and a b Vx + a² Vy; these are added up over all waves but the mean, each with its share of the
/// noise's power. Of white noise, alike in both components, on square pixels each gets about half.
///
/// For `neumann` these are taken as an estimate, good away from the rim, of the curl-free and the harmonic part
/// together and of the divergence-free part.
/// - Parameters:
///   - noise: Of the field.
///   - shape: Of the map.
///   - pixelSize: m.
/// - Returns: Of one pixel of each component of each part.
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
