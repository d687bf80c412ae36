// Potentials of known fields, in volt meters, with pixels of unequal sides.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

/// Values of a function of (x, y) in meters, from the center of the frame.
func sampled(
  _ shape: GridShape, _ pixelSize: PixelSize, _ value: (_ x: Double, _ y: Double) -> Double
) -> [Double] {
  (0..<shape.count).map { index in
    value(
      (Double(index % shape.columns) - Double(shape.columns - 1) / 2) * pixelSize.x,
      (Double(index / shape.columns) - Double(shape.rows - 1) / 2) * pixelSize.y)
  }
}

/// RMS of a - b over RMS of b, b after removal of its mean.
func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
  let mean = b.reduce(0, +) / Double(b.count)
  let error = zip(a, b).reduce(0) { $0 + ($1.0 - ($1.1 - mean)) * ($1.0 - ($1.1 - mean)) }
  return (error / b.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
}

/// Reproducible numbers in -1 ..< 1 (a linear congruential generator).
func reproducibleNumbers(_ count: Int, seed: UInt64) -> [Double] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 52) - 1
  }
}

@Suite("Integration of the projected field")
struct PotentialIntegrationTests {
  let pixelSize = PixelSize(x: 0.4e-9, y: 0.7e-9)

  @Test(
    "A band-limited periodic potential comes back to 1e-10",
    arguments: [[12, 16], [13, 15], [15, 16], [16, 9], [7, 64]])
  func periodicWaves(size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let (width, height) = (Double(size[1]) * pixelSize.x, Double(size[0]) * pixelSize.y)
    // Waves (cycles along x, along y, amplitude in V m, phase); signs of both directions differ.
    let waves: [(Double, Double, Double, Double)] = [
      (1, 0, 3e-8, 0.4), (0, 2, 2e-8, 1.1), (2, -3, 1e-8, 0.2), (3, 1, 2e-8, 2.0),
    ]
    func sum(_ term: (_ phase: Double, _ wave: (Double, Double, Double, Double)) -> Double)
      -> [Double]
    {
      sampled(shape, pixelSize) { x, y in
        waves.reduce(0) { sum, wave in
          sum + term(2 * Double.pi * (wave.0 * x / width + wave.1 * y / height) + wave.3, wave)
        }
      }
    }
    let potential = sum { $1.2 * cos($0) }
    let field = VectorField(
      shape: shape,
      x: sum { 2 * Double.pi * $1.0 / width * $1.2 * sin($0) },
      y: sum { 2 * Double.pi * $1.1 / height * $1.2 * sin($0) })
    let result = integratedPotential(of: field, pixelSize: pixelSize, boundary: .periodic)
    #expect(relativeDifference(result.potential.values, potential) < 1e-10)
  }

  @Test("The periodic answer is the direct Fourier sum i k·E / (2π k²)", arguments: [6, 7])
  func periodicOracle(columns: Int) {
    let shape = GridShape(rows: 5, columns: columns)
    let field = VectorField(
      shape: shape, x: reproducibleNumbers(shape.count, seed: 1),
      y: reproducibleNumbers(shape.count, seed: 2))
    let result = integratedPotential(of: field, pixelSize: pixelSize, boundary: .periodic)
    let expected = directPeriodicPotential(of: field)
    #expect(relativeDifference(result.potential.values, expected) < 1e-12)
  }

  /// V(r) = Σ_k cos/sin sums written out for a real field; the mean comes in as a plane.
  func directPeriodicPotential(of field: VectorField) -> [Double] {
    let (rows, columns) = (field.shape.rows, field.shape.columns)
    let count = Double(field.shape.count)
    let meanX = field.x.reduce(0, +) / count
    let meanY = field.y.reduce(0, +) / count
    var potential = sampled(field.shape, pixelSize) { x, y in -meanX * x - meanY * y }
    for p in 0..<rows {
      for q in 0..<columns where p + q > 0 {
        let fold = { (i: Int, n: Int) in 2 * i == n ? 0 : Double(2 * i > n ? i - n : i) }
        let kx = fold(q, columns) / (Double(columns) * pixelSize.x)
        let ky = fold(p, rows) / (Double(rows) * pixelSize.y)
        let k2 = kx * kx + ky * ky
        if k2 == 0 { continue }
        let angle = { (index: Int) in
          2 * Double.pi
            * (Double(p * (index / columns)) / Double(rows)
              + Double(q * (index % columns)) / Double(columns))
        }
        var (real, imaginary) = (0.0, 0.0)
        for index in 0..<field.shape.count {
          let along = kx * field.x[index] + ky * field.y[index]
          real += along * cos(angle(index))
          imaginary -= along * sin(angle(index))
        }
        // i (real + i imaginary) / (2π k² N), times exp(+2πi k·r), real part.
        let scale = 1 / (2 * Double.pi * k2 * count)
        for index in 0..<field.shape.count {
          potential[index] -=
            scale * (imaginary * cos(angle(index)) + real * sin(angle(index)))
        }
      }
    }
    return potential
  }

  @Test("A Gaussian cut off by the frame comes back to 1e-4 with a free rim")
  func gaussian() {
    let shape = GridShape(rows: 48, columns: 56)
    let (sx, sy) = (5 * pixelSize.x, 5 * pixelSize.y)
    let (x0, y0) = (9 * pixelSize.x, -16 * pixelSize.y)
    func bell(_ x: Double, _ y: Double) -> Double {
      let (u, v) = ((x - x0) / sx, (y - y0) / sy)
      return 5e-8 * exp(-(u * u + v * v) / 2)
    }
    let potential = sampled(shape, pixelSize, bell)
    // E = -grad V
    let field = VectorField(
      shape: shape, x: sampled(shape, pixelSize) { bell($0, $1) * ($0 - x0) / (sx * sx) },
      y: sampled(shape, pixelSize) { bell($0, $1) * ($1 - y0) / (sy * sy) })
    let result = integratedPotential(of: field, pixelSize: pixelSize, boundary: .neumann)
    #expect(relativeDifference(result.potential.values, potential) < 1e-4)
  }

  @Test(
    "A free rim is exact for cubic potentials, and for quadratic ones on two pixels",
    arguments: [
      [9, 12, 3], [4, 4, 3], [3, 3, 3], [3, 8, 3], [2, 2, 2], [2, 6, 2], [1, 9, 3], [7, 1, 3],
    ])
  func polynomials(size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let isCubic = size[2] == 3
    // Lengths in nm, so that all terms weigh alike; E in V, V in V m.
    func terms(_ x: Double, _ y: Double) -> (v: Double, ex: Double, ey: Double) {
      let (u, v) = (x * 1e9, y * 1e9)
      let (hasX, hasY) = (size[1] > 1 ? 1.0 : 0, size[0] > 1 ? 1.0 : 0)
      let cubic = isCubic ? 1.0 : 0
      let value =
        hasX * (2 * u + 3 * u * u - cubic * 0.5 * u * u * u)
        + hasY * (-v + 0.7 * v * v + cubic * 0.3 * v * v * v)
        + hasX * hasY * (u * v + cubic * 0.2 * u * u * v)
      let dx =
        hasX * (2 + 6 * u - cubic * 1.5 * u * u) + hasX * hasY * (v + cubic * 0.4 * u * v)
      let dy =
        hasY * (-1 + 1.4 * v + cubic * 0.9 * v * v) + hasX * hasY * (u + cubic * 0.2 * u * u)
      return (value * 1e-9, -dx, -dy)
    }
    let field = VectorField(
      shape: shape, x: sampled(shape, pixelSize) { terms($0, $1).ex },
      y: sampled(shape, pixelSize) { terms($0, $1).ey })
    let result = integratedPotential(of: field, pixelSize: pixelSize, boundary: .neumann)
    let potential = sampled(shape, pixelSize) { terms($0, $1).v }
    // Exact rules: only rounding is left.
    #expect(relativeDifference(result.potential.values, potential) < 1e-12)
  }

  @Test(
    "A uniform field survives as the plane -E0·r", arguments: IntegrationBoundary.allCases,
    [[6, 8], [5, 7], [1, 5], [4, 1], [1, 1]])
  func uniformField(boundary: IntegrationBoundary, size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let field = VectorField(shape: shape, repeating: (x: 30, y: -50))
    let result = integratedPotential(of: field, pixelSize: pixelSize, boundary: boundary)
    #expect(result.uniformField.x == 30 && result.uniformField.y == -50)
    let plane = sampled(shape, pixelSize) { x, y in -30 * x + 50 * y }
    for (a, b) in zip(result.potential.values, plane) { #expect(abs(a - b) < 1e-20) }
  }

  @Test(
    "A high-pass halves its own period and drops the plane",
    arguments: IntegrationBoundary.allCases)
  func highPass(boundary: IntegrationBoundary) {
    let shape = GridShape(rows: 4, columns: 64)
    let width = 64 * pixelSize.x
    // Two whole periods, level at the rim: one wave of the Fourier and of the cosine basis.
    let field = VectorField(
      shape: shape,
      x: sampled(shape, pixelSize) { x, _ in
        5 + 20 * sin(2 * Double.pi * 2 * (x / width + 0.5))
      }, y: [Double](repeating: 7, count: shape.count))
    func range(_ period: Double?) -> Double {
      let values = integratedPotential(
        of: field, pixelSize: pixelSize, boundary: boundary, highPassPeriod: period
      ).potential.values
      return (values.max() ?? 0) - (values.min() ?? 0)
    }
    // 2 · 20 V · period/2π, times the cosine of half a pixel, where the extreme samples lie; the
    // links' fourth order leaves 1e-4 at 32 pixels a period.
    let full = 2 * 20 * (width / 2) / (2 * Double.pi) * cos(Double.pi / 32)
    #expect(abs(range(width / 2) / full - 0.5) < 1e-4)
    #expect(abs(range(width / 6) / full - (1 - exp2(-1 / 9))) < 1e-4)
    #expect(abs(range(width) / full - (1 - exp2(-4))) < 1e-4)
    #expect(range(nil) > 1.5 * full)
  }
}
