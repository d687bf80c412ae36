// The Swift numbers that can be read and written, each with its one memory type.
internal import CHDF5

/// The library's types in the memory of this machine.
public enum HDF5NumberType: Sendable {
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float, double
}

/// A number that is read from and written to a file without loss of range.
public protocol HDF5Number: BitwiseCopyable, Sendable {
  /// The type of this number in memory.
  static var hdf5Type: HDF5NumberType { get }
  /// The value of a buffer before it is read into.
  static var zero: Self { get }
}

extension Int8: HDF5Number { public static var hdf5Type: HDF5NumberType { .int8 } }
extension Int16: HDF5Number { public static var hdf5Type: HDF5NumberType { .int16 } }
extension Int32: HDF5Number { public static var hdf5Type: HDF5NumberType { .int32 } }
extension Int64: HDF5Number { public static var hdf5Type: HDF5NumberType { .int64 } }
extension Int: HDF5Number { public static var hdf5Type: HDF5NumberType { .int64 } }
extension UInt8: HDF5Number { public static var hdf5Type: HDF5NumberType { .uint8 } }
extension UInt16: HDF5Number { public static var hdf5Type: HDF5NumberType { .uint16 } }
extension UInt32: HDF5Number { public static var hdf5Type: HDF5NumberType { .uint32 } }
extension UInt64: HDF5Number { public static var hdf5Type: HDF5NumberType { .uint64 } }
extension Float: HDF5Number { public static var hdf5Type: HDF5NumberType { .float } }
extension Double: HDF5Number { public static var hdf5Type: HDF5NumberType { .double } }

extension HDF5NumberType {
  var memoryType: hid_t {
    switch self {
    case .int8: CHDF5_native_int8()
    case .int16: CHDF5_native_int16()
    case .int32: CHDF5_native_int32()
    case .int64: CHDF5_native_int64()
    case .uint8: CHDF5_native_uint8()
    case .uint16: CHDF5_native_uint16()
    case .uint32: CHDF5_native_uint32()
    case .uint64: CHDF5_native_uint64()
    case .float: CHDF5_native_float()
    case .double: CHDF5_native_double()
    }
  }

  var storedType: hid_t {
    switch self {
    case .int8: CHDF5_stored_int8()
    case .int16: CHDF5_stored_int16()
    case .int32: CHDF5_stored_int32()
    case .int64: CHDF5_stored_int64()
    case .uint8: CHDF5_stored_uint8()
    case .uint16: CHDF5_stored_uint16()
    case .uint32: CHDF5_stored_uint32()
    case .uint64: CHDF5_stored_uint64()
    case .float: CHDF5_stored_float()
    case .double: CHDF5_stored_double()
    }
  }

  private var integer: (bits: Int, isSigned: Bool)? {
    switch self {
    case .int8: (8, true)
    case .int16: (16, true)
    case .int32: (32, true)
    case .int64: (64, true)
    case .uint8: (8, false)
    case .uint16: (16, false)
    case .uint32: (32, false)
    case .uint64: (64, false)
    case .float, .double: nil
    }
  }

  /// What a dataset of such numbers says of itself.
  var element: HDF5ElementType {
    guard let integer else { return .float(bytes: self == .float ? 4 : 8) }
    return .integer(bytes: integer.bits / 8, bits: integer.bits, isSigned: integer.isSigned)
  }

  /// Whether every number of the stored type has a place in this one.
  ///
  /// The library clips silently otherwise. Floating point takes any number, rounded to its
  /// precision; integers take only integers, whose range must fit.
  func canHold(_ stored: HDF5ElementType) -> Bool {
    switch (stored, integer) {
    case (.integer(let bytes, _, _), nil): return bytes <= 8
    case (.float(let bytes), nil): return bytes <= 8
    case (.integer(_, let bits, let isSigned), .some(let own)):
      if isSigned == own.isSigned { return bits <= own.bits }
      return own.isSigned && bits < own.bits
    default: return false
    }
  }
}
