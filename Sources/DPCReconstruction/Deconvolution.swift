// The projection of inclined walls undone wave by wave, as far as noise and the zeros of the box allow.

internal import FFTW
internal import Glibc
public import STEMCore

/// A field with the path through inclined walls taken back.
public struct DeconvolvedField: Sendable {
  /// V/m, in the scan frame. Its covariance is that of the noise let through, alike at all pixels.
  public var map: VectorMap
  /// The width t tan a of the box that was undone, m.
  public var boxWidth: Double
  /// The shortest period along the wall normal of which at least half is recovered, m; nil where none is.
  public var resolution: Double?
  /// The share of the measured power above noise in waves of which less than half is recovered.
  public var lostShare: Double
}

/// Undoes the projection of walls inclined by a in a specimen of thickness t, without a model of their profile.
///
/// The image of a field E(u) is its mean over a box of width t tan a along the image normal, times the
/// direction factor: H(k) = g sinc(k t tan a), k in cycles per meter along the normal, which has zeros
/// at k = m/(t tan a). Waves are multiplied by
///
///     G = H/(H² + N/S)
///
/// (N. Wiener, 1949) with N the counting noise and S the power of the field itself, estimated from the data
/// by k and smoothed: what is not above noise, or lies at a zero, is not restored but damped, which
/// makes walls too low and too wide rather than noisy. The component across the wall is divided by g;
/// of the component along it only the box is undone. Frames are continued by their mirror image along
/// both axes.
/// - Parameters:
///   - meanField: The field's mean over the thickness, V/m, filled where masked.
///   - normalAzimuth: Of the wall normal in the image, rad.
///   - geometry: Of the walls.
///   - correlation: Over how many pixels along x and y errors go together.
/// - Throws: ``WallError`` without a pixel size, or where g vanishes.
public func deconvolvedField(
  of meanField: VectorMap, normalAzimuth: Double, geometry: InclinationGeometry,
  correlation: (x: Double, y: Double) = (1, 1)
) throws(WallError) -> DeconvolvedField {
  guard let pixel = meanField.pixelSize else { throw .pixelSizeMissing }
  guard normalAzimuth.isFinite else { throw .badAzimuth(normalAzimuth) }
  guard abs(geometry.directionFactor) >= 1e-9 else {
    throw .invisibleField(geometry.direction, inclination: geometry.inclination)
  }
  let n = unitVector(azimuth: normalAzimuth)
  let noise = PixelNoise(of: meanField, correlationX: correlation.x, correlationY: correlation.y)
  let box = geometry.thickness * geometry.sine / geometry.cosine
  let isAcross = geometry.direction != .perp
  let across = meanField.field.x.indices.map {
    n.x * meanField.field.x[$0] + n.y * meanField.field.y[$0]
  }
  let along = meanField.field.x.indices.map {
    -n.y * meanField.field.x[$0] + n.x * meanField.field.y[$0]
  }
  // White noise of both components; unequal ones are alike to some percent in DPC.
  let variance = noise.map { ($0.varianceX + $0.varianceY) / 2 }
  func restored(_ plane: [Double], factor: Double) -> WienerResult {
    WienerFilter(
      shape: meanField.shape, pixel: pixel, normal: n, box: box, factor: factor,
      variance: variance, correlation: correlation
    ).restored(plane)
  }
  let factor = geometry.directionFactor
  let first = restored(across, factor: isAcross ? factor : 1)
  let second = restored(along, factor: isAcross ? 1 : factor)
  var map = meanField
  for i in map.field.x.indices {
    map.field.x[i] = n.x * first.plane[i] - n.y * second.plane[i]
    map.field.y[i] = n.y * first.plane[i] + n.x * second.plane[i]
  }
  map.covariance = variance.map { _ in
    let (a, b) = (first.variance, second.variance)
    let count = meanField.shape.count
    return VectorCovariance(
      shape: meanField.shape,
      xx: [Double](repeating: n.x * n.x * a + n.y * n.y * b, count: count),
      yy: [Double](repeating: n.y * n.y * a + n.x * n.x * b, count: count),
      xy: [Double](repeating: n.x * n.y * (a - b), count: count))
  }
  let main = isAcross ? first : second
  return DeconvolvedField(
    map: map, boxWidth: box, resolution: main.resolution, lostShare: main.lostShare)
}

private struct WienerResult {
  var plane: [Double]
  var variance: Double
  var resolution: Double?
  var lostShare: Double
}

/// The filter for one component, in cosine series: waves of a frame continued by its mirror image.
private struct WienerFilter {
  let shape: GridShape
  let pixel: PixelSize
  let normal: (x: Double, y: Double)
  let box: Double
  let factor: Double
  let variance: Double?
  let correlation: (x: Double, y: Double)

  /// |k| along and across the normal of the wave (row, column) of the doubled frame, cycles/m.
  private func frequencies(
    _ p: Int, _ q: Int, rows: Int, columns: Int
  ) -> (normal: Double, wall: Double) {
    let ky = Double(p <= rows / 2 ? p : p - rows) / (Double(rows) * pixel.y)
    let kx = Double(q) / (Double(columns) * pixel.x)
    return (abs(kx * normal.x + ky * normal.y), abs(ky * normal.x - kx * normal.y))
  }

  private func transfer(_ k: Double) -> Double {
    let x = Double.pi * k * box
    return factor * (x < 1e-9 ? 1 : sin(x) / x)
  }

  func restored(_ plane: [Double]) -> WienerResult {
    let (rows, columns) = (2 * shape.rows, 2 * shape.columns)
    let transform = RealFourierTransform(rows: rows, columns: columns)
    var buffer = TransformBuffer<Double>(copying: mirrored(plane))
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(buffer, into: &spectrum)
    let width = transform.spectrumColumns
    // Four mirrored copies of the noise of a quarter of the frame: the same power as noise all over.
    let noise = (variance ?? 0) * Double(rows * columns) * correlation.x * correlation.y
    let gains = classes(spectrum, rows: rows, columns: columns, width: width, noise: noise)
    var through = 0.0
    spectrum.withMutableSpan { waves in
      for p in 0..<rows {
        for q in 0..<width {
          let k = frequencies(p, q, rows: rows, columns: columns)
          let gain = p + q == 0 ? 1 / factor : gains.gain(k, transfer: transfer(k.normal))
          let index = p * width + q
          waves[index] = Complex(gain * waves[index].real, gain * waves[index].imaginary)
          let copies = q == 0 || 2 * q == columns ? 1.0 : 2
          through += copies * gain * gain
        }
      }
    }
    transform.inverse(&spectrum, into: &buffer)
    let scale = 1 / Double(rows * columns)
    let all = buffer.array()
    let result = (0..<shape.count).map { index in
      scale * all[index / shape.columns * columns + index % shape.columns]
    }
    return WienerResult(
      plane: result,
      variance: (variance ?? 0) * correlation.x * correlation.y * through * scale,
      resolution: gains.resolution, lostShare: gains.lostShare)
  }

  private func mirrored(_ plane: [Double]) -> [Double] {
    let (rows, columns) = (shape.rows, shape.columns)
    var result = [Double](repeating: 0, count: 4 * plane.count)
    for row in 0..<(2 * rows) {
      let source = (row < rows ? row : 2 * rows - 1 - row) * columns
      for column in 0..<(2 * columns) {
        let from = column < columns ? column : 2 * columns - 1 - column
        result[row * 2 * columns + column] = plane[source + from]
      }
    }
    return result
  }

  /// What is known of the field by class of waves: frequency along the normal in equal steps, across it in
  /// octaves, so that walls, which lie in the lowest class of the latter, are told from the noise of
  /// all others.
  private struct WaveClasses {
    let step: Double
    let wallStep: Double
    let count: Int
    /// N/S of each class; infinite where nothing stands out.
    var noiseToSignal: [Double] = []
    var resolution: Double?
    var lostShare = 0.0

    static let bands = 8

    func index(_ k: (normal: Double, wall: Double)) -> Int {
      // Half a step keeps rounding from splitting waves of one frequency.
      let bin = min(count - 1, Int(k.normal / step + 0.5))
      let ratio = k.wall / wallStep
      let band = ratio < 1.5 ? 0 : min(Self.bands - 1, 1 + Int(log2(ratio / 1.5)))
      return band * count + bin
    }

    func gain(_ k: (normal: Double, wall: Double), transfer h: Double) -> Double {
      let ratio = noiseToSignal[index(k)]
      return ratio.isFinite ? h / (h * h + ratio) : 0
    }
  }

  private func classes(
    _ spectrum: borrowing TransformBuffer<Complex>, rows: Int, columns: Int, width: Int,
    noise: Double
  ) -> WaveClasses {
    let (lengthX, lengthY) = (Double(columns) * pixel.x, Double(rows) * pixel.y)
    let highest = abs(normal.x) / (2 * pixel.x) + abs(normal.y) / (2 * pixel.y)
    let step = 1 / (lengthX * abs(normal.x) + lengthY * abs(normal.y))
    var classes = WaveClasses(
      step: step, wallStep: 1 / (lengthX * abs(normal.y) + lengthY * abs(normal.x)),
      count: Int(highest / step) + 2)
    let size = classes.count * WaveClasses.bands
    // Per class: Σ P, Σ N, Σ P H², Σ N H², Σ H⁴, Σ N² H⁴.
    var sums = [[Double]](repeating: [Double](repeating: 0, count: size), count: 6)
    spectrum.withSpan { values in
      for p in 0..<rows {
        for q in 0..<width where p + q > 0 {
          let k = frequencies(p, q, rows: rows, columns: columns)
          let index = classes.index(k)
          let value = values[p * width + q]
          let power = value.real * value.real + value.imaginary * value.imaginary
          let h2 = transfer(k.normal) * transfer(k.normal)
          // Mirrored noise has twice the power in waves along an axis of the frame.
          let share = noise * (p == 0 || 2 * p == rows ? 2 : 1) * (q == 0 ? 2 : 1)
          let terms = [power, share, power * h2, share * h2, h2 * h2, share * share * h2 * h2]
          for (list, term) in terms.enumerated() {
            sums[list][index] += term
          }
        }
      }
    }
    let largest = sums[0].reduce(0, max)
    // Without noise what is left is rounding, some 1e-20 of the largest power.
    let floor = max(noise, 1e-20 * largest)
    for band in 0..<WaveClasses.bands {
      let range = (band * classes.count)..<((band + 1) * classes.count)
      // S by least squares over neighbors, Σ H² (P - N) over Σ H⁴, where it stands three deviations
      // above what noise alone would give.
      let weights = summed(range.map { sums[4][$0] })
      let signal = summed(range.map { sums[2][$0] - sums[3][$0] })
      let spread = summed(range.map { sums[5][$0] })
      classes.noiseToSignal += weights.indices.map { bin in
        let isSeen = signal[bin] > max(3 * spread[bin].squareRoot(), 1e-18 * largest * weights[bin])
        return weights[bin] > 0 && isSeen ? floor * weights[bin] / signal[bin] : .infinity
      }
    }
    measureLoss(&classes, power: sums[0], noise: sums[1])
    return classes
  }

  /// What is not recovered, and down to which period walls are.
  private func measureLoss(
    _ classes: inout WaveClasses, power: [Double], noise: [Double]
  ) {
    func recovered(_ index: Int) -> Double {
      let h = transfer(Double(index % classes.count) * classes.step)
      let ratio = classes.noiseToSignal[index]
      return ratio.isFinite ? h * h / (h * h + ratio) : 0
    }
    var (total, lost) = (0.0, 0.0)
    for index in power.indices {
      let excess = max(0, power[index] - noise[index])
      total += excess
      if recovered(index) < 0.5 { lost += excess }
    }
    classes.lostShare = total > 0 ? lost / total : 0
    // Zeros of the box are narrow: resolution ends where three neighbors in a row are lost.
    let bins = 1..<(classes.count - 2)
    let end = bins.first { bin in (bin..<(bin + 3)).allSatisfy { recovered($0) < 0.5 } }
    let last = end ?? classes.count - 1
    classes.resolution = last > 1 ? 1 / (Double(last) * classes.step) : nil
  }

  /// Sums over five classes in a row: zeros of the transfer have no weight and take their neighbors' word.
  private func summed(_ values: [Double]) -> [Double] {
    values.indices.map { bin in
      (max(0, bin - 2)...min(values.count - 1, bin + 2)).reduce(0) { $0 + values[$1] }
    }
  }
}
