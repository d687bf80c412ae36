// Sums of shifted lines: what every separable filter consists of, four lines in a pass.

/// Adds Σ kernel[t] · source[from + t · step + i] to sums[at + i] for 0 <= i < count.
///
/// Term by term in the kernel's order, so that the sum has the same bits as a plain loop's.
/// - Parameters:
///   - kernel: Weights.
///   - source: Lines beginning `step` apart.
///   - from: Where the first line begins.
///   - step: 1 along a row, the length of a row along a column.
///   - sums: Are added to.
///   - at: Where the sums begin.
///   - count: The length of each line.
func accumulate(
  _ kernel: Span<Double>, _ source: Span<Double>, from: Int, step: Int,
  to sums: inout MutableSpan<Double>, at: Int, count: Int
) {
  var tap = 0
  while tap + 4 <= kernel.count {
    let weights = SIMD4(kernel[tap], kernel[tap + 1], kernel[tap + 2], kernel[tap + 3])
    addFour(weights, source, from: from + tap * step, step: step, to: &sums, at: at, count: count)
    tap += 4
  }
  while tap < kernel.count {
    add(kernel[tap], source, from: from + tap * step, to: &sums, at: at, count: count)
    tap += 1
  }
}

/// sums[at + i] += Σ weights[t] · source[from + t · step + i], t = 0 ... 3 one after the other.
private func addFour(
  _ weights: SIMD4<Double>, _ source: Span<Double>, from: Int, step: Int,
  to sums: inout MutableSpan<Double>, at: Int, count: Int
) {
  precondition(at >= 0 && count >= 0 && at + count <= sums.count, "sums hold the lines")
  precondition(from >= 0 && step >= 0 && from + 3 * step + count <= source.count, "lines exist")
  func line(_ tap: Int) -> Range<Int> { (from + tap * step)..<(from + tap * step + count) }
  let (a, b) = (source.extracting(line(0)), source.extracting(line(1)))
  let (c, d) = (source.extracting(line(2)), source.extracting(line(3)))
  let (wa, wb, wc, wd) = (weights[0], weights[1], weights[2], weights[3])
  for i in 0..<count {
    sums[at + i] = sums[at + i] + wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]
  }
}

/// sums[at + i] += weight · source[from + i] for 0 <= i < count.
func add(
  _ weight: Double, _ source: Span<Double>, from: Int,
  to sums: inout MutableSpan<Double>, at: Int, count: Int
) {
  precondition(at >= 0 && count >= 0 && at + count <= sums.count, "sums hold the line")
  precondition(from >= 0 && from + count <= source.count, "the line exists")
  for i in 0..<count { sums[at + i] += weight * source[from + i] }
}

/// Sets `count` values from `at` on to zero.
func clear(_ values: inout MutableSpan<Double>, at: Int, count: Int) {
  precondition(at >= 0 && count >= 0 && at + count <= values.count, "the values exist")
  for i in 0..<count { values[at + i] = 0 }
}
