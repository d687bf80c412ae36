// Small sums and tables that several steps share.
public import STEMCore
internal import WorkSharing

/// The mean, added up in blocks of fixed length so that rounding grows slowly; 0 of nothing.
func orderedMean(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return 0 }
  return orderedSum(values.count) { values[$0] } / Double(values.count)
}

/// Terms that ``orderedSum(_:_:)`` adds up before it adds their sum to the others.
let orderedSumBlock = 1024

/// Σ term(i) for i in 0 ..< count, in blocks of fixed length: the same bytes in every run.
@inline(__always)
func orderedSum(_ count: Int, _ term: (Int) -> Double) -> Double {
  let block = orderedSumBlock
  var total = 0.0
  var start = 0
  while start < count {
    let end = min(start + block, count)
    var partial = 0.0
    for index in start..<end { partial += term(index) }
    total += partial
    start = end
  }
  return total
}

/// The mean over usable pixels, added up in blocks of fixed length as in ``orderedMean(_:)``; nil where there is none.
public func usableMean(_ values: [Double], _ mask: PixelMask) -> Double? {
  usableMeans(values, values, mask)?.first
}

/// The same of two planes, side by side: neither sum waits for the other.
func usableMeans(
  _ first: [Double], _ second: [Double], _ mask: PixelMask
) -> (first: Double, second: Double)? {
  precondition(
    first.count == mask.bytes.count && second.count == mask.bytes.count, "one value per pixel")
  let parts = mapPieces(mask.bytes.count) { positions in
    stride(from: positions.lowerBound, to: positions.upperBound, by: orderedSumBlock).map { start in
      let block = start..<min(start + orderedSumBlock, positions.upperBound)
      return usableSums(
        first.span.extracting(block), second.span.extracting(block),
        mask.bytes.span.extracting(block))
    }
  }
  var (total, count) = (SIMD2<Double>(), 0)
  for part in parts.joined() {
    total += part.sums
    count += part.count
  }
  return count > 0 ? (total[0] / Double(count), total[1] / Double(count)) : nil
}

private func usableSums(
  _ a: Span<Double>, _ b: Span<Double>, _ mask: Span<UInt8>
) -> (sums: SIMD2<Double>, count: Int) {
  let (count, unusable) = (mask.count, PixelFlags.unusable.rawValue)
  precondition(a.count == count && b.count == count, "one value per pixel")
  var flags: UInt8 = 0
  for index in 0..<count { flags |= mask[index] }
  if flags & unusable == 0 {
    // Two sums, since an addition takes longer than it takes to begin the next.
    var (even, odd) = (SIMD2<Double>(), SIMD2<Double>())
    for pair in 0..<(count / 2) {
      even += SIMD2(a[2 * pair], b[2 * pair])
      odd += SIMD2(a[2 * pair + 1], b[2 * pair + 1])
    }
    if count % 2 == 1 { even += SIMD2(a[count - 1], b[count - 1]) }
    return (even + odd, count)
  }
  var (sums, usable) = (SIMD2<Double>(), 0)
  for index in 0..<count where mask[index] & unusable == 0 {
    sums += SIMD2(a[index], b[index])
    usable += 1
  }
  return (sums, usable)
}

/// Frequencies of a discrete Fourier transform's derivative, cycles per unit of `spacing`:
/// 0, 1, ..., -1 over n·spacing, and zero at the Nyquist frequency of an even side.
///
/// A real wave at the Nyquist frequency is sampled only where it has extrema: no slope is seen.
func derivativeFrequencies(_ count: Int, spacing: Double) -> [Double] {
  (0..<count).map { derivativeFrequency($0, of: count, spacing: spacing) }
}

/// One of ``derivativeFrequencies(_:spacing:)``.
func derivativeFrequency(_ index: Int, of count: Int, spacing: Double) -> Double {
  if 2 * index == count { return 0 }
  return Double(2 * index > count ? index - count : index) / (Double(count) * spacing)
}
