// The bytes under a cache key: every item with its type and its length, so that no two different
// structures share an encoding.

/// Writes values in their one canonical form.
///
/// ```
/// text     's'  length (8 bytes)  UTF-8
/// integer  'i'  8 bytes, two's complement
/// number   'd'  8 bytes, IEEE 754 bits, -0 written as 0
/// boolean  'b'  1 byte
/// list     'l'  count (8 bytes)  items
/// map      'm'  count (8 bytes)  text, value, text, value ... by key, in the order of its UTF-8
/// ```
/// All integers are little-endian. A field of a structure is its name as text, then its value.
struct CanonicalEncoder {
  private(set) var bytes: [UInt8] = []

  mutating func text(_ value: String) {
    bytes.append(UInt8(ascii: "s"))
    length(value.utf8.count)
    bytes.append(contentsOf: value.utf8)
  }

  mutating func integer(_ value: Int) {
    bytes.append(UInt8(ascii: "i"))
    littleEndian(UInt64(bitPattern: Int64(value)))
  }

  /// - Throws: ``FingerprintError`` for NaN, which equals nothing, itself included.
  mutating func number(_ value: Double) throws(FingerprintError) {
    if value.isNaN { throw FingerprintError() }
    bytes.append(UInt8(ascii: "d"))
    littleEndian(value == 0 ? 0 : value.bitPattern)
  }

  mutating func boolean(_ value: Bool) {
    bytes.append(UInt8(ascii: "b"))
    bytes.append(value ? 1 : 0)
  }

  mutating func list<Element>(
    _ items: [Element],
    _ item: (inout CanonicalEncoder, Element) throws(FingerprintError) -> Void
  ) throws(FingerprintError) {
    bytes.append(UInt8(ascii: "l"))
    length(items.count)
    for element in items { try item(&self, element) }
  }

  mutating func map<Value>(
    _ values: [String: Value],
    _ item: (inout CanonicalEncoder, Value) throws(FingerprintError) -> Void
  ) throws(FingerprintError) {
    bytes.append(UInt8(ascii: "m"))
    length(values.count)
    for (key, value) in values.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      text(key)
      try item(&self, value)
    }
  }

  mutating func parameter(_ value: ParameterValue) throws(FingerprintError) {
    switch value {
    case .number(let number): try self.number(number)
    case .integer(let integer): self.integer(integer)
    case .text(let text): self.text(text)
    case .boolean(let boolean): self.boolean(boolean)
    case .list(let values):
      try list(values) { (encoder, value) throws(FingerprintError) in
        try encoder.parameter(value)
      }
    }
  }

  private mutating func length(_ count: Int) { littleEndian(UInt64(count)) }

  private mutating func littleEndian(_ value: UInt64) {
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
  }
}

/// A number that is not a number cannot be part of a cache key.
public struct FingerprintError: Error, Sendable, Hashable, CustomStringConvertible {
  public var description: String { "a parameter that is not a number (NaN) has no fingerprint" }
}
