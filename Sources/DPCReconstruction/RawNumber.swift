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
  /// The sum of four, rounded at most as often as sums of doubles are; exact for integers.
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double
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

/// Short integers: four of them fit 32 bits, which become doubles in one instruction.
private protocol ShortRawNumber: RawNumber, FixedWidthInteger {}

extension ShortRawNumber {
  @inline(__always)
  var double: Double { Double(Int32(truncatingIfNeeded: self)) }
  @inline(__always)
  var single: Float { Float(Int32(truncatingIfNeeded: self)) }
  @inline(__always)
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double {
    let first = Int32(truncatingIfNeeded: a) &+ Int32(truncatingIfNeeded: b)
    let second = Int32(truncatingIfNeeded: c) &+ Int32(truncatingIfNeeded: d)
    return Double(first &+ second)
  }
}

extension UInt8: ShortRawNumber {}
extension UInt16: ShortRawNumber {}
extension Int16: ShortRawNumber {}

extension RawNumber {
  @inline(__always)
  fileprivate static func doubleSum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double {
    (a.double + b.double) + (c.double + d.double)
  }
}

extension UInt32: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
  @inline(__always)
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double { doubleSum(a, b, c, d) }
}

extension Int32: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
  @inline(__always)
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double { doubleSum(a, b, c, d) }
}

extension Float: RawNumber {
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { self }
  @inline(__always)
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double { doubleSum(a, b, c, d) }
}

extension Double: RawNumber {
  @inline(__always)
  var double: Double { self }
  @inline(__always)
  var single: Float { Float(self) }
  @inline(__always)
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Double { doubleSum(a, b, c, d) }
}
