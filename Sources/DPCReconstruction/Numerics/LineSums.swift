// Sums of shifted lines: what every separable filter consists of.
internal import CKernels

/// Sets sums[at + i] to Σ kernel[t] · source[from + t · step + i] for 0 <= i < count.
///
/// Term by term in the kernel's order, so that the sum has the same bits as a plain loop's.
/// - Parameters:
///   - kernel: Weights.
///   - source: Lines beginning `step` apart.
///   - from: Where the first line begins.
///   - step: 1 along a row, the length of a row along a column.
///   - sums: Hold the result.
///   - at: Where the sums begin.
///   - count: The length of each line.
func formLineSums(
  _ kernel: Span<Double>, _ source: Span<Double>, from: Int, step: Int,
  to sums: inout MutableSpan<Double>, at: Int, count: Int, width: KernelWidth = .widest
) {
  let last = from + max(0, kernel.count - 1) * step
  precondition(from >= 0 && step >= 0 && count >= 0 && last + count <= source.count, "lines exist")
  precondition(at >= 0 && at + count <= sums.count, "sums hold the line")
  // SAFETY: the kernel reads the lines and writes the sums asked for above, and keeps no pointer.
  kernel.withUnsafeBufferPointer { kernel in
    source.withUnsafeBufferPointer { source in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let weights = kernel.baseAddress, let lines = source.baseAddress,
          let target = sums.baseAddress
        else { return }
        line_sums_form(
          weights, Int32(kernel.count), lines + from, step, target + at, count, width.inC)
      }
    }
  }
}
