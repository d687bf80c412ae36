// JSON as the cache keeps it: keys sorted, and under a seal that tells when a byte was changed.
internal import Digest

/// Encodes and decodes the small files of the cache.
enum CacheJSON {
  /// Why the content of a small file is not used.
  struct Damage: Error, CustomStringConvertible {
    var description: String
  }

  /// The value's JSON under a seal: an object of the digest of that JSON and of the value, as an encoder would write
  /// it; equal values are equal bytes.
  static func seal<Value: Codable>(_ value: Value) throws -> [UInt8] {
    let json = try RecordJSON.bytes(of: value)
    var bytes = head + Array(SHA256Digest(of: json).hex.utf8) + middle
    bytes.reserveCapacity(bytes.count + json.count * 3 / 2)
    for (byte, next) in zip(json, json.dropFirst() + [UInt8(ascii: " ")]) {
      bytes.append(byte)
      // Text holds no line break, so every one of them ends a line; an empty line has no blanks in front.
      if byte == lineBreak && next != lineBreak { bytes += [blank, blank] }
    }
    return bytes + tail
  }

  private static let head = Array("{\n  \"checksum\" : \"".utf8)
  private static let middle = Array("\",\n  \"value\" : ".utf8)
  private static let tail = Array("\n}\n".utf8)
  private static let digestLength = 64
  private static let (blank, lineBreak) = (UInt8(ascii: " "), UInt8(ascii: "\n"))

  /// - Throws: ``Damage`` where the bytes are not, to the last one, what ``seal(_:)`` wrote: a
  ///   changed blank means as little as a changed digit means much, and both mean a bad disk.
  static func unseal<Value: Codable>(
    _ type: Value.Type, from bytes: [UInt8]
  ) throws(Damage) -> Value {
    let value = try content(of: bytes)
    do { return try RecordJSON.value(Value.self, from: value) } catch {
      throw Damage(description: "it is not JSON of the expected form")
    }
  }

  /// The sealed value's own JSON, held against its checksum.
  ///
  /// The value stands in the file as ``RecordJSON`` writes it, but for two blanks more in front of
  /// each line after its first: without them the digest can be formed of the bytes as they are, and
  /// nothing has to be encoded again.
  private static func content(of bytes: [UInt8]) throws(Damage) -> [UInt8] {
    let start = head.count + digestLength + middle.count
    guard bytes.count > start + tail.count, bytes.starts(with: head),
      bytes[(start - middle.count)..<start] == middle[...],
      let checksum = SHA256Digest(
        hex: String(decoding: bytes[head.count..<(head.count + digestLength)], as: UTF8.self))
    else { throw Damage(description: "it is not complete JSON of the expected form") }
    guard bytes.suffix(tail.count) == tail[...] else {
      let isWhole = bytes.last { $0 > UInt8(ascii: " ") } == UInt8(ascii: "}")
      throw Damage(
        description: isWhole
          ? "bytes that mean nothing were changed" : "it is not complete JSON of the expected form")
    }
    var value: [UInt8] = []
    value.reserveCapacity(bytes.count)
    var position = start
    let end = bytes.count - tail.count
    while position < end {
      let byte = bytes[position]
      value.append(byte)
      position += 1
      // Within empty brackets stands an empty line, which has no blanks in front either.
      guard byte == lineBreak, position < end, bytes[position] != lineBreak else { continue }
      guard position + 2 < end, bytes[position] == blank, bytes[position + 1] == blank,
        bytes[position + 2] != lineBreak
      else { throw Damage(description: "bytes that mean nothing were changed") }
      position += 2
    }
    if SHA256Digest(of: value) == checksum,
      checksum.hex.utf8.elementsEqual(
        bytes[head.count..<(head.count + digestLength)])
    {
      return value
    }
    throw Damage(description: "its checksum is wrong")
  }
}
