// JSON as the cache keeps it: keys sorted, and under a seal that tells when a byte was changed.
internal import Digest
internal import FoundationEssentials

/// Encodes and decodes the small files of the cache.
enum CacheJSON {
  /// A value beside the digest of its JSON.
  private struct Sealed<Value: Codable>: Codable {
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
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
      let sealed = try decoder.decode(Sealed<Value>.self, from: Data(bytes))
      if SHA256Digest(of: try encode(sealed.value)) == sealed.checksum {
        if try encode(sealed) + [UInt8(ascii: "\n")] == bytes { return sealed.value }
        throw Damage(description: "bytes that mean nothing were changed")
      }
    } catch let damage as Damage {
      throw damage
    } catch { throw Damage(description: "it is not complete JSON of the expected form") }
    throw Damage(description: "its checksum is wrong")
  }

  private static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return Array(try encoder.encode(value))
  }
}
