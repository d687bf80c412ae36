// JSON as the cache keeps it: keys sorted, and under a seal that tells when a byte was changed.
internal import Digest
internal import FoundationEssentials

/// Encodes and decodes the small files of the cache.
enum CacheJSON {
  /// A value beside the digest of its JSON.
  private struct Sealed<Value: Encodable>: Encodable {
    var checksum: SHA256Digest
    var value: Value
  }

  /// Why the content of a small file is not used.
  struct Damage: Error, CustomStringConvertible {
    var description: String
  }

  /// The value's JSON under a seal; equal values are equal bytes.
  static func seal<Value: Codable>(_ value: Value) throws -> [UInt8] {
    let checksum = SHA256Digest(of: try encode(value))
    return try encode(Sealed(checksum: checksum, value: value)) + [UInt8(ascii: "\n")]
  }

  /// - Throws: ``Damage`` where the bytes are not, to the last one, what ``seal(_:)`` wrote: a
  ///   changed blank means as little as a changed digit means much, and both mean a bad disk.
  static func unseal<Value: Codable>(
    _ type: Value.Type, from bytes: [UInt8]
  ) throws(Damage) -> Value {
    guard let (checksum, json) = opened(bytes) else {
      throw Damage(description: "it is not complete JSON of the expected form")
    }
    guard SHA256Digest(of: json).hex.utf8.elementsEqual(checksum) else {
      throw Damage(description: "its checksum is wrong")
    }
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
      return try decoder.decode(Value.self, from: Data(json))
    } catch { throw Damage(description: "it is not complete JSON of the expected form") }
  }

  private static let beforeChecksum = Array("{\n  \"checksum\" : \"".utf8)
  private static let beforeValue = Array("\",\n  \"value\" : ".utf8)
  private static let afterValue = Array("\n}\n".utf8)

  /// The checksum and the JSON of the value alone, which stands two blanks further in; nil where the
  /// bytes around it, or one of these blanks, are not what they were.
  private static func opened(
    _ bytes: [UInt8]
  ) -> (checksum: ArraySlice<UInt8>, json: [UInt8])? {
    let checksumStart = beforeChecksum.count
    let valueStart = checksumStart + 64 + beforeValue.count
    let valueEnd = bytes.count - afterValue.count
    guard valueStart <= valueEnd, bytes.starts(with: beforeChecksum),
      bytes[(checksumStart + 64)...].starts(with: beforeValue),
      bytes[valueEnd...].elementsEqual(afterValue)
    else { return nil }
    let (newline, blank) = (UInt8(ascii: "\n"), UInt8(ascii: " "))
    var json: [UInt8] = []
    json.reserveCapacity(valueEnd - valueStart)
    var index = valueStart
    while index < valueEnd {
      json.append(bytes[index])
      index += 1
      // A text never holds a newline of its own; an empty list or map stands over an empty line.
      guard bytes[index - 1] == newline, bytes[index] != newline else { continue }
      guard bytes[index] == blank, bytes[index + 1] == blank else { return nil }
      index += 2
    }
    return (bytes[checksumStart..<(checksumStart + 64)], json)
  }

  private static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return Array(try encoder.encode(value))
  }
}
