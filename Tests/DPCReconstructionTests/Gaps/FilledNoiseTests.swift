// Errors of potentials where filled pixels owe their numbers to their neighbors.
import DPCSimulation
import STEMCore
import Testing

@testable import DPCReconstruction

struct FilledNoiseTests {
  static let shape = GridShape(rows: 40, columns: 52)
  static let pixel = PixelSize(x: 1.4e-9, y: 0.9e-9)
  static let deviation = (x: 2.0, y: 1.3)

  /// Single pixels anywhere, as many as `share` of all.
  static func scattered(_ share: Double) -> PixelMask {
    var generator = SeededGenerator(seed: 3, path: [1])
    var mask = PixelMask(shape: shape)
    for position in 0..<shape.count where generator.uniform() < share {
      mask.bytes[position] = PixelFlags.hot.rawValue
    }
    return mask
  }

  /// Noise at usable pixels, a large number at the others.
  static func realization(_ seed: Int, _ mask: PixelMask) -> VectorMap {
    var generator = SeededGenerator(seed: UInt64(seed), path: [17])
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      field.x[index] = deviation.x * generator.normal()
      field.y[index] = deviation.y * generator.normal()
      if !mask.isUsable(index) { (field.x[index], field.y[index]) = (1e6, -1e6) }
    }
    return VectorMap(field: field, covariance: nil, mask: mask, pixelSize: pixel)
  }

  /// Mean over draws and usable pixels of the square of a potential over the variance stated for it.
  private static func ratio(_ mask: PixelMask, _ boundary: IntegrationBoundary) throws -> (
    counted: Double, uncounted: Double
  ) {
    let noise = PixelNoise(
      varianceX: deviation.x * deviation.x, varianceY: deviation.y * deviation.y)
    let filling = try filledNoise(of: mask, pixelSize: pixel)
    let counted = potentialVariance(
      of: noise, shape: shape, pixelSize: pixel, boundary: boundary, filling: filling)
    let uncounted = potentialVariance(
      of: noise, shape: shape, pixelSize: pixel, boundary: boundary)
    var (sum, plain, count) = (0.0, 0.0, 0)
    for seed in 0..<300 {
      let map = realization(seed, mask)
      let values = integratedPotential(
        of: map.field, gaps: try gapFilling(of: map), pixelSize: pixel, boundary: boundary
      ).potential.values
      let mean = values.reduce(0, +) / Double(values.count)
      for index in 0..<shape.count where mask.isUsable(index) {
        let square = (values[index] - mean) * (values[index] - mean)
        sum += square / counted[index]
        plain += square / uncounted[index]
        count += 1
      }
    }
    return (sum / Double(count), plain / Double(count))
  }

  /// 300 draws of some dozen independent waves scatter by 4 %, links at the rim by 6 %, neighbors taken
  /// for all that is lent by 4 %.
  @Test(
    "The potential's error counts what scattered gaps owe to their neighbors",
    arguments: IntegrationBoundary.allCases, [0.1, 0.4])
  func scattered(boundary: IntegrationBoundary, share: Double) throws {
    let ratio = try Self.ratio(Self.scattered(share), boundary)
    #expect(abs(ratio.counted - 1) < 0.1, "variance ratio \(ratio.counted)")
    // What it is for: up to 30 % of the error with four pixels of ten masked.
    if share == 0.4 { #expect(ratio.uncounted > 1.25, "variance ratio \(ratio.uncounted)") }
  }

  /// Pixels three times as wide as high, so that gaps are filled from above and below, and noise of one component; the
  /// variance is formed of the potentials of one pixel after the other. Links at the rim cost up to 6 %, neighbors taken for
  /// all that is lent 4 %. Behind the high-pass short waves count, which tell the axes: exchanged, 50 %.
  @Test(
    "The weights along x and y are those of the filling", arguments: IntegrationBoundary.allCases,
    [nil, 8e-9])
  func axes(boundary: IntegrationBoundary, highPass: Double?) throws {
    let shape = GridShape(rows: 24, columns: 20)
    let pixel = PixelSize(x: 3e-9, y: 1e-9)
    var generator = SeededGenerator(seed: 8, path: [1])
    var mask = PixelMask(shape: shape)
    for position in 0..<shape.count where generator.uniform() < 0.3 {
      mask.bytes[position] = PixelFlags.hot.rawValue
    }
    let filling = try filledNoise(of: mask, pixelSize: pixel)
    for (x, y) in [(1.0, 0.0), (0.0, 1.0)] {
      var exact = [Double](repeating: 0, count: shape.count)
      for source in 0..<shape.count where mask.isUsable(source) {
        var map = VectorMap(
          field: VectorField(shape: shape), covariance: nil, mask: mask, pixelSize: pixel)
        (map.field.x[source], map.field.y[source]) = (x, y)
        let values = integratedPotential(
          of: map.field, gaps: try gapFilling(of: map), pixelSize: pixel, boundary: boundary,
          highPassPeriod: highPass
        ).potential.values
        let mean = values.reduce(0, +) / Double(values.count)
        for index in 0..<shape.count {
          exact[index] += (values[index] - mean) * (values[index] - mean)
        }
      }
      let stated = potentialVariance(
        of: PixelNoise(varianceX: x, varianceY: y), shape: shape, pixelSize: pixel,
        boundary: boundary, highPassPeriod: highPass, filling: filling)
      let usable = (0..<shape.count).filter { mask.isUsable($0) }
      let ratio = usable.reduce(0) { $0 + exact[$1] / stated[$1] } / Double(usable.count)
      #expect(abs(ratio - 1) < 0.1, "x \(x), y \(y): variance ratio \(ratio)")
    }
  }

  @Test("What filled pixels lend tells areas from single pixels")
  func loans() throws {
    var block = PixelMask(shape: Self.shape)
    for row in 10..<18 {
      for column in 20..<28 { block.bytes[row * 52 + column] = PixelFlags.hot.rawValue }
    }
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    // Eight pixels wide: 64 gaps on 32 neighbors, two on each and more in the middle of its sides.
    let area = try filledNoise(of: block, pixelSize: pixel).meanLoan
    #expect((2.0..<2.6).contains(area), "\(area)")
    let singles = try filledNoise(of: Self.scattered(0.1), pixelSize: pixel).meanLoan
    #expect((0.25..<0.6).contains(singles), "\(singles)")
  }

  /// A gap of its own takes w/(2(w_x + w_y)) of each neighbor along x and y, here with w_y = 2.42 w_x.
  @Test("One gap lends what Laplace's equation takes of each neighbor")
  func single() throws {
    var mask = PixelMask(shape: Self.shape)
    mask.bytes[20 * 52 + 30] = PixelFlags.hot.rawValue
    let filling = try filledNoise(of: mask, pixelSize: Self.pixel)
    let ratio = (1.4 / 0.9) * (1.4 / 0.9)
    let (x, y) = (0.5 / (1 + ratio), 0.5 * ratio / (1 + ratio))
    let count = Double(Self.shape.count)
    #expect(abs(filling.usableShare - (1 - 1 / count)) < 1e-12)
    #expect(abs(filling.lentPower * count - 2 * (x * x + y * y)) < 1e-9)
    #expect(abs(filling.power(1, 0) - filling.power(1, 1)) > 1e-5)
    // The shortest waves find opposite noise next to the gap, the longest ones the same.
    let lent = 2 * (x * x + y * y)
    #expect(abs((filling.power(1, 1) - 1) * count - (1 + lent)) < 1e-9)
    #expect(abs((filling.power(-1, -1) - 1) * count - (lent - 3)) < 1e-9)
    #expect(
      abs((filling.power(1, -1) - 1) * count - (-1 + 4 * (x - y) + 4 * (x - y) * (x - y) * lent))
        < 1e-9)
  }

  /// At the rim and side by side: what all gaps take adds up to their number, each neighbor counted once.
  @Test("Gaps at corners and beside each other")
  func corners() throws {
    let shape = GridShape(rows: 3, columns: 3)
    var mask = PixelMask(shape: shape)
    for position in [0, 8] { mask.bytes[position] = PixelFlags.hot.rawValue }
    // Each corner takes half of either neighbor.
    let corners = try filledNoise(of: mask, pixelSize: nil)
    #expect(abs(corners.lentPower * 9 - 4 * 0.25) < 1e-9)
    // Only the middle is left: it stands for all.
    mask = PixelMask(shape: shape)
    for position in 0..<9 where position != 4 { mask.bytes[position] = PixelFlags.hot.rawValue }
    #expect(try abs(filledNoise(of: mask, pixelSize: nil).lentPower * 9 - 64) < 1e-6)
    mask.bytes[4] = PixelFlags.hot.rawValue
    #expect(throws: ReconstructionError.noUsablePixels) {
      try filledNoise(of: mask, pixelSize: nil)
    }
    #expect(try filledNoise(of: PixelMask(shape: shape), pixelSize: nil) == .none)
  }
}
