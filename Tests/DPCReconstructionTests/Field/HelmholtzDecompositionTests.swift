// The split into curl-free and divergence-free parts on fields whose kind is known.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

@Suite("Helmholtz decomposition")
struct HelmholtzDecompositionTests {
  let pixelSize = PixelSize(x: 0.5e-9, y: 0.3e-9)

  @Test(
    "The parts and the mean add up to the field", arguments: IntegrationBoundary.allCases,
    [[8, 10], [7, 9], [1, 6], [5, 1], [1, 1], [2, 2], [3, 16]])
  func partsAddUp(boundary: IntegrationBoundary, size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let field = VectorField(
      shape: shape, x: reproducibleNumbers(shape.count, seed: 3).map { $0 + 2 },
      y: reproducibleNumbers(shape.count, seed: 4))
    let parts = helmholtzParts(of: field, pixelSize: pixelSize, boundary: boundary)
    for index in 0..<shape.count {
      let x = parts.mean.x + parts.curlFree.x[index] + parts.divergenceFree.x[index]
      let y = parts.mean.y + parts.curlFree.y[index] + parts.divergenceFree.y[index]
      #expect(abs(x + (parts.harmonic?.x[index] ?? 0) - field.x[index]) < 1e-12)
      #expect(abs(y + (parts.harmonic?.y[index] ?? 0) - field.y[index]) < 1e-12)
    }
    if boundary == .periodic {
      let total =
        zip(field.x, field.y).reduce(0) { $0 + $1.0 * $1.0 + $1.1 * $1.1 } / Double(shape.count)
      let sum = parts.powers.curlFree + parts.powers.divergenceFree + parts.powers.mean
      #expect(abs(sum - total) < 1e-12 && parts.powers.harmonic == 0)
    }
  }

  @Test("On a periodic frame a gradient and a rotated gradient come apart", arguments: [16, 15])
  func periodicWaves(side: Int) {
    let shape = GridShape(rows: side, columns: side + 4)
    let (width, height) = (Double(side + 4) * pixelSize.x, Double(side) * pixelSize.y)
    let (kx, ky) = (2 * Double.pi * 2 / width, 2 * Double.pi * 3 / height)
    let wave = sampled(shape, pixelSize) { x, y in sin(kx * x + ky * y) }
    let length = (kx * kx + ky * ky).squareRoot()
    // 3 V along k, 4 V across it, and a mean.
    let field = VectorField(
      shape: shape, x: wave.map { 10 + (3 * kx + 4 * ky) / length * $0 },
      y: wave.map { -2 + (3 * ky - 4 * kx) / length * $0 })
    let parts = helmholtzParts(of: field, pixelSize: pixelSize, boundary: .periodic)
    #expect(abs(parts.powers.curlFree - 4.5) < 1e-12)
    #expect(abs(parts.powers.divergenceFree - 8) < 1e-12)
    #expect(abs(parts.powers.mean - 104) < 1e-10)
    #expect(abs(parts.powers.transverseFraction - 8 / 12.5) < 1e-12)
    for index in 0..<shape.count {
      #expect(abs(parts.curlFree.x[index] - 3 * kx / length * wave[index]) < 1e-12)
      #expect(abs(parts.curlFree.y[index] - 3 * ky / length * wave[index]) < 1e-12)
    }
  }

  @Test(
    "Powers without the parts are those of the parts",
    arguments: [[8, 10], [7, 9], [1, 6], [5, 1], [1, 1], [2, 2], [3, 16], [30, 17]])
  func powersAlone(size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let field = VectorField(
      shape: shape, x: reproducibleNumbers(shape.count, seed: 5).map { 3 * $0 + 2 },
      y: reproducibleNumbers(shape.count, seed: 6))
    let parts = helmholtzParts(of: field, pixelSize: pixelSize, boundary: .periodic).powers
    let powers = periodicHelmholtzPowers(of: field, pixelSize: pixelSize)
    // Sums of some hundred terms below 100, each to 1e-15 of the largest.
    #expect(abs(powers.curlFree - parts.curlFree) < 1e-12)
    #expect(abs(powers.divergenceFree - parts.divergenceFree) < 1e-12)
    #expect(powers.harmonic == 0 && powers.waveCount == shape.count)
    #expect(powers.mean == parts.mean)
  }

  /// Fields of 2e3 V, 10 px wide, along walls whose normal stands at 45° in space, with zigzags.
  func walls(_ shape: GridShape, isAlong: Bool) -> VectorField {
    let size = PixelSize(x: 1e-9, y: 1e-9)
    let profile = sampled(shape, size) { x, y in
      let u = (x + y) / 2.0.squareRoot()
      return [-25e-9, 0, 30e-9].enumerated().reduce(0) { sum, wall in
        let c = cosh((u - wall.element) / 6e-9)
        return sum + (wall.offset == 1 ? -2e3 : 2e3) / (c * c)
      }
    }
    let s = 1 / 2.0.squareRoot()
    return VectorField(
      shape: shape, x: profile.map { isAlong ? -s * $0 : s * $0 }, y: profile.map { s * $0 })
  }

  @Test("A field along slanted walls has no curl-free part when the frame stands alone")
  func fieldAlongWalls() {
    let field = walls(GridShape(rows: 80, columns: 96), isAlong: true)
    let size = PixelSize(x: 1e-9, y: 1e-9)
    let alone = helmholtzParts(of: field, pixelSize: size, boundary: .neumann)
    // The midpoint rule of the projection leaves the square of h²/24 f''/f.
    #expect(alone.powers.transverseFraction > 0.9999)
    // The seam of the repeated frame counts as sources.
    let repeated = helmholtzParts(of: field, pixelSize: size, boundary: .periodic)
    #expect(repeated.powers.transverseFraction > 0.9 && repeated.powers.transverseFraction < 0.99)
  }

  @Test("A field across slanted walls has no divergence-free part when the frame stands alone")
  func fieldAcrossWalls() {
    let field = walls(GridShape(rows: 80, columns: 96), isAlong: false)
    let parts = helmholtzParts(
      of: field, pixelSize: PixelSize(x: 1e-9, y: 1e-9), boundary: .neumann)
    #expect(parts.powers.transverseFraction < 1e-4)
    #expect(parts.powers.curlFree > 0)
  }

  @Test("Pixels of unequal sides count: a radial bell is curl-free", arguments: [1.0, -1.0])
  func radialBell(sign: Double) {
    let shape = GridShape(rows: 100, columns: 64)
    let s = 3e-9
    func bell(_ x: Double, _ y: Double) -> Double { exp(-(x * x + y * y) / (2 * s * s)) }
    let along = sampled(shape, pixelSize) { x, y in sign * x / s * bell(x, y) }
    let down = sampled(shape, pixelSize) { x, y in sign * y / s * bell(x, y) }
    for boundary in IntegrationBoundary.allCases {
      let source = helmholtzParts(
        of: VectorField(shape: shape, x: along, y: down), pixelSize: pixelSize,
        boundary: boundary)
      #expect(source.powers.transverseFraction < 1e-6)
      let whirl = helmholtzParts(
        of: VectorField(shape: shape, x: down.map { -$0 }, y: along), pixelSize: pixelSize,
        boundary: boundary)
      #expect(whirl.powers.transverseFraction > 1 - 1e-6)
    }
  }

  @Test("Half of white noise is transverse", arguments: IntegrationBoundary.allCases)
  func noise(boundary: IntegrationBoundary) {
    let shape = GridShape(rows: 60, columns: 70)
    let field = VectorField(
      shape: shape, x: reproducibleNumbers(shape.count, seed: 5),
      y: reproducibleNumbers(shape.count, seed: 6))
    let parts = helmholtzParts(of: field, pixelSize: pixelSize, boundary: boundary)
    // 4200 modes a side: the fraction scatters by 0.5/√4200 = 0.008. Variance of -1 ..< 1: 1/3.
    #expect(abs(parts.powers.transverseFraction - 0.5) < 0.03)
    #expect(abs(parts.powers.transverseFractionFromNoise(meanVariance: 1.0 / 3) - 0.5) < 0.03)
  }
}
