// The Wiener inverse of the sectors' transfer functions, frequency by frequency.

internal import FFTW
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// What the inverse gives on a periodic frame.
struct PhaseSolution {
  /// rad.
  var phase: [Double]
  /// grad φ, rad/m.
  var slope: (x: [Double], y: [Double])
  /// Of the slope by counting, (rad/m)²; nil without statistics.
  var variance: (xx: Double, yy: Double, xy: Double)?
  /// Square root of the pixels over which slow errors go together: the density of the noise along the
  /// lowest waves over a component's mean.
  var correlation: Double
  var resolvedFrequency: Double
  var finePhase: Double
  var latticePhase: Double
}

struct PhaseSolver {
  private let shape: GridShape
  private let pixelSize: PixelSize
  /// Periods of two and of ten λ/α, cycles/m.
  private let fineLimit: Double
  private let latticeLimit: Double
  private let weights: [Double]
  private let frequencies: [Frequency]

  /// One wave of the half spectrum that a real frame keeps.
  private struct Frequency {
    /// cycles/m.
    var x = 0.0
    var y = 0.0
    var q: Double { (x * x + y * y).squareRoot() }
    /// T of every sector; empty where nothing is seen.
    var transfer: [Complex] = []
    /// Σ w |T|².
    var weight = 0.0
  }

  init(geometry: TransferGeometry, shape: GridShape, pixelSize: PixelSize) {
    self.shape = shape
    self.pixelSize = pixelSize
    fineLimit = geometry.probeSemiAngle / (2 * geometry.wavelength)
    latticeLimit = geometry.probeSemiAngle / (10 * geometry.wavelength)
    let weights = geometry.fractions.map { 1 / $0 }
    self.weights = weights
    let width = shape.columns / 2 + 1
    frequencies = concurrentMap(shape.rows) { row in
      let wave = row <= shape.rows / 2 ? row : row - shape.rows
      let qy = Double(wave) / (Double(shape.rows) * pixelSize.y)
      return (0..<width).map { column in
        let qx = Double(column) / (Double(shape.columns) * pixelSize.x)
        var frequency = Frequency(x: qx, y: qy)
        // Waves at the Nyquist frequency have no slope that could be seen.
        let isBlind = 2 * row == shape.rows || 2 * column == shape.columns
        if row + column == 0 || frequency.q >= geometry.informationLimit || isBlind {
          return frequency
        }
        frequency.transfer = geometry.transfer(qx: qx, qy: qy)
        frequency.weight = zip(weights, frequency.transfer).reduce(0) { sum, term in
          let (w, t) = term
          return sum + w * (t.real * t.real + t.imaginary * t.imaginary)
        }
        return frequency
      }
    }.flatMap { $0 }
  }

  func solve(
    _ planes: [[Double]], electrons: Double?, regularization: TransferRegularization
  ) -> PhaseSolution {
    let transform = RealFourierTransform(rows: shape.rows, columns: shape.columns)
    let numerators = numerators(planes, transform)
    // Noise of Σ w T* i: multinomial, f_j/N per sector and pixel.
    let noise = electrons.map { Double(shape.count) / $0 }
    let inverses = inverses(numerators, noise: noise, regularization)
    let waves = waves(numerators, inverses, transform.spectrumColumns, noise: noise ?? 0)
    let n = Double(shape.count)
    let scale = 1 / (n * n)
    let (xx, yy, xy) = waves.power
    // A gradient's noise lies along its wave: there is twice the density of one component's mean variance.
    let shared =
      waves.slow.power > 0 ? 2 * n * waves.slow.power / waves.slow.count / (xx + yy) : 1
    return PhaseSolution(
      phase: plane(waves.phase, transform),
      slope: (plane(waves.slopeX, transform), plane(waves.slopeY, transform)),
      variance: noise.map { _ in (xx * scale, yy * scale, xy * scale) },
      correlation: max(1, shared).squareRoot(), resolvedFrequency: waves.resolved,
      finePhase: (waves.fine * scale).squareRoot(),
      latticePhase: (waves.lattice * scale).squareRoot())
  }

  /// The solution wave by wave, and sums over its waves.
  private struct Waves {
    var phase: [Complex]
    var slopeX: [Complex]
    var slopeY: [Complex]
    /// Of the slope's noise.
    var power = (xx: 0.0, yy: 0.0, xy: 0.0)
    /// Along the lowest waves: of the slope's noise, and how many waves.
    var slow = (power: 0.0, count: 0.0)
    /// Highest frequency of which at least half is recovered.
    var resolved = 0.0
    /// Σ |φ|² beyond the limits.
    var (fine, lattice) = (0.0, 0.0)

    init(count: Int) {
      phase = [Complex](repeating: Complex(0, 0), count: count)
      (slopeX, slopeY) = (phase, phase)
    }
  }

  private func waves(
    _ numerators: [Complex], _ inverses: [Inverse], _ width: Int, noise: Double
  ) -> Waves {
    let kx = derivativeFrequencies(shape.columns, spacing: pixelSize.x)
    let ky = derivativeFrequencies(shape.rows, spacing: pixelSize.y)
    let lowest = frequencies.lazy.map(\.q).filter { $0 > 0 }.min() ?? 0
    var waves = Waves(count: frequencies.count)
    for index in frequencies.indices where frequencies[index].weight > 0 {
      let (weight, q) = (frequencies[index].weight, frequencies[index].q)
      let divisor = weight + inverses[index].epsilon
      let (row, column) = (index / width, index % width)
      let (gx, gy) = (2 * Double.pi * kx[column], 2 * Double.pi * ky[row])
      let copies = column == 0 || 2 * column == shape.columns ? 1.0 : 2
      // Of Wiener's error, N/(W + ε), the noise let through lies along the wave, the signal held back where the signal
      // is.
      let through = noise * weight / divisor / divisor
      let held = 1 - weight / divisor
      let signal = (gx * gx + gy * gy) * held * held
      let xx = copies * (gx * gx * through + signal * inverses[index].signal.xx)
      let yy = copies * (gy * gy * through + signal * inverses[index].signal.yy)
      waves.power.xx += xx
      waves.power.yy += yy
      waves.power.xy += copies * (gx * gy * through + signal * inverses[index].signal.xy)
      if q < 3 * lowest {
        waves.slow.power += xx + yy
        waves.slow.count += copies
      }
      guard divisor.isFinite else { continue }
      let value = Complex(
        numerators[index].real / divisor, numerators[index].imaginary / divisor)
      waves.phase[index] = value
      waves.slopeX[index] = Complex(-gx * value.imaginary, gx * value.real)
      waves.slopeY[index] = Complex(-gy * value.imaginary, gy * value.real)
      if weight > divisor / 2 { waves.resolved = max(waves.resolved, q) }
      let square = copies * (value.real * value.real + value.imaginary * value.imaginary)
      if q > fineLimit { waves.fine += square }
      if q > latticeLimit { waves.lattice += square }
    }
    return waves
  }

  /// Σ w T* i of every frequency.
  private func numerators(
    _ planes: [[Double]], _ transform: borrowing RealFourierTransform
  ) -> [Complex] {
    var sums = [Complex](repeating: Complex(0, 0), count: frequencies.count)
    for (j, plane) in planes.enumerated() {
      let buffer = TransformBuffer<Double>(copying: plane)
      var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
      transform.forward(buffer, into: &spectrum)
      spectrum.withSpan { waves in
        for index in sums.indices where frequencies[index].weight > 0 {
          let (t, i) = (frequencies[index].transfer[j], waves[index])
          sums[index].real += weights[j] * (t.real * i.real + t.imaginary * i.imaginary)
          sums[index].imaginary += weights[j] * (t.real * i.imaginary - t.imaginary * i.real)
        }
      }
    }
    return sums
  }

  /// How a wave is inverted.
  private struct Inverse {
    /// ε; infinite where nothing is seen.
    var epsilon = Double.infinity
    /// What is thought of |φ|², by the direction of the waves; zero where nothing is.
    var signal = (xx: 0.0, yy: 0.0, xy: 0.0)
  }

  private func inverses(
    _ numerators: [Complex], noise: Double?, _ regularization: TransferRegularization
  ) -> [Inverse] {
    let largest = frequencies.reduce(0) { max($0, $1.weight) }
    let constant: Double
    switch regularization {
    case .relative(let value): constant = value * largest
    case .measured: constant = 1e-12 * largest
    }
    guard case .measured = regularization, let noise else {
      // A chosen ε says nothing of the signal, so that only the noise counts.
      return [Inverse](repeating: Inverse(epsilon: constant), count: frequencies.count)
    }
    let powers = PhasePowers(
      waves: zip(frequencies, numerators).map { wave, sum in
        PhasePowers.Wave(
          x: wave.x, y: wave.y, weight: wave.weight,
          power: sum.real * sum.real + sum.imaginary * sum.imaginary)
      }, noise: noise)
    return frequencies.map { wave in
      if wave.weight == 0 { return Inverse() }
      let power = powers[wave.q]
      return Inverse(
        epsilon: power.visible.map { max(constant, noise / $0) } ?? .infinity,
        signal: power.directed)
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
