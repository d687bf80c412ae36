// Counting noise through integration and decomposition, in closed form: sums over modes, no realizations.
internal import FFTW
internal import Glibc
public import STEMCore
internal import WorkSharing

/// The variance of ``integratedPotential(of:gaps:pixelSize:boundary:highPassPeriod:)``, pixel by pixel, (V m)².
///
/// Both integrals are linear in the field and diagonal in waves, so that noise alike at all pixels
/// gives Σ over the modes of |mode|² times the square of what the integral makes of it. For
/// `neumann` modes are products of cosines: the sum of cos² = (1 + cos 2x)/2 is one more cosine
/// transform. At the rim the links' weights differ from those inside, which is neglected (below
/// 3 % of the standard deviation). The uniform field's own error is in it, that of noise smoothed over all of the frame
/// too; the constant, which is arbitrary, is not.
/// - Parameters:
///   - noise: Of the projected field, V².
///   - shape: Of the map.
///   - pixelSize: m.
///   - boundary: As in the integral.
///   - highPassPeriod: As in the integral, m.
///   - filling: What filled pixels owe to their neighbors; counts for independent pixels only: where noise is
///     smoothed over many, a filled one hardly differs from one that was measured.
/// - Complexity: One transform of the frame.
public func potentialVariance(
  of noise: PixelNoise, shape: GridShape, pixelSize: PixelSize, boundary: IntegrationBoundary,
  highPassPeriod: Double? = nil, filling: FilledNoise = .none
) -> [Double] {
  let isSmoothed = noise.correlationX > 1 || noise.correlationY > 1
  let filling = isSmoothed ? .none : filling
  switch boundary {
  case .periodic: return periodicVariance(noise, shape, pixelSize, highPassPeriod, filling)
  case .neumann: return naturalVariance(noise, shape, pixelSize, highPassPeriod, filling)
  }
}

private func periodicVariance(
  _ noise: PixelNoise, _ shape: GridShape, _ pixelSize: PixelSize, _ period: Double?,
  _ filling: FilledNoise
) -> [Double] {
  let (kx, ky, powerX, powerY) = noise.periodicWaves(shape, pixelSize)
  // The highest wave of an even number, whose derivative counts as zero, keeps its phase.
  let cosinesX = kx.indices.map { cos(2 * Double.pi * Double($0) / Double(kx.count)) }
  let cosinesY = ky.indices.map { cos(2 * Double.pi * Double($0) / Double(ky.count)) }
  let count = Double(shape.count)
  let varying = orderedSum(shape.count) { index in
    let (row, column) = (index / shape.columns, index % shape.columns)
    let (x2, y2) = (kx[column] * kx[column], ky[row] * ky[row])
    let k2 = x2 + y2
    if k2 == 0 { return 0 }
    let kept = highPass(k2, period) / (2 * Double.pi * k2)
    let wave =
      (x2 * noise.varianceX + y2 * noise.varianceY) * powerX[column] * powerY[row] * kept * kept
    return filling.isWhite ? wave : wave * filling.power(cosinesX[column], cosinesY[row])
  }
  var variance = [Double](repeating: varying / count, count: shape.count)
  if period != nil { return variance }
  // The mean field makes a ramp about the middle.
  let uniform = filling.uniformPower
  let meanX = noise.varianceX * powerX[0] * powerY[0] * uniform / count
  let meanY = noise.varianceY * powerX[0] * powerY[0] * uniform / count
  for row in 0..<shape.rows {
    let y = (Double(row) - Double(shape.rows - 1) / 2) * pixelSize.y
    for column in 0..<shape.columns {
      let x = (Double(column) - Double(shape.columns - 1) / 2) * pixelSize.x
      variance[row * shape.columns + column] += meanX * x * x + meanY * y * y
    }
  }
  return variance
}

/// One axis of the natural integral.
private struct NaturalAxis {
  /// Of DᵀL on the mode, 1/m.
  let slope: [Double]
  /// Of DᵀD on the mode, 1/m².
  let stiffness: [Double]
  /// Of the mode's phase from pixel to pixel.
  let cosine: [Double]
  /// Squared norms of the cosine and the sine mode.
  let cosineNorm: [Double]
  let sineNorm: [Double]
  /// Noise power of the modes over that of white noise.
  let cosinePower: [Double]
  let sinePower: [Double]

  /// - Parameter isUniformLeftOut: Of a field, whose longest waves then are cosines of the frame at most.
  init(count: Int, spacing: Double, correlation: Double, isUniformLeftOut: Bool) {
    let halves = (0..<count).map { Double.pi * Double($0) / Double(2 * count) }
    // Inside, the mean along a link of fourth order is (13 cos θ - cos 3θ)/12 of the wave at its middle.
    slope = halves.map { 2 * sin($0) / spacing * (13 * cos($0) - cos(3 * $0)) / 12 }
    stiffness = halves.map { 4 * sin($0) * sin($0) / (spacing * spacing) }
    cosine = halves.map { cos(2 * $0) }
    cosineNorm = (0..<count).map { Double(count) / ($0 == 0 ? 1 : 2) }
    sineNorm = (0..<count).map { $0 == 0 ? 0 : Double(count) / 2 }
    if isUniformLeftOut {
      let power = PixelNoise.spectrum(halves.map { 2 * $0 }, correlation: correlation)
      (cosinePower, sinePower) = (power, power)
    } else {
      (cosinePower, sinePower) = PixelNoise.naturalPowers(count: count, correlation: correlation)
    }
  }
}

private func naturalVariance(
  _ noise: PixelNoise, _ shape: GridShape, _ pixelSize: PixelSize, _ period: Double?,
  _ filling: FilledNoise
) -> [Double] {
  let (rows, columns) = (shape.rows, shape.columns)
  let modes = NaturalModes(noise, shape, pixelSize, period, filling)
  var series = [Double](repeating: 0, count: shape.count)
  series.share { series in
    let sums = concurrentMap((rows / 2 + NaturalModes.group) / NaturalModes.group) { group in
      modes.fold(group, into: series)
    }
    for sum in sums { for m in sum.indices { series[m] += sum[m] } }
    // The transform counts every coefficient but the first twice, along both axes.
    concurrentPieces(rows * columns) { positions in
      for position in positions {
        let (n, m) = position.quotientAndRemainder(dividingBy: columns)
        series[position] *= (m == 0 ? 1 : 0.5) * (n == 0 ? 1 : 0.5)
      }
    }
  }
  TrigonometricTransform(rows: rows, columns: columns, alongX: .cosine3, alongY: .cosine3)
    .transform(&series)
  series.share { series in
    concurrentPieces(rows * columns) { positions in
      // Rounding may leave a hair below nothing.
      for position in positions { series[position] = max(0, series[position]) }
    }
  }
  return series
}

/// The modes of the natural integral, and what noise puts into each.
private struct NaturalModes {
  /// Pairs of modes along y whose sums are formed together.
  static let group = 16

  private let noise: PixelNoise
  private let pixelSize: PixelSize
  private let period: Double?
  private let filling: FilledNoise
  private let x: NaturalAxis
  private let y: NaturalAxis

  init(
    _ noise: PixelNoise, _ shape: GridShape, _ pixelSize: PixelSize, _ period: Double?,
    _ filling: FilledNoise
  ) {
    (self.noise, self.pixelSize, self.period, self.filling) = (noise, pixelSize, period, filling)
    x = NaturalAxis(
      count: shape.columns, spacing: pixelSize.x, correlation: noise.correlationX,
      isUniformLeftOut: period != nil)
    y = NaturalAxis(
      count: shape.rows, spacing: pixelSize.y, correlation: noise.correlationY,
      isUniformLeftOut: period != nil)
  }

  /// Coefficients of Σ w cos² cos², folded on both axes to those of a cosine series.
  ///
  /// Along y, cos² of mode n is ½ (1 if n = 0) in the mean and ½ in the wave 2n; waves beyond the last
  /// fold back with the other sign. So modes k and rows - k make row 2k of the series, each mode a part of
  /// row 0, and the mode rows/2 nothing else.
  ///
  /// - Returns: What the modes of this group make of row 0.
  func fold(_ group: Int, into series: SharedPlane<Double>) -> [Double] {
    let (rows, columns) = (y.slope.count, x.slope.count)
    var mean = [Double](repeating: 0, count: columns)
    var weights = mean
    var folded = mean
    for k in (group * Self.group)..<min((group + 1) * Self.group, rows / 2 + 1) {
      let modes = k == 0 ? [(0, 0.0)] : 2 * k == rows ? [(k, 0.0)] : [(k, 0.5), (rows - k, -0.5)]
      for (n, factor) in modes {
        modeWeights(noise, x, y, n, pixelSize, period, &weights)
        if !filling.isWhite {
          for m in 0..<columns { weights[m] *= filling.power(x.cosine[m], y.cosine[n]) }
        }
        foldSquares(weights, into: &folded)
        let share = n == 0 ? 1 : 0.5
        for m in 0..<columns { mean[m] += folded[m] * share }
        if factor == 0 { continue }
        for m in 0..<columns { series[2 * k * columns + m] += folded[m] * factor }
      }
    }
    return mean
  }
}

/// Variance of each mode (m, n) of one n in the potential, over the squared norm of the mode.
private func modeWeights(
  _ noise: PixelNoise, _ x: NaturalAxis, _ y: NaturalAxis, _ n: Int, _ pixelSize: PixelSize,
  _ period: Double?, _ weights: inout [Double]
) {
  let (columns, rows) = (x.slope.count, y.slope.count)
  let ky = Double(n) / (2 * Double(rows) * pixelSize.y)
  let slopeY =
    noise.varianceY * y.slope[n] * y.slope[n] * y.sineNorm[n] * y.sinePower[n]
  for m in 0..<columns {
    if m + n == 0 {
      weights[m] = 0
      continue
    }
    let kx = Double(m) / (2 * Double(columns) * pixelSize.x)
    let norm = x.cosineNorm[m] * y.cosineNorm[n]
    let kept =
      highPass(kx * kx + ky * ky, period) / ((x.stiffness[m] + y.stiffness[n]) * norm)
    let alongX =
      noise.varianceX * x.slope[m] * x.slope[m] * x.sineNorm[m] * x.sinePower[m]
      * y.cosineNorm[n] * y.cosinePower[n]
    let alongY = slopeY * x.cosineNorm[m] * x.cosinePower[m]
    weights[m] = kept * kept * (alongX + alongY)
  }
}

/// Σ w(m) cos² as coefficients of a cosine series of n terms.
///
/// cos²(π m (j + ½)/n) = ½ + ½ cos(π 2m (j + ½)/n); waves beyond the n-th fold back with the other sign, and the
/// n-th itself is zero at all samples.
private func foldSquares(_ weights: [Double], into folded: inout [Double]) {
  let count = weights.count
  for index in folded.indices { folded[index] = 0 }
  guard count > 0 else { return }
  folded[0] = weights[0]
  for m in 1..<count { folded[0] += weights[m] * 0.5 }
  for m in 1..<count where 2 * m < count { folded[2 * m] += weights[m] * 0.5 }
  for m in 1..<count where 2 * m > count { folded[2 * (count - m)] -= weights[m] * 0.5 }
}
