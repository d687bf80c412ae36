// JSON as records, events and stored values hold it.
internal import FoundationEssentials

/// Writes and reads JSON: equal values are equal bytes, and numbers that are not finite, which a fact may hold,
/// stand as words.
public enum RecordJSON {
  /// - Parameter isLine: Whether it is to stand on one line.
  /// - Throws: `EncodingError`, which plain values of our own do not.
  public static func bytes(of value: some Encodable, isLine: Bool = false) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return Array(try encoder.encode(value))
  }

  /// - Throws: `DecodingError` where the bytes are no JSON of the value.
  public static func value<Value: Decodable>(
    _ type: Value.Type, from bytes: some Collection<UInt8>
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return try decoder.decode(type, from: Data(bytes))
  }
}
