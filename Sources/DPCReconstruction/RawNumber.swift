// What the kernels ask of a number as a file stores it.

/// A number as a file stores it. Loops over these are compiled once for each type, as vector instructions.
protocol RawNumber: Comparable, BitwiseCopyable, Sendable {
  static var zero: Self { get }
  /// The number itself.
  var double: Double { get }
  /// The nearest single-precision number: off by 2⁻²⁴ of it at most.
  var single: Float { get }
  /// The least of four; NaN where one of them is NaN or infinite.
  static func least(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self
  /// How sums of these are held.
  static var counting: FrameSums.Counting { get }
  /// Takes the extremes of a line of tiles of 4×4, of four lines one below the other.
  ///
  /// - Parameters:
  ///   - columns: Memory to work in.
  ///   - low: Gets the least signal of each tile, NaN where one is not finite.
  ///   - high: Gets the largest.
  ///   - tiles: Where the tiles are among the results; the last may lack columns.
  static func gather(
    _ a: Span<Self>, _ b: Span<Self>, _ c: Span<Self>, _ d: Span<Self>,
    _ columns: inout ColumnExtremes<Self>, _ low: inout [Float], _ high: inout [Float],
    at tiles: Range<Int>)
  /// Adds the same place of some frames to sums.
  ///
  /// - Parameters:
  ///   - raw: The frames.
  ///   - places: Where the place is in each of them.
  ///   - first: Where its sums begin.
  static func add(_ raw: Span<Self>, _ places: FramePlaces, to sums: inout FrameSums, at first: Int)
}

extension RawNumber {
  /// The largest of four; any number where one of them is NaN.
  @inline(__always)
  static func largest(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self {
    Swift.max(Swift.max(a, b), Swift.max(c, d))
  }
}

extension RawNumber where Self: FixedWidthInteger {
  @inline(__always)
  static func least(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self {
    Swift.min(Swift.min(a, b), Swift.min(c, d))
  }
}

extension RawNumber where Self: BinaryFloatingPoint {
  @inline(__always)
  static func least(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self {
    // Zero times a number is NaN where that is not finite; comparing alone may lose a NaN.
    Swift.min(Swift.min(a, b), Swift.min(c, d)) + ((a * 0 + b * 0) + (c * 0 + d * 0))
  }
}

/// Integers of up to 16 bits: sums of many of them fit 32 bits.
protocol ShortRawNumber: RawNumber, FixedWidthInteger {}

extension ShortRawNumber {
  @inline(__always)
  var double: Double { Double(Int32(truncatingIfNeeded: self)) }
  @inline(__always)
  var single: Float { Float(Int32(truncatingIfNeeded: self)) }
}

extension UInt8: ShortRawNumber {}
extension UInt16: ShortRawNumber {}
extension Int16: ShortRawNumber {}

extension UInt32: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
}

extension Int32: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
}

extension Float: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { self }
}

extension Double: RawNumber {
  @inline(__always)
  var double: Double { self }
  @inline(__always)
  var single: Float { Float(self) }
}
