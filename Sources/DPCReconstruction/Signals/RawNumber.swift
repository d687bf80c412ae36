// What the kernels ask of a number as a file stores it.
internal import CKernels

/// A number as a file stores it. Loops over these are compiled once for each type, as vector instructions.
protocol RawNumber: Comparable, BitwiseCopyable, Sendable {
  static var zero: Self { get }
  /// The number itself.
  var double: Double { get }
  /// The nearest single-precision number: off by 2⁻²⁴ of it at most.
  var single: Float { get }
  /// How the kernels in C call the type.
  static var stored: signal_type { get }
  /// How sums of these are held.
  static var counting: FrameSums.Counting { get }
  /// Adds the same place of some frames to sums.
  ///
  /// - Parameters:
  ///   - raw: The frames.
  ///   - places: Where the place is in each of them.
  ///   - first: Where its sums begin.
  static func add(_ raw: Span<Self>, _ places: FramePlaces, to sums: inout FrameSums, at first: Int)
}

/// Integers of up to 16 bits: sums of many of them fit 32 bits.
protocol ShortRawNumber: RawNumber, FixedWidthInteger {}

extension ShortRawNumber {
  @inline(__always)
  var double: Double { Double(Int32(truncatingIfNeeded: self)) }
  @inline(__always)
  var single: Float { Float(Int32(truncatingIfNeeded: self)) }
}

extension UInt8: ShortRawNumber {
  static var stored: signal_type { signal_uint8 }
}

extension UInt16: ShortRawNumber {
  static var stored: signal_type { signal_uint16 }
}

extension Int16: ShortRawNumber {
  static var stored: signal_type { signal_int16 }
}

extension UInt32: RawNumber {
  static var stored: signal_type { signal_uint32 }
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
}

extension Int32: RawNumber {
  static var stored: signal_type { signal_int32 }
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { Float(self) }
}

extension Float: RawNumber {
  static var stored: signal_type { signal_float32 }
  @inline(__always)
  var double: Double { Double(self) }
  @inline(__always)
  var single: Float { self }
}

extension Double: RawNumber {
  static var stored: signal_type { signal_float64 }
  @inline(__always)
  var double: Double { self }
  @inline(__always)
  var single: Float { Float(self) }
}
