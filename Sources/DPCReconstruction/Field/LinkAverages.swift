// The mean field along the links between neighboring pixels, and its divergence on the pixels.
internal import STEMCore
internal import WorkSharing

/// Weights by which the samples around a link give the field's mean along it.
///
/// Integrals of the Lagrange polynomial through the samples, from 0 to 1 between the two ends:
/// cubic inside, parabola at the rim (F. B. Hildebrand, Introduction to Numerical Analysis, ch. 5).
struct LinkAverage {
  /// Index of the first sample, and the weights of the samples from there on.
  var start: Int
  var weights: [Double]

  /// The averages along all links of a side of `count` samples, from its first pixel on.
  static func along(_ count: Int) -> [LinkAverage] {
    guard count > 1 else { return [] }
    guard count > 2 else { return [LinkAverage(start: 0, weights: [0.5, 0.5])] }
    return (0..<(count - 1)).map { link in
      if link == 0 { return LinkAverage(start: 0, weights: [5 / 12, 8 / 12, -1 / 12]) }
      if link == count - 2 {
        return LinkAverage(start: count - 3, weights: [-1 / 12, 8 / 12, 5 / 12])
      }
      return LinkAverage(start: link - 1, weights: [-1 / 24, 13 / 24, 13 / 24, -1 / 24])
    }
  }
}

/// -DᵀL(E - mean), summed over both axes: the divergence of the mean field along the links, with no field
/// beyond the rim.
///
/// - Parameters:
///   - field: V.
///   - gaps: What stands in for its unusable pixels.
///   - mean: V.
///   - pixelSize: m.
/// - Returns: One value per pixel, row after row, V/m.
func linkDivergence(
  of field: VectorField, gaps: GapFilling, minus mean: (x: Double, y: Double),
  _ pixelSize: PixelSize
) -> [Double] {
  let shape = field.shape
  let divergence = LinkDivergence(shape, mean, pixelSize)
  var values = [Double](uninitializedCount: shape.count)
  let bandRows = max(1, (1 << 15) / max(shape.columns, 1))
  values.share { values in
    let bands = (shape.rows + bandRows - 1) / bandRows
    // Nothing comes back: the bands write.
    _ = concurrentMap(bands) { band in
      let rows = (band * bandRows)..<min((band + 1) * bandRows, shape.rows)
      divergence.form(rows, of: field, gaps, into: values)
    }
  }
  return values
}

/// The divergence on the pixels, some rows at a time.
private struct LinkDivergence: Sendable {
  private let shape: GridShape
  private let mean: (x: Double, y: Double)
  private let pixelSize: PixelSize
  private let linksX: [LinkAverage]
  private let linksY: [LinkAverage]
  /// Links along x whose rule differs from that inside: the first and the last.
  private let rim: [Int]

  init(_ shape: GridShape, _ mean: (x: Double, y: Double), _ pixelSize: PixelSize) {
    self.shape = shape
    self.mean = mean
    self.pixelSize = pixelSize
    linksX = LinkAverage.along(shape.columns)
    linksY = LinkAverage.along(shape.rows)
    rim = linksX.count > 2 ? [0, linksX.count - 1] : Array(linksX.indices)
  }

  func form(
    _ rows: Range<Int>, of field: VectorField, _ gaps: GapFilling, into values: SharedPlane<Double>
  ) {
    let columns = shape.columns
    // The links of a row take from up to three rows on either side of it.
    let around = max(rows.lowerBound - 3, 0)..<min(rows.upperBound + 3, shape.rows)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: around.count * columns) { lines in
      guard let base = lines.baseAddress else { return }
      for row in rows {
        let line = row * columns
        gaps.copy(.x, of: field, line..<(line + columns), to: base)
        let target = values[line..<(line + columns)]
        target.update(repeating: 0)
        addAlongRow(base, to: target)
      }
      gaps.copy(
        .y, of: field, (around.lowerBound * columns)..<(around.upperBound * columns), to: base)
      for row in rows {
        let target = values[(row * columns)..<((row + 1) * columns)]
        // First the link above the row, then the one below.
        if row > 0 { addLink(row - 1, base, around.lowerBound, sign: -1, to: target) }
        if row < linksY.count { addLink(row, base, around.lowerBound, sign: 1, to: target) }
      }
    }
  }

  private func addAlongRow(
    _ x: UnsafeMutablePointer<Double>, to target: UnsafeMutableBufferPointer<Double>
  ) {
    for link in rim {
      var sum = 0.0
      for (offset, weight) in linksX[link].weights.enumerated() {
        sum += weight * (x[linksX[link].start + offset] - mean.x)
      }
      sum /= pixelSize.x
      target[link] += sum
      target[link + 1] -= sum
    }
    let columns = shape.columns
    guard columns > 3 else { return }
    let inner = 13 / (24 * pixelSize.x)
    let outer = -1 / (24 * pixelSize.x)
    for left in 1..<(columns - 2) {
      let sum =
        inner * (x[left] + x[left + 1] - 2 * mean.x)
        + outer * (x[left - 1] + x[left + 2] - 2 * mean.x)
      target[left] += sum
      target[left + 1] -= sum
    }
  }

  /// Adds a link along y to the row at one of its ends: `sign` 1 above it, -1 below.
  private func addLink(
    _ link: Int, _ y: UnsafeMutablePointer<Double>, _ firstRow: Int, sign: Double,
    to target: UnsafeMutableBufferPointer<Double>
  ) {
    for (offset, weight) in linksY[link].weights.enumerated() {
      let source = y + (linksY[link].start + offset - firstRow) * shape.columns
      let scaled = sign * (weight / pixelSize.y)
      for column in 0..<target.count { target[column] += scaled * (source[column] - mean.y) }
    }
  }
}
