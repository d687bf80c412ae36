// The noise of differences that reach into filled gaps, whose numbers are means of their neighbors.
internal import STEMCore

/// Variances of a divergence at usable pixels beside gaps.
///
/// A gap counts as the weighted mean of its four neighbors, whose noise adds to what they count themselves; neighbors that are
/// gaps too are taken as independent means of four of their own. This is exact for single gaps.
struct FilledDifferences: Sendable {
  private let mask: PixelMask
  private let covariance: VectorCovariance
  private let pixelSize: PixelSize
  private let weightY: Double
  /// Of the mean of usable pixels: xx, yy, xy.
  private let mean: SIMD3<Double>
  /// The variance of a weighted mean of neighbors over theirs, by which of the left, right, upper and lower exist.
  private let shares: [Double]

  /// Nil where no pixel is masked, or every one.
  init?(_ covariance: VectorCovariance, _ gaps: GapFilling, _ pixelSize: PixelSize) {
    if gaps.isEmpty { return nil }
    var mask = PixelMask(shape: covariance.shape)
    for pixel in gaps.pixels { mask.bytes[Int(pixel)] = PixelFlags.missing.rawValue }
    guard let (xx, yy) = usableMeans(covariance.xx, covariance.yy, mask) else { return nil }
    mean = SIMD3(xx, yy, usableMean(covariance.xy, mask) ?? 0)
    (self.mask, self.covariance, self.pixelSize) = (mask, covariance, pixelSize)
    let ratio = pixelSize.x / pixelSize.y
    let weightY = ratio * ratio
    self.weightY = weightY
    let around = [1, 1, weightY, weightY]
    shares = (0..<16).map { which in
      let there = around.indices.filter { which >> $0 & 1 == 1 }.map { around[$0] }
      let total = there.reduce(0) { $0 + $1 }
      return total > 0 ? there.reduce(0) { $0 + $1 * $1 } / (total * total) : 1
    }
  }

  /// Whether the differences at a usable pixel take a gap.
  func touches(_ row: Int, _ column: Int, _ x: DifferenceStencil, _ y: DifferenceStencil) -> Bool {
    let (columns, bytes) = (mask.shape.columns, mask.bytes.span)
    let unusable = PixelFlags.unusable.rawValue
    if bytes[row * columns + column] & unusable != 0 { return false }
    var any: UInt8 = 0
    for offset in 0..<x.weights.count { any |= bytes[row * columns + x.start + offset] }
    for offset in 0..<y.weights.count { any |= bytes[(y.start + offset) * columns + column] }
    return any & unusable != 0
  }

  /// Weights of the pixels around one, up to five along an axis and one across.
  struct Weights {
    fileprivate var along = [Double](repeating: 0, count: 33)

    fileprivate static func place(_ along: Int, _ across: Int) -> Int {
      (across + 1) * 11 + along + 5
    }
  }

  /// The variance of the divergence at a pixel, without ε0².
  func variance(
    _ row: Int, _ column: Int, _ x: DifferenceStencil, _ y: DifferenceStencil,
    _ weightsX: inout Weights, _ weightsY: inout Weights
  ) -> Double {
    for index in 0..<33 { (weightsX.along[index], weightsY.along[index]) = (0, 0) }
    for (offset, weight) in x.weights.enumerated() where weight != 0 {
      spread(weight / pixelSize.x, row, x.start + offset) {
        weightsX.along[Weights.place($1 - column, $0 - row)] += $2
      }
    }
    for (offset, weight) in y.weights.enumerated() where weight != 0 {
      spread(weight / pixelSize.y, y.start + offset, column) {
        weightsY.along[Weights.place($0 - row, $1 - column)] += $2
      }
    }
    var sum = 0.0
    for across in -1...1 {
      for along in -5...5 {
        let index = Weights.place(along, across)
        let (ofX, ofY) = (weightsX.along[index], weightsY.along[index])
        if ofX != 0 { sum += ofX * ofX * variances(row + across, column + along)[0] }
        if ofY != 0 { sum += ofY * ofY * variances(row + along, column + across)[1] }
        guard abs(along) <= 1, ofX != 0 else { continue }
        let other = weightsY.along[Weights.place(across, along)]
        if other != 0 { sum += 2 * ofX * other * variances(row + across, column + along)[2] }
      }
    }
    return max(0, sum)
  }

  /// Divides the weight of a gap between its neighbors.
  @inline(__always)
  private func spread(
    _ weight: Double, _ row: Int, _ column: Int, _ add: (_ row: Int, _ column: Int, Double) -> Void
  ) {
    let (rows, columns) = (mask.shape.rows, mask.shape.columns)
    if mask.isUsable(row * columns + column) {
      add(row, column, weight)
      return
    }
    let linksX = (column > 0 ? 1 : 0) + (column + 1 < columns ? 1 : 0)
    let linksY = (row > 0 ? 1 : 0) + (row + 1 < rows ? 1 : 0)
    let alongX = weight / (Double(linksX) + Double(linksY) * weightY)
    let alongY = alongX * weightY
    if column > 0 { add(row, column - 1, alongX) }
    if column + 1 < columns { add(row, column + 1, alongX) }
    if row > 0 { add(row - 1, column, alongY) }
    if row + 1 < rows { add(row + 1, column, alongY) }
  }

  /// xx, yy and xy of a pixel; of a gap those of the mean of its neighbors.
  private func variances(_ row: Int, _ column: Int) -> SIMD3<Double> {
    let (rows, columns) = (mask.shape.rows, mask.shape.columns)
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
