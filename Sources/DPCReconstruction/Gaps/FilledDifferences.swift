// The noise of differences that reach into filled gaps, whose numbers are means of their neighbors.
internal import Glibc
internal import STEMCore

/// Variances of a divergence at usable pixels beside gaps.
///
/// A gap counts as the weighted mean of its four neighbors, whose noise adds to what they count themselves; neighbors that are
/// gaps too are taken as means of four of their own, whose noise nothing else has. This is exact for single gaps.
struct FilledDifferences: Sendable {
  private let gaps: GapFilling
  private let mask: PixelMask
  private let covariance: VectorCovariance
  private let pixelSize: PixelSize
  private let weightY: Double
  /// Of the mean of usable pixels: xx, yy, xy.
  private let mean: SIMD3<Double>
  /// The variance of a weighted mean of neighbors over theirs, by which of the left, right, upper and lower exist.
  private let shares: [Double]
  /// Correlation of pixels by their distance along x and y.
  private let alikeX: [Double]
  private let alikeY: [Double]

  /// Nil where no pixel is masked, or every one.
  init?(
    _ covariance: VectorCovariance, _ gaps: GapFilling, _ pixelSize: PixelSize,
    _ correlation: (x: Double, y: Double)
  ) {
    if gaps.isEmpty { return nil }
    var mask = PixelMask(shape: covariance.shape)
    for pixel in gaps.pixels { mask.bytes[Int(pixel)] = PixelFlags.missing.rawValue }
    guard let (xx, yy) = usableMeans(covariance.xx, covariance.yy, mask) else { return nil }
    mean = SIMD3(xx, yy, usableMean(covariance.xy, mask) ?? 0)
    (self.gaps, self.mask, self.covariance) = (gaps, mask, covariance)
    self.pixelSize = pixelSize
    let ratio = pixelSize.x / pixelSize.y
    weightY = ratio * ratio
    let (alikeX, alikeY) = (Self.alike(correlation.x), Self.alike(correlation.y))
    (self.alikeX, self.alikeY) = (alikeX, alikeY)
    let around = [(-1, 0, 1), (1, 0, 1), (0, -1, weightY), (0, 1, weightY)]
    shares = (0..<16).map { which in
      let there = around.indices.filter { which >> $0 & 1 == 1 }.map { around[$0] }
      let total = there.reduce(0) { $0 + $1.2 }
      let sum = there.reduce(0) { sum, one in
        there.reduce(sum) {
          $0 + one.2 * $1.2 * alikeX[abs(one.0 - $1.0)] * alikeY[abs(one.1 - $1.1)]
        }
      }
      return total > 0 ? sum / (total * total) : 1
    }
  }

  /// exp(-d²/4σ²) for the distances within one difference, behind a Gaussian that averages over so many pixels, 2√π σ.
  private static func alike(_ correlation: Double) -> [Double] {
    (0...10).map { distance in
      let ratio = Double(distance) * Double.pi.squareRoot() / correlation
      return correlation > 1 ? exp(-ratio * ratio) : distance == 0 ? 1 : 0
    }
  }

  /// The usable pixels of a row whose differences take a gap, by their columns.
  ///
  /// - Parameters:
  ///   - x: The differences along x of all columns.
  ///   - y: That along y.
  func columns(of row: Int, _ x: [DifferenceStencil], _ y: DifferenceStencil) -> [Int] {
    let columns = mask.shape.columns
    let inRow = gaps.gaps(in: row * columns..<(row + 1) * columns)
    let around = gaps.gaps(in: y.start * columns..<(y.start + y.weights.count) * columns)
    if around.isEmpty { return [] }
    var isNear = [Bool](repeating: false, count: columns)
    for gap in around { isNear[Int(gaps.pixels[gap]) % columns] = true }
    for gap in inRow {
      let column = Int(gaps.pixels[gap]) % columns
      let reach = DifferenceStencil.length - 1
      for near in max(0, column - reach)...min(columns - 1, column + reach) { isNear[near] = true }
    }
    return (0..<columns).filter { isNear[$0] && touches(row, $0, x[$0], y) }
  }

  /// Whether the differences at a usable pixel take a gap.
  private func touches(
    _ row: Int, _ column: Int, _ x: DifferenceStencil, _ y: DifferenceStencil
  ) -> Bool {
    let (columns, bytes) = (mask.shape.columns, mask.bytes.span)
    let unusable = PixelFlags.unusable.rawValue
    if bytes[row * columns + column] & unusable != 0 { return false }
    var any: UInt8 = 0
    for offset in 0..<x.weights.count { any |= bytes[row * columns + x.start + offset] }
    for offset in 0..<y.weights.count { any |= bytes[(y.start + offset) * columns + column] }
    return any & unusable != 0
  }

  /// A pixel's weight in a difference.
  struct Sample {
    let row: Int
    let column: Int
    fileprivate var weight: Double
    fileprivate var variances = SIMD3<Double>.zero
  }

  /// The variance of the divergence at a pixel, without ε0².
  ///
  /// - Parameter samples: Memory that is used again.
  func variance(
    _ row: Int, _ column: Int, _ x: DifferenceStencil, _ y: DifferenceStencil,
    _ samples: inout (x: [Sample], y: [Sample])
  ) -> Double {
    samples.x.removeAll(keepingCapacity: true)
    samples.y.removeAll(keepingCapacity: true)
    for (offset, weight) in x.weights.enumerated() where weight != 0 {
      add(weight / pixelSize.x, row, x.start + offset, to: &samples.x)
    }
    for (offset, weight) in y.weights.enumerated() where weight != 0 {
      add(weight / pixelSize.y, y.start + offset, column, to: &samples.y)
    }
    for index in samples.x.indices { samples.x[index].variances = variances(samples.x[index]) }
    for index in samples.y.indices { samples.y[index].variances = variances(samples.y[index]) }
    let sum =
      sum(samples.x, samples.x, 0) + sum(samples.y, samples.y, 1)
      + 2 * sum(samples.x, samples.y, 2)
    return max(0, sum)
  }

  /// Σ w w' ρ over pairs, times the mean of both samples' variances or covariances.
  private func sum(_ first: [Sample], _ second: [Sample], _ component: Int) -> Double {
    var sum = 0.0
    for one in first {
      for other in second {
        let alike = alikeX[abs(one.column - other.column)] * alikeY[abs(one.row - other.row)]
        if alike == 0 { continue }
        sum +=
          one.weight * other.weight * alike
          * (one.variances[component] + other.variances[component]) / 2
      }
    }
    return sum
  }

  /// Adds a weight, that of a gap to its neighbors.
  private func add(_ weight: Double, _ row: Int, _ column: Int, to samples: inout [Sample]) {
    let (rows, columns) = (mask.shape.rows, mask.shape.columns)
    func put(_ row: Int, _ column: Int, _ weight: Double) {
      for index in samples.indices where samples[index].row == row {
        if samples[index].column == column {
          samples[index].weight += weight
          return
        }
      }
      samples.append(Sample(row: row, column: column, weight: weight))
    }
    if mask.isUsable(row * columns + column) { return put(row, column, weight) }
    let linksX = (column > 0 ? 1 : 0) + (column + 1 < columns ? 1 : 0)
    let linksY = (row > 0 ? 1 : 0) + (row + 1 < rows ? 1 : 0)
    let alongX = weight / (Double(linksX) + Double(linksY) * weightY)
    let alongY = alongX * weightY
    if column > 0 { put(row, column - 1, alongX) }
    if column + 1 < columns { put(row, column + 1, alongX) }
    if row > 0 { put(row - 1, column, alongY) }
    if row + 1 < rows { put(row + 1, column, alongY) }
  }

  /// xx, yy and xy of a pixel; of a gap those of the mean of its neighbors.
  private func variances(_ sample: Sample) -> SIMD3<Double> {
    let (rows, columns) = (mask.shape.rows, mask.shape.columns)
    let (row, column) = (sample.row, sample.column)
    let index = row * columns + column
    func measured(_ index: Int) -> SIMD3<Double> {
      SIMD3(covariance.xx[index], covariance.yy[index], covariance.xy[index])
    }
    if mask.isUsable(index) { return measured(index) }
    var (which, total, sum) = (0, 0.0, SIMD3<Double>.zero)
    func add(_ neighbor: Int, _ bit: Int, _ weight: Double) {
      which |= bit
      if mask.isUsable(neighbor) {
        total += weight
        sum += weight * measured(neighbor)
      }
    }
    if column > 0 { add(index - 1, 1, 1) }
    if column + 1 < columns { add(index + 1, 2, 1) }
    if row > 0 { add(index - columns, 4, weightY) }
    if row + 1 < rows { add(index + columns, 8, weightY) }
    return shares[which] * (total > 0 ? sum / total : mean)
  }
}
