// Gaps filled as lines are read: the same bits as in a filled copy; maps changed in place and on all threads.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct GapFillingTests {
  /// A field of noise on more than one piece of work, with single pixels, a row's end and a block missing.
  private static let map: VectorMap = {
    let shape = GridShape(rows: 190, columns: 211)
    var generator = SeededGenerator(seed: 5, path: [3])
    var map = VectorMap(
      field: VectorField(
        shape: shape, x: (0..<shape.count).map { _ in generator.uniform() - 0.3 },
        y: (0..<shape.count).map { _ in generator.uniform() + 0.2 }), covariance: nil,
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1.3e-9, y: 0.8e-9))
    let single: [Int] = [0, 210, 211 * 63 + 5, 211 * 64 + 5, 211 * 155, shape.count - 1]
    let block: [Int] = (0..<9).map { (place: Int) -> Int in 211 * (70 + place / 3) + 40 + place % 3
    }
    let holes = single + block
    for hole in holes {
      (map.field.x[hole], map.field.y[hole]) = (0, 0)
      map.mask.bytes[hole] = PixelFlags.hot.rawValue
    }
    return map
  }()

  @Test(arguments: IntegrationBoundary.allCases, [nil, 30e-9])
  func potential(boundary: IntegrationBoundary, highPass: Double?) throws {
    let pixelSize = try #require(Self.map.pixelSize)
    let whole = try filled(Self.map)
    #expect(whole.field != Self.map.field)
    let expected = integratedPotential(
      of: whole.field, pixelSize: pixelSize, boundary: boundary, highPassPeriod: highPass)
    let found = integratedPotential(
      of: Self.map.field, gaps: try gapFilling(of: Self.map), pixelSize: pixelSize,
      boundary: boundary, highPassPeriod: highPass)
    #expect(found.potential == expected.potential)
    #expect(found.uniformField == expected.uniformField)
  }

  @Test func powers() throws {
    let pixelSize = try #require(Self.map.pixelSize)
    let whole = try filled(Self.map)
    let found = periodicHelmholtzPowers(
      of: Self.map.field, gaps: try gapFilling(of: Self.map), pixelSize: pixelSize)
    #expect(found == periodicHelmholtzPowers(of: whole.field, pixelSize: pixelSize))
    // The parts themselves hold as much, to the rounding of 40 000 terms.
    let parts = helmholtzParts(of: whole.field, pixelSize: pixelSize, boundary: .periodic).powers
    #expect(abs(found.curlFree - parts.curlFree) < 1e-12 * parts.curlFree)
    #expect(abs(found.divergenceFree - parts.divergenceFree) < 1e-12 * parts.divergenceFree)
    #expect(abs(found.mean - parts.mean) < 1e-12 * parts.mean)
  }

  @Test(arguments: IntegrationBoundary.allCases)
  func parts(boundary: IntegrationBoundary) throws {
    let pixelSize = try #require(Self.map.pixelSize)
    let whole = try filled(Self.map)
    let expected = helmholtzParts(of: whole.field, pixelSize: pixelSize, boundary: boundary)
    let found = helmholtzParts(
      of: Self.map.field, gaps: try gapFilling(of: Self.map), pixelSize: pixelSize,
      boundary: boundary)
    #expect(found.curlFree == expected.curlFree)
    #expect(found.divergenceFree == expected.divergenceFree)
    #expect(found.harmonic == expected.harmonic)
    #expect((found.harmonic == nil) == (boundary == .periodic))
    #expect(found.powers == expected.powers && found.mean == expected.mean)
  }

  @Test func charge() throws {
    let pixelSize = try #require(Self.map.pixelSize)
    let whole = try filled(Self.map)
    let expected = projectedChargeDensity(of: whole.field, pixelSize: pixelSize)
    let gaps = try gapFilling(of: Self.map)
    let found = projectedChargeDensity(of: Self.map.field, gaps: gaps, pixelSize: pixelSize)
    #expect(found == expected)
    // Gaps that nobody filled are zeros, and steps.
    #expect(projectedChargeDensity(of: Self.map.field, pixelSize: pixelSize) != expected)
  }

  @Test func marks() throws {
    let gaps = try gapFilling(of: Self.map)
    var mask = Self.map.mask
    gaps.mark(&mask)
    #expect(mask == (try filled(Self.map)).mask)
    #expect(!gaps.isEmpty && GapFilling.none.isEmpty)
  }

  /// Every position by the formula, over several pieces of work.
  @Test func turnedInPlace() {
    let matrix = Matrix2(xx: 0.8, xy: -0.7, yx: 0.5, yy: 1.1)
    let shape = Self.map.shape
    var map = Self.map
    let planes = (0..<3).map { (part: Int) -> [Double] in
      (0..<shape.count).map { (i: Int) -> Double in 1 + Double(((i + part) * 7919) % 101) / 50 }
    }
    map.covariance = VectorCovariance(shape: shape, xx: planes[0], yy: planes[1], xy: planes[2])
    let before = map
    map.transform(by: matrix)
    #expect(before.covariance?.xx == planes[0], "a map that somebody else holds stays as it is")
    var worst = 0.0
    for i in 0..<shape.count {
      let (x, y) = (before.field.x[i], before.field.y[i])
      let (turnedX, turnedY): (Double, Double) = (0.8 * x - 0.7 * y, 0.5 * x + 1.1 * y)
      worst = max(worst, abs(map.field.x[i] - turnedX), abs(map.field.y[i] - turnedY))
      let (xx, yy, xy) = (planes[0][i], planes[1][i], planes[2][i])
      let turnedXX: Double = 0.64 * xx - 1.12 * xy + 0.49 * yy
      let turnedXY: Double = 0.4 * xx + 0.53 * xy - 0.77 * yy
      let found: (xx: Double, xy: Double) = (map.covariance?.xx[i] ?? 0, map.covariance?.xy[i] ?? 0)
      worst = max(worst, abs(found.xx - turnedXX), abs(found.xy - turnedXY))
    }
    // A few roundings of numbers below ten.
    #expect(worst < 1e-14)
    #expect(map.mask == before.mask)
  }

  @Test func planesAreRemovedFromUsablePixelsOnly() {
    let shape = Self.map.shape
    let surface = DescanSurface(
      degree: .quadratic, shape: shape, x: [1, 2, 3, 4, 5, 6], y: [-1, 0, 2, 0, 1, 0],
      covariance: nil)
    var map = Self.map
    map.remove(surface)
    let field = surface.field()
    for i in 0..<shape.count {
      let isUsable = Self.map.mask.isUsable(i)
      let removed = isUsable ? (field.x[i], field.y[i]) : (0, 0)
      #expect(map.field.x[i] == Self.map.field.x[i] - removed.0)
      #expect(map.field.y[i] == Self.map.field.y[i] - removed.1)
    }
  }
}
