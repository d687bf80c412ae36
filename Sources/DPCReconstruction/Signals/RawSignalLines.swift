// Lines of raw signals by the kernels in C: to corrected ones, and to the extremes of tiles of 4×4.
internal import CKernels
internal import STEMCore

extension RawNumber {
  /// Corrects a line: (raw - dark) · scale.
  ///
  /// - Parameter corrected: As long as the line; what it holds is not read.
  static func correct(
    _ line: Span<Self>, dark: Double, scale: Double,
    to corrected: UnsafeMutableBufferPointer<Double>, width: KernelWidth = .widest
  ) {
    precondition(corrected.count == line.count, "a place for each signal")
    // SAFETY: the kernel reads the line, writes as many numbers, and keeps no pointer.
    line.withUnsafeBufferPointer { line in
      guard let raw = line.baseAddress, let target = corrected.baseAddress else { return }
      signals_correct(Self.stored, raw, dark, scale, target, line.count, width.inC)
    }
  }

  /// Takes the extremes of a line of tiles of 4×4, of four lines one below the other.
  ///
  /// - Parameters:
  ///   - low: Gets the least signal of each tile, NaN where one is not finite.
  ///   - high: Gets the largest; any number where one is NaN.
  ///   - tiles: Where the tiles are among the results; the last may lack columns.
  static func gather(
    _ a: Span<Self>, _ b: Span<Self>, _ c: Span<Self>, _ d: Span<Self>, _ low: inout [Float],
    _ high: inout [Float], at tiles: Range<Int>, width: KernelWidth = .widest
  ) {
    let count = a.count
    precondition(b.count == count && c.count == count && d.count == count, "lines of one length")
    precondition(
      tiles.count == (count + SignalTiles.side - 1) / SignalTiles.side && tiles.lowerBound >= 0
        && tiles.upperBound <= low.count && tiles.upperBound <= high.count, "a place for each tile")
    // SAFETY: the kernel reads four lines of that length, writes that many tiles, and keeps no pointer.
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeBufferPointer { c in
          d.withUnsafeBufferPointer { d in
            low.withUnsafeMutableBufferPointer { low in
              high.withUnsafeMutableBufferPointer { high in
                guard let lows = low.baseAddress, let highs = high.baseAddress else { return }
                signals_extremes(
                  Self.stored, a.baseAddress, b.baseAddress, c.baseAddress, d.baseAddress, count,
                  lows + tiles.lowerBound, highs + tiles.lowerBound, width.inC)
              }
            }
          }
        }
      }
    }
  }
}
