// Sums of scan positions over the cells of an image, and which positions show a number.
internal import STEMCore

/// Sums of two planes over the cells of one row of cells.
struct CellSums {
  private(set) var first: [Double]
  private(set) var second: [Double]
  /// Positions that show a number in both planes.
  private(set) var drawn: [Int]
  /// Those of them that were filled in.
  private(set) var filledIn: [Int]

  init(count: Int) {
    first = [Double](repeating: 0, count: count)
    second = first
    drawn = [Int](repeating: 0, count: count)
    filledIn = drawn
  }

  mutating func clear() {
    for cell in drawn.indices {
      (first[cell], second[cell], drawn[cell], filledIn[cell]) = (0, 0, 0, 0)
    }
  }

  /// Adds a line of scan positions.
  mutating func add(
    _ a: Span<Double>, _ b: Span<Double>, _ flags: Span<UInt8>, cells: [Range<Int>]
  ) {
    if Self.showsAll(a, b, flags) { return addAll(a, b, cells) }
    for (cell, sources) in cells.enumerated() {
      var (x, y, count, filled) = (first[cell], second[cell], drawn[cell], filledIn[cell])
      for index in sources
      where PixelMask.isDrawn(flags[index]) && isDrawable(a[index]) && isDrawable(b[index]) {
        x += a[index]
        y += b[index]
        count += 1
        filled += flags[index] & PixelFlags.filledIn.rawValue != 0 ? 1 : 0
      }
      (first[cell], second[cell], drawn[cell], filledIn[cell]) = (x, y, count, filled)
    }
  }

  /// Whether each position shows a number, and none was filled in: mostly so, and found by many at a time.
  private static func showsAll(
    _ a: Span<Double>, _ b: Span<Double>, _ flags: Span<UInt8>
  ) -> Bool {
    precondition(a.count == b.count && a.count == flags.count, "one line of both planes")
    var any: UInt8 = 0
    for index in 0..<flags.count { any |= flags[index] }
    if any & (PixelFlags.unusable.rawValue | PixelFlags.filledIn.rawValue) != 0 { return false }
    var count = 0
    for index in 0..<a.count {
      count += (isDrawable(a[index]) ? 1 : 0) & (isDrawable(b[index]) ? 1 : 0)
    }
    return count == a.count
  }

  private mutating func addAll(_ a: Span<Double>, _ b: Span<Double>, _ cells: [Range<Int>]) {
    precondition(cells.last?.upperBound ?? 0 <= a.count && a.count == b.count, "cells of the line")
    for (cell, sources) in cells.enumerated() {
      var (x, y) = (first[cell], second[cell])
      for index in sources {
        x += a[index]
        y += b[index]
      }
      (first[cell], second[cell]) = (x, y)
      drawn[cell] += sources.count
    }
  }
}

/// Whether a number can be shown: not NaN, and so far from overflow that squares and ranges are
/// finite.
func isDrawable(_ value: Double) -> Bool { abs(value) < 1e150 }

extension VectorMap {
  /// Whether the pixel shows a number: measured, or filled in from its neighbors.
  func isDrawn(_ index: Int) -> Bool {
    mask.isDrawn(index) && isDrawable(field.x[index]) && isDrawable(field.y[index])
  }
}

extension ScalarMap {
  /// Whether the pixel shows a number: measured, or filled in from its neighbors.
  func isDrawn(_ index: Int) -> Bool { mask.isDrawn(index) && isDrawable(field.values[index]) }
}

extension PixelMask {
  func isFilledIn(_ index: Int) -> Bool { bytes[index] & PixelFlags.filledIn.rawValue != 0 }
  fileprivate func isDrawn(_ index: Int) -> Bool { Self.isDrawn(bytes[index]) }

  /// Whether a position with these flags was measured or filled in.
  fileprivate static func isDrawn(_ flags: UInt8) -> Bool {
    flags & PixelFlags.unusable.rawValue == 0 || flags & PixelFlags.filledIn.rawValue != 0
  }
}
