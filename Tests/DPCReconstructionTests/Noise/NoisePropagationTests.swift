// Errors of potentials, charges and Helmholtz parts against realizations of the noise they stand for.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct NoisePropagationTests {
  private static let shape = GridShape(rows: 24, columns: 36)
  private static let pixel = PixelSize(x: 1.4e-9, y: 0.9e-9)
  private static let deviation = (x: 2.0, y: 1.3)
  private static let draws = 400

  private static var noise: PixelNoise {
    PixelNoise(
      varianceX: deviation.x * deviation.x, varianceY: deviation.y * deviation.y)
  }

  private static func realization(_ seed: Int) -> VectorField {
    var generator = SeededGenerator(seed: UInt64(seed), path: [11])
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      field.x[index] = deviation.x * generator.normal()
      field.y[index] = deviation.y * generator.normal()
    }
    return field
  }

  private static func map(_ field: VectorField) -> VectorMap {
    VectorMap(
      field: field, covariance: nil, mask: PixelMask(shape: field.shape), pixelSize: pixel)
  }

  /// Compares values of many draws with the variances stated for them.
  ///
  /// - Parameter tolerance: Of the ratio of variances, mean over the pixels.
  private func expect(
    _ variance: [Double], tolerance: Double, of value: (Int) -> [Double],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var (power, within) = (0.0, 0)
    for seed in 0..<Self.draws {
      for (found, stated) in zip(value(seed), variance) {
        power += found * found / stated
        if found * found < stated { within += 1 }
      }
    }
    let total = Double(Self.draws * variance.count)
    #expect(
      abs(power / total - 1) < tolerance, "variance ratio \(power / total)",
      sourceLocation: sourceLocation)
    let share = Double(within) / total
    #expect((0.65...0.71).contains(share), "\(share) within", sourceLocation: sourceLocation)
  }

  @Test(
    "The potential's error at every pixel, natural and periodic, with and without a high-pass",
    arguments: IntegrationBoundary.allCases, [nil, 20e-9])
  func potential(boundary: IntegrationBoundary, highPass: Double?) {
    let variance = potentialVariance(
      of: Self.noise, shape: Self.shape, pixelSize: Self.pixel, boundary: boundary,
      highPassPeriod: highPass)
    // 400 draws of some dozen independent waves: 3 % of scatter, and 6 % for the links at the rim.
    expect(variance, tolerance: 0.09) { seed in
      let integrated = integratedPotential(
        of: Self.realization(seed), pixelSize: Self.pixel, boundary: boundary,
        highPassPeriod: highPass)
      let values = integrated.potential.values
      let mean = values.reduce(0, +) / Double(values.count)
      return values.map { $0 - mean }
    }
  }

  @Test("The error of a potential is larger at the corners than in the middle, by the drawn amount")
  func corners() {
    let variance = potentialVariance(
      of: Self.noise, shape: Self.shape, pixelSize: Self.pixel, boundary: .neumann)
    let middle = 12 * Self.shape.columns + 18
    var (atCorner, inMiddle) = (0.0, 0.0)
    for seed in 0..<Self.draws {
      let values = integratedPotential(
        of: Self.realization(seed), pixelSize: Self.pixel, boundary: .neumann
      ).potential.values
      atCorner += values[0] * values[0] / Double(Self.draws)
      inMiddle += values[middle] * values[middle] / Double(Self.draws)
    }
    // A variance of 400 draws scatters by 7 %: three of these, and 6 % for the rim.
    #expect(abs(variance[0] / atCorner - 1) < 0.27, "\(variance[0] / atCorner)")
    #expect(abs(variance[middle] / inMiddle - 1) < 0.27)
    #expect(atCorner > 2 * inMiddle)
  }

  @Test("Integrals of a smoothed field: waves are as noisy as before, pixels are not")
  func smoothedPotential() {
    let sigma = (x: 1.5, y: 2.0)
    var white = Self.map(VectorField(shape: Self.shape))
    white.covariance = VectorCovariance(
      shape: Self.shape,
      xx: [Double](repeating: Self.noise.varianceX, count: Self.shape.count),
      yy: [Double](repeating: Self.noise.varianceY, count: Self.shape.count),
      xy: [Double](repeating: 0, count: Self.shape.count))
    let scale = 2 * Double.pi.squareRoot()
    let noise = PixelNoise(
      of: smoothed(white, sigma: sigma), correlationX: scale * sigma.x,
      correlationY: scale * sigma.y)
    guard let noise else {
      Issue.record("no noise")
      return
    }
    let variance = potentialVariance(
      of: noise, shape: Self.shape, pixelSize: Self.pixel, boundary: .neumann)
    // Smoothing that stops at the rim leaves more noise there than the Gaussian's law says: 12 % here.
    var ratio = 0.0
    for seed in 0..<Self.draws {
      let values = integratedPotential(
        of: smoothed(Self.map(Self.realization(seed)), sigma: sigma).field,
        pixelSize: Self.pixel, boundary: .neumann
      ).potential.values
      for (found, stated) in zip(values, variance) { ratio += found * found / stated }
    }
    ratio /= Double(Self.draws * Self.shape.count)
    #expect(ratio > 0.85 && ratio < 1.25, "\(ratio)")
  }

  /// Σ over the pixels of the exact variance: the integral of a unit field at each pixel in turn, weighted by how much of
  /// the noise each two pixels share.
  private static func exactPotentialPower(sigma: Double, _ shape: GridShape) -> Double {
    func share(_ first: Int, _ second: Int) -> Double {
      let (dx, dy) = (
        Double(first % shape.columns - second % shape.columns),
        Double(first / shape.columns - second / shape.columns)
      )
      return exp(-(dx * dx + dy * dy) / (4 * sigma * sigma))
    }
    var power = 0.0
    for isX in [true, false] {
      let answers = (0..<shape.count).map { index in
        var field = VectorField(shape: shape)
        if isX { field.x[index] = deviation.x } else { field.y[index] = deviation.y }
        return integratedPotential(of: field, pixelSize: pixel, boundary: .neumann)
          .potential.values
      }
      for first in 0..<shape.count {
        for second in 0..<shape.count {
          power +=
            share(first, second)
            * zip(answers[first], answers[second]).reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
    }
    return power
  }

  @Test(
    "However wide the Gaussian, the potential's error is that of the noise left, in the end of a uniform field",
    arguments: [1.5, 4, 12, 60, 1e9])
  func widelySmoothed(sigma: Double) {
    let shape = GridShape(rows: 11, columns: 14)
    let correlation = 2 * Double.pi.squareRoot() * sigma
    let noise = PixelNoise(
      varianceX: Self.noise.varianceX, varianceY: Self.noise.varianceY, correlationX: correlation,
      correlationY: correlation)
    let variance = potentialVariance(
      of: noise, shape: shape, pixelSize: Self.pixel, boundary: .neumann)
    let ratio = variance.reduce(0, +) / Self.exactPotentialPower(sigma: sigma, shape)
    // The weights of the links at the rim, which the modes do not know.
    #expect(abs(ratio - 1) < 0.06, "\(ratio)")
    if sigma < 1e9 { return }
    // A ramp about the middle, whose mean square is (n² - 1)/12 of the pixel's.
    let ramp =
      noise.varianceX * Self.pixel.x * Self.pixel.x * (14 * 14 - 1) / 12
      + noise.varianceY * Self.pixel.y * Self.pixel.y * (11 * 11 - 1) / 12
    let mean = variance.reduce(0, +) / Double(shape.count)
    #expect(abs(mean / ramp - 1) < 0.06, "\(mean / ramp)")
  }

  @Test("The charge density's error, at the rim and inside")
  func charge() {
    let count = Self.shape.count
    let covariance = VectorCovariance(
      shape: Self.shape, xx: [Double](repeating: Self.noise.varianceX, count: count),
      yy: [Double](repeating: Self.noise.varianceY, count: count),
      xy: [Double](repeating: 0, count: count))
    let variance = projectedChargeDensityVariance(of: covariance, pixelSize: Self.pixel)
    // 400 × 864 numbers scatter by a percent, neighbors being alike.
    expect(variance, tolerance: 0.02) { seed in
      projectedChargeDensity(of: Self.realization(seed), pixelSize: Self.pixel).values
    }
  }

  @Test("The charge density of a smoothed field is far better known than independent pixels say")
  func smoothedCharge() {
    let sigma = 2.0
    let correlation = 2 * Double.pi.squareRoot() * sigma
    var ratio = 0.0
    var count = 0
    let scale = 1 / (correlation * correlation)
    let covariance = VectorCovariance(
      shape: Self.shape,
      xx: [Double](repeating: scale * Self.noise.varianceX, count: Self.shape.count),
      yy: [Double](repeating: scale * Self.noise.varianceY, count: Self.shape.count),
      xy: [Double](repeating: 0, count: Self.shape.count))
    let variance = projectedChargeDensityVariance(
      of: covariance, pixelSize: Self.pixel, correlation: (correlation, correlation))
    for seed in 0..<100 {
      let field = smoothed(Self.map(Self.realization(seed)), sigma: (x: sigma, y: sigma)).field
      let density = projectedChargeDensity(of: field, pixelSize: Self.pixel).values
      // Away from the rim, where the window is whole.
      for row in 9..<(Self.shape.rows - 9) {
        for column in 9..<(Self.shape.columns - 9) {
          let index = row * Self.shape.columns + column
          ratio += density[index] * density[index] / variance[index]
          count += 1
        }
      }
    }
    // Some 100 × 9 independent numbers: 5 % of scatter, three of these.
    #expect(abs(ratio / Double(count) - 1) < 0.15, "\(ratio / Double(count))")
  }

  @Test(
    "Errors of the Helmholtz parts, components apart, with pixels that are not square",
    arguments: [(true, true), (true, false), (false, true), (false, false)])
  func helmholtz(isCurlFree: Bool, isX: Bool) {
    let variances = helmholtzVariances(of: Self.noise, shape: Self.shape, pixelSize: Self.pixel)
    let part = isCurlFree ? variances.curlFree : variances.divergenceFree
    let variance = [Double](repeating: isX ? part.x : part.y, count: Self.shape.count)
    expect(variance, tolerance: 0.02) { seed in
      let parts = helmholtzParts(
        of: Self.realization(seed), pixelSize: Self.pixel, boundary: .periodic)
      let field = isCurlFree ? parts.curlFree : parts.divergenceFree
      return isX ? field.x : field.y
    }
  }

  @Test("A wall at the upper limit is missed as rarely as stated, and noise keeps below it")
  func upperLimit() throws {
    let geometry = try InclinationGeometry(
      thickness: 50e-9, inclination: Double.pi / 4, direction: .parallel)
    let distance = (0..<160).map { Double($0 - 80) * 1e-9 }
    let error = 1e6
    var limits: [Double] = []
    for seed in 0..<40 {
      var generator = SeededGenerator(seed: UInt64(seed), path: [12])
      let profile = LineProfile(
        distance: distance, value: distance.map { _ in error * generator.normal() },
        error: distance.map { _ in error }, sampleCount: distance.map { _ in 50 })
      limits.append(
        try #require(wallUpperLimit(profile: profile, geometry: geometry, width: 20e-9)))
    }
    // σ of the amplitude of a wall in the middle, from its own shape by hand.
    var power = 0.0
    let w = 20e-9 / 1.762747
    for x in distance {
      let plus = (x * cos(Double.pi / 4) + 25e-9 * sin(Double.pi / 4)) / w
      let minus = (x * cos(Double.pi / 4) - 25e-9 * sin(Double.pi / 4)) / w
      let height =
        sin(Double.pi / 4) * w / (50e-9 * sin(Double.pi / 4)) * (tanh(plus) - tanh(minus))
      power += height * height / (error * error)
    }
    let sigma = 1 / power.squareRoot()
    let mean = limits.reduce(0, +) / 40
    // At the worst of some five independent places |Â| is 1 to 3 σ, of an amplitude that the constant
    // under it makes up to 1.5 times as uncertain.
    #expect(mean > 2.5 * sigma && mean < 6 * sigma, "\(mean / sigma)")
  }
}
