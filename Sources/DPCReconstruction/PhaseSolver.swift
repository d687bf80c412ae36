// The Wiener inverse of the sectors' transfer functions, frequency by frequency.

internal import FFTW
internal import Glibc
internal import STEMCore

/// What the inverse gives on a periodic frame.
struct PhaseSolution {
  /// rad.
  var phase: [Double]
  /// grad φ, rad/m.
  var slope: (x: [Double], y: [Double])
  /// Of the slope by counting, (rad/m)²; nil without statistics.
  var variance: (xx: Double, yy: Double, xy: Double)?
  var correlation: Double
  var resolvedFrequency: Double
  var finePhase: Double
}

struct PhaseSolver {
  let geometry: TransferGeometry
  let shape: GridShape
  let pixelSize: PixelSize

  /// Σ w T* i, Σ w |T|² of every kept frequency.
  private struct Sums {
    var numerator: [Complex]
    var weight: [Double]
    var frequency: [Double]
  }

  func solve(
    _ planes: [[Double]], electrons: Double?, regularization: TransferRegularization
  ) -> PhaseSolution {
    let transform = RealFourierTransform(rows: shape.rows, columns: shape.columns)
    let width = transform.spectrumColumns
    let sums = sums(planes, transform)
    // Noise of Σ w T* i: multinomial, f_j/N per sector and pixel.
    let noise = electrons.map { Double(shape.count) / $0 }
    let epsilon = epsilon(sums, noise: noise, regularization)
    let kx = derivativeFrequencies(shape.columns, spacing: pixelSize.x)
    let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
    var phase = [Complex](repeating: Complex(0, 0), count: sums.weight.count)
    var slopeX = phase
    var slopeY = phase
    var (xx, yy, xy, squares, total) = (0.0, 0.0, 0.0, 0.0, 0.0)
    var (resolved, fine) = (0.0, 0.0)
    let fineLimit = geometry.probeSemiAngle / (2 * geometry.wavelength)
    for index in phase.indices where sums.weight[index] > 0 {
      let divisor = sums.weight[index] + epsilon[index]
      guard divisor.isFinite else { continue }
      let value = Complex(
        sums.numerator[index].real / divisor, sums.numerator[index].imaginary / divisor)
      let (row, column) = (index / width, index % width)
      let (gx, gy) = (2 * Double.pi * kx[column], 2 * Double.pi * ky[row])
      phase[index] = value
      slopeX[index] = Complex(-gx * value.imaginary, gx * value.real)
      slopeY[index] = Complex(-gy * value.imaginary, gy * value.real)
      let copies = column == 0 || 2 * column == shape.columns ? 1.0 : 2
      // Wiener's own error, N/(W + ε): the noise let through and the signal held back. A chosen ε says
      // nothing of the signal, so that only the noise counts.
      let kept = regularization == .measured ? 1 : sums.weight[index] / divisor
      let power = (noise ?? 0) * kept / divisor
      xx += copies * gx * gx * power
      yy += copies * gy * gy * power
      xy += copies * gx * gy * power
      let both = (gx * gx + gy * gy) * power
      total += copies * both
      squares += copies * both * both
      if sums.weight[index] > divisor / 2 { resolved = max(resolved, sums.frequency[index]) }
      if sums.frequency[index] > fineLimit {
        fine += copies * (value.real * value.real + value.imaginary * value.imaginary)
      }
    }
    let n = Double(shape.count)
    let scale = 1 / (n * n)
    let shared = total > 0 ? n * squares / (total * total) : 1
    return PhaseSolution(
      phase: plane(phase, transform), slope: (plane(slopeX, transform), plane(slopeY, transform)),
      variance: noise.map { _ in (xx * scale, yy * scale, xy * scale) },
      correlation: max(1, shared).squareRoot(), resolvedFrequency: resolved,
      finePhase: (fine * scale).squareRoot())
  }

  private func sums(_ planes: [[Double]], _ transform: borrowing RealFourierTransform) -> Sums {
    let width = transform.spectrumColumns
    let spectra = planes.map { plane -> [Complex] in
      let buffer = TransformBuffer<Double>(copying: plane)
      var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
      transform.forward(buffer, into: &spectrum)
      return spectrum.array()
    }
    let weights = geometry.fractions.map { 1 / $0 }
    let count = transform.spectrumCount
    var sums = Sums(
      numerator: [Complex](repeating: Complex(0, 0), count: count),
      weight: [Double](repeating: 0, count: count),
      frequency: [Double](repeating: 0, count: count))
    for row in 0..<shape.rows {
      let wave = row <= shape.rows / 2 ? row : row - shape.rows
      let qy = Double(wave) / (Double(shape.rows) * pixelSize.y)
      for column in 0..<width {
        let qx = Double(column) / (Double(shape.columns) * pixelSize.x)
        let index = row * width + column
        let q = (qx * qx + qy * qy).squareRoot()
        sums.frequency[index] = q
        // Waves at the Nyquist frequency have no slope that could be seen.
        let isBlind = 2 * row == shape.rows || 2 * column == shape.columns
        if row + column == 0 || q >= geometry.informationLimit || isBlind { continue }
        let transfer = geometry.transfer(qx: qx, qy: qy)
        var (real, imaginary, power) = (0.0, 0.0, 0.0)
        for (j, t) in transfer.enumerated() {
          let i = spectra[j][index]
          real += weights[j] * (t.real * i.real + t.imaginary * i.imaginary)
          imaginary += weights[j] * (t.real * i.imaginary - t.imaginary * i.real)
          power += weights[j] * (t.real * t.real + t.imaginary * t.imaginary)
        }
        sums.numerator[index] = Complex(real, imaginary)
        sums.weight[index] = power
      }
    }
    return sums
  }

  /// ε of every frequency; infinite where nothing is seen.
  private func epsilon(
    _ sums: Sums, noise: Double?, _ regularization: TransferRegularization
  ) -> [Double] {
    let largest = sums.weight.reduce(0, max)
    let constant: Double
    switch regularization {
    case .relative(let value): constant = value * largest
    case .measured: constant = 1e-12 * largest
    }
    guard case .measured = regularization, let noise else {
      return [Double](repeating: constant, count: sums.weight.count)
    }
    // Power of the phase by frequency, three classes to the octave: least squares of |Σ wT*i|² = W² S + N W.
    let lowest = sums.frequency.filter { $0 > 0 }.min() ?? 1
    let bands = sums.frequency.map { $0 > 0 ? Int(3 * log2($0 / lowest) + 1e-9) : 0 }
    let bandCount = (bands.max() ?? 0) + 1
    var signal = [Double](repeating: 0, count: bandCount)
    var squares = signal
    for index in sums.weight.indices {
      let (w, n) = (sums.weight[index], sums.numerator[index])
      signal[bands[index]] += n.real * n.real + n.imaginary * n.imaginary - noise * w
      squares[bands[index]] += w * w
    }
    return sums.weight.indices.map { index in
      let band = bands[index]
      let power = squares[band] > 0 ? signal[band] / squares[band] : 0
      return power > 0 ? max(constant, noise / power) : .infinity
    }
  }

  private func plane(
    _ values: [Complex], _ transform: borrowing RealFourierTransform
  ) -> [Double] {
    var spectrum = TransformBuffer<Complex>(copying: values)
    var buffer = TransformBuffer<Double>(count: shape.count)
    transform.inverse(&spectrum, into: &buffer)
    let scale = 1 / Double(shape.count)
    return buffer.array().map { scale * $0 }
  }
}
