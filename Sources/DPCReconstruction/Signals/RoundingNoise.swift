// What rounding to whole counts adds to the noise of counting electrons.

/// The variance of rounding over that of counting, in the sum of all segments.
///
/// Rounding adds a twelfth of the square of one count in each segment (B. Widrow, IRE Trans. Circuit Theory 3 (1956)
/// 266): in electrons, of what one count stands for divided by the segment's gain. Counting has the number of electrons
/// as its variance.
///
/// - Parameters:
///   - electronsPerCount: What one detector count stands for.
///   - gain: Of each segment, relative.
///   - electrons: Counted at a position in all segments together; positive.
public func roundingVarianceShare(
  electronsPerCount: Double, gain: [Double], electrons: Double
) -> Double {
  let steps = gain.reduce(0) { $0 + electronsPerCount * electronsPerCount / ($1 * $1) }
  return steps / 12 / electrons
}
