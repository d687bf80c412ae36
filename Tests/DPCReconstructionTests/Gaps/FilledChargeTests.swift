// Errors of charges whose differences reach into filled gaps, against exact ones.
import DPCSimulation
import STEMCore
import Testing

@testable import DPCReconstruction

extension FilledNoiseTests {
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
