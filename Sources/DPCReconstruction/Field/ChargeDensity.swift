// The divergence of a projected field by finite differences, and the charge that it stands for.
public import STEMCore
internal import WorkSharing

/// The projected charge density ρ = ε0 div E_proj (Gauss), C/m².
///
/// It is the total charge, free and bound, integrated along the beam. Derivatives are taken over
/// windows of five pixels, central inside and one-sided at the rim, of fourth order everywhere
/// (exact for polynomials of degree four); sides shorter than five pixels are one window (exact
/// for degree n - 1), sides of one pixel count as uniform.
/// - Parameters:
///   - projectedField: ∫E dz in the scan frame, x along a row, y down, V.
///   - gaps: What stands in for its unusable pixels.
///   - pixelSize: m.
/// - Returns: Same shape, C/m².
public func projectedChargeDensity(
  of projectedField: VectorField, gaps: GapFilling = .none, pixelSize: PixelSize
) -> ScalarField {
  let permittivity = PhysicalConstant.vacuumPermittivity
  return slopes(
    of: projectedField, gaps, alongX: permittivity / pixelSize.x,
    alongY: permittivity / pixelSize.y)
}

/// The variance of ``projectedChargeDensity(of:gaps:pixelSize:)``, (C/m²)², row after row.
///
/// The covariance of x and y counts where both differences weigh the pixel itself, near the rim
/// only. Pixels that share noise, as after smoothing, differ by less: what neighbors of equal
/// variance would give counts then, exp(-d²/4σ²) being the correlation at distance d behind a
/// Gaussian of sigma σ.
///
/// A gap is the mean of its neighbors, which are in the difference themselves: exact for single gaps.
/// - Parameters:
///   - covariance: One-pixel covariance of the projected field, V².
///   - gaps: What stood in for its unusable pixels.
///   - pixelSize: m.
///   - correlation: Over how many pixels along x and y errors go together; 1 for independent ones.
public func projectedChargeDensityVariance(
  of covariance: VectorCovariance, gaps: GapFilling = .none, pixelSize: PixelSize,
  correlation: (x: Double, y: Double) = (1, 1)
) -> [Double] {
  let shape = covariance.shape
  let noise = DifferenceNoise(covariance, gaps, pixelSize, correlation)
  let permittivity = PhysicalConstant.vacuumPermittivity
  var variance = [Double](repeating: 0, count: shape.count)
  forEachLine(of: &variance, shape) { row, start, band in
    noise.addInside(row, to: &band, at: start)
    noise.addRim(row, to: &band, at: start)
    noise.replaceBesideGaps(row, in: &band, at: start)
    for column in 0..<shape.columns {
      band[start + column] = band[start + column] * permittivity * permittivity
    }
  }
  return variance
}

/// What the differences of a divergence make of the noise of the pixels that they weigh, without ε0².
private struct DifferenceNoise: Sendable {
  private let covariance: VectorCovariance
  private let pixelSize: PixelSize
  private let plainX: [DifferenceStencil]
  private let plainY: [DifferenceStencil]
  /// Their squared weights sum up to the variance for pixels that share noise.
  private let stencilsX: [DifferenceStencil]
  private let stencilsY: [DifferenceStencil]
  /// The columns whose differences along x do not weigh the pixel itself.
  private let inside: Range<Int>
  private let filled: FilledDifferences?

  init(
    _ covariance: VectorCovariance, _ gaps: GapFilling, _ pixelSize: PixelSize,
    _ correlation: (x: Double, y: Double)
  ) {
    let shape = covariance.shape
    self.covariance = covariance
    self.pixelSize = pixelSize
    plainX = DifferenceStencil.along(shape.columns)
    plainY = DifferenceStencil.along(shape.rows)
    stencilsX = plainX.map { $0.rescaled(forCorrelation: correlation.x) }
    stencilsY = plainY.map { $0.rescaled(forCorrelation: correlation.y) }
    inside = DifferenceStencil.inside(shape.columns)
    filled = FilledDifferences(covariance, gaps, pixelSize, correlation)
  }

  /// Adds the differences along y of a whole row, and those along x of its inner columns.
  func addInside(_ row: Int, to band: inout MutableSpan<Double>, at start: Int) {
    let (xx, yy) = (covariance.xx.span, covariance.yy.span)
    let columns = covariance.shape.columns
    for (offset, weight) in stencilsY[row].weights.enumerated() {
      add(
        (weight / pixelSize.y) * (weight / pixelSize.y), yy,
        from: (stencilsY[row].start + offset) * columns, to: &band, at: start, count: columns)
    }
    guard let column = inside.first else { return }
    for (offset, weight) in stencilsX[column].weights.enumerated() {
      add(
        (weight / pixelSize.x) * (weight / pixelSize.x), xx,
        from: row * columns + stencilsX[column].start + offset, to: &band, at: start + column,
        count: inside.count)
    }
  }

  /// Adds the differences along x of the other columns, and what they have in common with those along y.
  func addRim(_ row: Int, to band: inout MutableSpan<Double>, at start: Int) {
    let (xx, xy) = (covariance.xx.span, covariance.xy.span)
    let first = row * covariance.shape.columns
    let stencilY = stencilsY[row]
    let ownY = stencilY.weights[row - stencilY.start] / pixelSize.y
    for column in 0..<covariance.shape.columns where !inside.contains(column) {
      let stencilX = stencilsX[column]
      for (offset, weight) in stencilX.weights.enumerated() {
        band[start + column] +=
          (weight / pixelSize.x) * (weight / pixelSize.x) * xx[first + stencilX.start + offset]
      }
      let ownX = stencilX.weights[column - stencilX.start] / pixelSize.x
      band[start + column] += 2 * ownX * ownY * xy[first + column]
    }
  }

  /// Sets the variances of pixels whose differences take a gap.
  func replaceBesideGaps(_ row: Int, in band: inout MutableSpan<Double>, at start: Int) {
    guard let filled else { return }
    var samples: (x: [FilledDifferences.Sample], y: [FilledDifferences.Sample]) = ([], [])
    for column in filled.columns(of: row, plainX, plainY[row]) {
      band[start + column] = filled.variance(row, column, plainX[column], plainY[row], &samples)
    }
  }
}

/// The slope of x along x and that of y along y, each times a factor, summed up.
private func slopes(
  of field: VectorField, _ gaps: GapFilling, alongX: Double, alongY: Double
) -> ScalarField {
  let shape = field.shape
  let columns = shape.columns
  let (stencilsX, stencilsY) = (
    DifferenceStencil.along(columns), DifferenceStencil.along(shape.rows)
  )
  let height = 64
  var values = [Double](uninitializedCount: shape.count)
  values.share { values in
    shareWork((shape.rows + height - 1) / height) { band in
      let rows = band * height..<min(shape.rows, (band + 1) * height)
      // A row takes from up to four rows on either side of it.
      let around = max(0, rows.lowerBound - 4)..<min(shape.rows, rows.upperBound + 4)
      var lines = [Double](repeating: 0, count: around.count * columns)
      gaps.fill(&lines, .x, of: field, rows: rows)
      for row in rows {
        let start = (row - rows.lowerBound) * columns
        formSlopeAlongX(
          lines.span.extracting(start..<start + columns), stencilsX, times: alongX,
          to: values[row * columns..<(row + 1) * columns])
      }
      gaps.fill(&lines, .y, of: field, rows: around)
      for row in rows {
        let target = values[row * columns..<(row + 1) * columns]
        let stencil = stencilsY[row]
        for (offset, weight) in stencil.weights.enumerated() where weight != 0 {
          let start = (stencil.start + offset - around.lowerBound) * columns
          let (line, scaled) = (
            lines.span.extracting(start..<start + columns), alongY * weight
          )
          for column in 0..<columns { target[column] += scaled * line[column] }
        }
      }
    }
  }
  return ScalarField(shape: shape, values: values)
}

extension GapFilling {
  /// Puts rows of a component at the beginning of `lines`.
  fileprivate func fill(
    _ lines: inout [Double], _ component: Component, of field: VectorField, rows: Range<Int>
  ) {
    let columns = field.shape.columns
    precondition(lines.count >= rows.count * columns, "the lines have room for the rows")
    lines.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      copy(
        component, of: field, (rows.lowerBound * columns)..<(rows.upperBound * columns), to: base)
    }
  }
}

/// Sets a row to `factor` times the slope along a line.
private func formSlopeAlongX(
  _ line: Span<Double>, _ stencils: [DifferenceStencil], times factor: Double,
  to target: UnsafeMutableBufferPointer<Double>
) {
  let inside = DifferenceStencil.inside(line.count)
  for column in 0..<line.count where !inside.contains(column) {
    var slope = 0.0
    for (offset, weight) in stencils[column].weights.enumerated() {
      slope += weight * line[stencils[column].start + offset]
    }
    target[column] = factor * slope
  }
  if inside.isEmpty { return }
  let (near, far, count) = (8 * factor / 12, factor / 12, inside.count)
  let (a, b) = (line.extracting(0..<count), line.extracting(1..<(1 + count)))
  let (c, d) = (line.extracting(3..<(3 + count)), line.extracting(4..<(4 + count)))
  for index in 0..<count {
    target[2 + index] = near * (c[index] - b[index]) - far * (d[index] - a[index])
  }
}

/// sums[at + i] += weight · source[from + i] for 0 <= i < count.
private func add(
  _ weight: Double, _ source: Span<Double>, from: Int,
  to sums: inout MutableSpan<Double>, at: Int, count: Int
) {
  precondition(at >= 0 && count >= 0 && at + count <= sums.count, "sums hold the line")
  precondition(from >= 0 && from + count <= source.count, "the line exists")
  for i in 0..<count { sums[at + i] += weight * source[from + i] }
}
