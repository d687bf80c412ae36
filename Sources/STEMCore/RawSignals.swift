// Signals as a file stores them: arithmetic on many of them is quickest in their own type.

/// Numbers of one type, as they are stored.
///
/// Types that are not listed are held as `Double`.
public enum RawSignals: Sendable, Equatable {
  case uint8([UInt8])
  case uint16([UInt16])
  case uint32([UInt32])
  case int16([Int16])
  case int32([Int32])
  case float([Float])
  case double([Double])

  /// The types.
  public enum Kind: Sendable, CaseIterable {
    case uint8, uint16, uint32, int16, int32, float, double

    /// Bytes of one number.
    public var byteCount: Int {
      switch self {
      case .uint8: 1
      case .uint16, .int16: 2
      case .uint32, .int32, .float: 4
      case .double: 8
      }
    }
  }

  /// Numbers that are yet to be written, every one before any is read.
  public init(uninitialized kind: Kind, count: Int) {
    switch kind {
    case .uint8: self = .uint8(unwritten(count))
    case .uint16: self = .uint16(unwritten(count))
    case .uint32: self = .uint32(unwritten(count))
    case .int16: self = .int16(unwritten(count))
    case .int32: self = .int32(unwritten(count))
    case .float: self = .float(unwritten(count))
    case .double: self = .double(unwritten(count))
    }
  }

  public var kind: Kind {
    switch self {
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .int16: .int16
    case .int32: .int32
    case .float: .float
    case .double: .double
    }
  }

  public var count: Int {
    switch self {
    case .uint8(let numbers): numbers.count
    case .uint16(let numbers): numbers.count
    case .uint32(let numbers): numbers.count
    case .int16(let numbers): numbers.count
    case .int32(let numbers): numbers.count
    case .float(let numbers): numbers.count
    case .double(let numbers): numbers.count
    }
  }

  /// The same rows and columns of some planes, one after the other.
  ///
  /// - Parameters:
  ///   - shape: Of a plane; `self[plane * shape.count + position]`.
  ///   - rows: Of each plane.
  ///   - columns: Of each plane.
  /// - Precondition: There are whole planes, and they hold the rows and columns.
  public func part(ofPlanes shape: GridShape, rows: Range<Int>, columns: Range<Int>) -> RawSignals {
    let planes = count / shape.count
    precondition(planes * shape.count == count, "whole planes")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= shape.rows, "rows of a plane")
    precondition(columns.lowerBound >= 0 && columns.upperBound <= shape.columns, "its columns")
    let width = kind.byteCount
    var result = RawSignals(
      uninitialized: kind, count: planes * rows.count * columns.count)
    withUnsafeBytes { source in
      result.withUnsafeMutableBytes { target in
        var written = 0
        for plane in 0..<planes {
          for row in rows {
            let first = ((plane * shape.rows + row) * shape.columns + columns.lowerBound) * width
            let line = source[first..<(first + columns.count * width)]
            UnsafeMutableRawBufferPointer(rebasing: target[written..<(written + line.count)])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: line))
            written += line.count
          }
        }
      }
    }
    return result
  }

  private func withUnsafeBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    switch self {
    case .uint8(let numbers): numbers.withUnsafeBytes(body)
    case .uint16(let numbers): numbers.withUnsafeBytes(body)
    case .uint32(let numbers): numbers.withUnsafeBytes(body)
    case .int16(let numbers): numbers.withUnsafeBytes(body)
    case .int32(let numbers): numbers.withUnsafeBytes(body)
    case .float(let numbers): numbers.withUnsafeBytes(body)
    case .double(let numbers): numbers.withUnsafeBytes(body)
    }
  }

  /// Hands over the numbers' bytes, to be changed in place.
  ///
  /// - Parameter body: Must leave numbers of the same type and count.
  /// - Throws: What `body` throws.
  public mutating func withUnsafeMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // Taken out first: numbers with two owners would be copied.
    switch self {
    case .uint8(var numbers):
      self = .uint8([])
      defer { self = .uint8(numbers) }
      return try bytes(of: &numbers, body)
    case .uint16(var numbers):
      self = .uint16([])
      defer { self = .uint16(numbers) }
      return try bytes(of: &numbers, body)
    case .uint32(var numbers):
      self = .uint32([])
      defer { self = .uint32(numbers) }
      return try bytes(of: &numbers, body)
    case .int16(var numbers):
      self = .int16([])
      defer { self = .int16(numbers) }
      return try bytes(of: &numbers, body)
    case .int32(var numbers):
      self = .int32([])
      defer { self = .int32(numbers) }
      return try bytes(of: &numbers, body)
    case .float(var numbers):
      self = .float([])
      defer { self = .float(numbers) }
      return try bytes(of: &numbers, body)
    case .double(var numbers):
      self = .double([])
      defer { self = .double(numbers) }
      return try bytes(of: &numbers, body)
    }
  }
}

private func unwritten<Number: BitwiseCopyable>(_ count: Int) -> [Number] {
  [Number](unsafeUninitializedCapacity: count) { $1 = count }
}

private func bytes<Number: BitwiseCopyable, Result, Failure: Error>(
  of numbers: inout [Number],
  _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  try numbers.withUnsafeMutableBufferPointer { buffer throws(Failure) in
    try body(UnsafeMutableRawBufferPointer(buffer))
  }
}
