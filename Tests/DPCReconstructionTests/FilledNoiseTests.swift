// Errors of potentials and charges where filled pixels owe their numbers to their neighbors.
import DPCSimulation
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct FilledNoiseTests {
  private static let shape = GridShape(rows: 40, columns: 52)
  private static let pixel = PixelSize(x: 1.4e-9, y: 0.9e-9)
  private static let deviation = (x: 2.0, y: 1.3)

  /// Single pixels anywhere, as many as `share` of all.
  private static func scattered(_ share: Double) -> PixelMask {
    var generator = SeededGenerator(seed: 3, path: [1])
    var mask = PixelMask(shape: shape)
    for position in 0..<shape.count where generator.uniform() < share {
      mask.bytes[position] = PixelFlags.hot.rawValue
    }
    return mask
  }

  private static func gaussian(_ generator: inout SeededGenerator) -> Double {
    (-2 * log(1 - generator.uniform())).squareRoot() * cos(2 * Double.pi * generator.uniform())
  }

  /// Noise at usable pixels, a large number at the others.
  private static func realization(_ seed: Int, _ mask: PixelMask) -> VectorMap {
    var generator = SeededGenerator(seed: UInt64(seed), path: [17])
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      field.x[index] = deviation.x * gaussian(&generator)
      field.y[index] = deviation.y * gaussian(&generator)
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

  // MARK: Charges

  /// Of the noise of x and y at one pixel.
  private static let correlation = 0.5

  /// The variance of a charge, from the noise of one usable pixel after the other.
  private static func exactCharges(_ mask: PixelMask) throws -> [Double] {
    var exact = [Double](repeating: 0, count: shape.count)
    func charge(_ source: Int, x: Double, y: Double) throws -> [Double] {
      var map = VectorMap(
        field: VectorField(shape: shape), covariance: nil, mask: mask, pixelSize: pixel)
      (map.field.x[source], map.field.y[source]) = (x, y)
      return projectedChargeDensity(
        of: map.field, gaps: try gapFilling(of: map), pixelSize: pixel
      ).values
    }
    for source in 0..<shape.count where mask.isUsable(source) {
      let ofX = try charge(source, x: deviation.x, y: 0)
      let ofY = try charge(source, x: 0, y: deviation.y)
      for index in 0..<shape.count {
        exact[index] +=
          ofX[index] * ofX[index] + ofY[index] * ofY[index]
          + 2 * correlation * ofX[index] * ofY[index]
      }
    }
    return exact
  }

  /// Whether each gap that a difference reaches has usable neighbors only; a window ends four pixels away at most.
  private static func isAmongSingles(_ index: Int, _ mask: PixelMask) -> Bool {
    let (row, column) = (index / shape.columns, index % shape.columns)
    func isGap(_ row: Int, _ column: Int) -> Bool {
      (0..<shape.rows).contains(row) && (0..<shape.columns).contains(column)
        && !mask.isUsable(row * shape.columns + column)
    }
    func isSingle(_ row: Int, _ column: Int) -> Bool {
      !isGap(row - 1, column) && !isGap(row + 1, column) && !isGap(row, column - 1)
        && !isGap(row, column + 1)
    }
    return (-4...4).allSatisfy { step in
      (!isGap(row + step, column) || isSingle(row + step, column))
        && (!isGap(row, column + step) || isSingle(row, column + step))
    }
  }

  private static func statedCharges(_ mask: PixelMask, countsGaps: Bool) throws -> [Double] {
    func usable(_ number: Double) -> [Double] {
      (0..<shape.count).map { mask.isUsable($0) ? number : 0 }
    }
    let covariance = VectorCovariance(
      shape: shape, xx: usable(deviation.x * deviation.x), yy: usable(deviation.y * deviation.y),
      xy: usable(correlation * deviation.x * deviation.y))
    let map = VectorMap(
      field: VectorField(shape: shape), covariance: covariance, mask: mask, pixelSize: pixel)
    return projectedChargeDensityVariance(
      of: covariance, gaps: countsGaps ? try gapFilling(of: map) : .none, pixelSize: pixel)
  }

  /// A pixel whose neighbors are all gaps had a small part of its error. Beside single gaps errors are exact; gaps in a row
  /// are taken as means of independent neighbors.
  @Test("Errors of charges beside and among gaps hold")
  func charges() throws {
    var mask = Self.scattered(0.1)
    // A pixel among gaps, far from the rim.
    for step in [-2, -1, 1, 2] {
      mask.bytes[20 * 52 + 26 + step] = PixelFlags.hot.rawValue
      mask.bytes[(20 + step) * 52 + 26] = PixelFlags.hot.rawValue
    }
    mask.bytes[20 * 52 + 26] = 0
    let exact = try Self.exactCharges(mask)
    let stated = try Self.statedCharges(mask, countsGaps: true)
    var worst = (low: 1.0, high: 1.0)
    var singles = 0.0
    for index in 0..<Self.shape.count where mask.isUsable(index) {
      let ratio = (exact[index] / stated[index]).squareRoot()
      worst = (min(worst.low, ratio), max(worst.high, ratio))
      if Self.isAmongSingles(index, mask) { singles = max(singles, abs(ratio - 1)) }
    }
    // Gaps are solved for to 1e-11 of their energy.
    #expect(singles < 1e-9, "off by \(singles) beside single gaps")
    #expect(
      worst.high < 1.1 && worst.low > 0.7, "true over stated from \(worst.low) to \(worst.high)")
    let before = try Self.statedCharges(mask, countsGaps: false)
    let among = 20 * 52 + 26
    #expect((exact[among] / max(before[among], 1e-300)).squareRoot() > 2)
  }

  /// Pixels that share noise; draws scatter by 1 %, and gaps beside gaps are taken for means that nothing else shares.
  @Test("Errors of charges beside gaps of smoothed fields", arguments: [0.05, 0.4])
  func smoothedCharges(share: Double) throws {
    let mask = Self.scattered(share)
    let variances = (0..<Self.shape.count).map { mask.isUsable($0) ? 1.0 : 0 }
    let white = VectorMap(
      field: VectorField(shape: Self.shape),
      covariance: VectorCovariance(
        shape: Self.shape, xx: variances.map { 4 * $0 }, yy: variances.map { 1.69 * $0 },
        xy: variances.map { _ in 0 }), mask: mask, pixelSize: Self.pixel)
    let covariance = try #require(smoothed(white, sigma: (1, 1)).covariance)
    let correlation = 2 * Double.pi.squareRoot()
    let stated = projectedChargeDensityVariance(
      of: covariance, gaps: try gapFilling(of: white), pixelSize: Self.pixel,
      correlation: (correlation, correlation))
    var (sum, count) = (0.0, 0)
    for seed in 0..<100 {
      let map = smoothed(Self.realization(seed, mask), sigma: (1, 1))
      let charge = projectedChargeDensity(
        of: map.field, gaps: try gapFilling(of: map), pixelSize: Self.pixel)
      for index in 0..<Self.shape.count where mask.isUsable(index) && Self.isBesideGap(index, mask)
      {
        sum += charge.values[index] * charge.values[index] / stated[index]
        count += 1
      }
    }
    let ratio = (sum / Double(count)).squareRoot()
    #expect(ratio < 1.03 && ratio > 0.9, "true over stated \(ratio)")
  }

  /// Away from the rim.
  private static func isBesideGap(_ index: Int, _ mask: PixelMask) -> Bool {
    let (row, column) = (index / 52, index % 52)
    guard (4..<36).contains(row), (4..<48).contains(column) else { return false }
    return [index - 1, index + 1, index - 52, index + 52].contains { !mask.isUsable($0) }
  }
}
