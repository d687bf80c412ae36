// Stable identifiers in SVG files: Cairo numbers surfaces through the life of the process.

enum SVGIdentifiers {
  /// The prefixes that Cairo follows with a number counted over all figures of a process.
  private static let prefixes = ["surface", "image", "mask", "pattern", "clip", "linear", "radial"]
    .map { Array($0.utf8) }

  /// The same file with those numbers counted from 1 in the order in which they appear.
  ///
  /// Identifiers are `id="surface12"`, `"#image7"` and `url(#mask3)`: a prefix after a quote or a
  /// number sign, then digits only. Embedded images (base64) contain neither character.
  static func renumbered(_ bytes: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    let sharp = UInt8(ascii: "#")
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var numbers: [[UInt8]: Int] = [:]
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      result.append(byte)
      index += 1
      guard byte == quote || byte == sharp else { continue }
      guard let end = identifierEnd(bytes, from: index) else { continue }
      let name = Array(bytes[index..<end])
      let letters = name.prefix { !isDigit($0) }
      let number = numbers[name] ?? numbers.count + 1
      numbers[name] = number
      result.append(contentsOf: letters)
      result.append(contentsOf: String(number).utf8)
      index = end
    }
    return result
  }

  /// Where a prefix with digits that starts here ends; nil where none starts.
  private static func identifierEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    for prefix in prefixes where bytes.count > start + prefix.count {
      guard (0..<prefix.count).allSatisfy({ bytes[start + $0] == prefix[$0] }) else { continue }
      var end = start + prefix.count
      while end < bytes.count, isDigit(bytes[end]) { end += 1 }
      let closes =
        end < bytes.count && (bytes[end] == UInt8(ascii: "\"") || bytes[end] == UInt8(ascii: ")"))
      if end > start + prefix.count, closes { return end }
    }
    return nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
