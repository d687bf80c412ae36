// Stored numbers to Double, as the library converts them, without it.
internal import CHDF5

/// A number as it is stored: an integer of 1, 2, 4 or 8 whole bytes, or IEEE binary32 or binary64.
struct PlainNumber: Sendable, Equatable {
  let type: HDF5NumberType
  let isBigEndian: Bool

  /// Bytes of one number.
  var byteCount: Int {
    switch type {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    }
  }

  /// Whether the stored bytes are those of a `Double` of this machine, all of which are little-endian.
  var isDouble: Bool { type == .double && !isBigEndian }

  /// Converts `count` numbers, rounded to nearest where a `Double` has too few digits.
  ///
  /// - Parameters:
  ///   - source: `count` numbers of this type, aligned as they need.
  ///   - target: Where `count` numbers go.
  ///   - count: How many.
  func convert(
    _ source: UnsafeRawPointer, to target: UnsafeMutablePointer<Double>, count: Int
  ) {
    switch type {
    case .int8: widen(source, Int8.self, target, count)
    case .int16: widen(source, Int16.self, target, count)
    case .int32: widen(source, Int32.self, target, count)
    case .int64: widen(source, Int64.self, target, count)
    case .uint8: widen(source, UInt8.self, target, count)
    case .uint16: widen(source, UInt16.self, target, count)
    case .uint32: widen(source, UInt32.self, target, count)
    case .uint64: widen(source, UInt64.self, target, count)
    case .float:
      let stored = source.assumingMemoryBound(to: UInt32.self)
      if isBigEndian {
        for index in 0..<count {
          target[index] = Double(Float(bitPattern: UInt32(bigEndian: stored[index])))
        }
      } else {
        for index in 0..<count { target[index] = Double(Float(bitPattern: stored[index])) }
      }
    case .double:
      let stored = source.assumingMemoryBound(to: UInt64.self)
      for index in 0..<count {
        target[index] = Double(
          bitPattern: isBigEndian ? UInt64(bigEndian: stored[index]) : stored[index])
      }
    }
  }

  /// Puts the bytes of `count` stored numbers into the order of this machine, in place.
  func order(_ numbers: UnsafeMutableRawPointer, count: Int) {
    if !isBigEndian { return }
    switch byteCount {
    case 2: swapBytes(numbers.assumingMemoryBound(to: UInt16.self), count)
    case 4: swapBytes(numbers.assumingMemoryBound(to: UInt32.self), count)
    case 8: swapBytes(numbers.assumingMemoryBound(to: UInt64.self), count)
    default: break
    }
  }

  private func swapBytes<Stored: FixedWidthInteger>(
    _ numbers: UnsafeMutablePointer<Stored>, _ count: Int
  ) {
    for index in 0..<count { numbers[index] = numbers[index].byteSwapped }
  }

  @inline(__always)
  private func widen<Stored: FixedWidthInteger>(
    _ source: UnsafeRawPointer, _ type: Stored.Type, _ target: UnsafeMutablePointer<Double>,
    _ count: Int
  ) {
    let stored = source.assumingMemoryBound(to: type)
    if isBigEndian {
      for index in 0..<count { target[index] = Double(Stored(bigEndian: stored[index])) }
    } else {
      for index in 0..<count { target[index] = Double(stored[index]) }
    }
  }
}

extension PlainNumber {
  private static let types: [HDF5NumberType] = [
    .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float, .double,
  ]

  /// nil for a type that only the library can convert.
  init?(libraryType: hid_t) {
    let index = Int(Library.locked(nil) { CHDF5_plain_number(libraryType) })
    guard index >= 0 else { return nil }
    self.init(type: Self.types[index % 16], isBigEndian: index >= 16)
  }
}
