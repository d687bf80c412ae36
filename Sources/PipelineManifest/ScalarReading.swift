// Numbers and booleans as written: strict, the same in every locale.

/// Reads plain YAML words as values.
enum ScalarReading {
  /// `12`, `-0.5`, `.5`, `5.`, `1e-3`: decimal and finite, no underscores, no hexadecimal, no `.inf`.
  static func number(_ text: String) -> Double? {
    var rest = Substring(text)
    if let sign = rest.first, sign == "+" || sign == "-" { rest.removeFirst() }
    let whole = digits(&rest)
    var fraction = 0
    if rest.first == "." {
      rest.removeFirst()
      fraction = digits(&rest)
    }
    guard whole + fraction > 0 else { return nil }
    if rest.first == "e" || rest.first == "E" {
      rest.removeFirst()
      if let sign = rest.first, sign == "+" || sign == "-" { rest.removeFirst() }
      guard digits(&rest) > 0 else { return nil }
    }
    guard rest.isEmpty, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// `12`, `-3`, `+4`; no leading zeros, which YAML 1.1 reads as octal.
  static func integer(_ text: String) -> Int? {
    var rest = Substring(text)
    if let sign = rest.first, sign == "+" || sign == "-" { rest.removeFirst() }
    let first = rest.first
    let count = digits(&rest)
    guard count > 0, rest.isEmpty, first != "0" || count == 1 else { return nil }
    return Int(text)
  }

  static func boolean(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// The number and the unit of `50 nm` or `50nm`.
  static func quantity(_ text: String) -> (number: String, unit: String)? {
    let candidates = text.indices.reversed()
    for end in candidates {
      let head = String(text[..<end])
      guard number(head.trimmed) != nil else { continue }
      let unit = String(text[end...]).trimmed
      let isUnit = unit.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "°µ%/".unicodeScalars.contains($0)
      }
      return isUnit && !unit.isEmpty ? (head.trimmed, unit) : nil
    }
    return nil
  }

  /// Removes leading ASCII digits and counts them.
  private static func digits(_ rest: inout Substring) -> Int {
    let head = rest.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
    let count = head.count
    rest = rest[head.endIndex...]
    return count
  }
}

extension String {
  /// Without spaces at either end.
  var trimmed: String {
    let head = drop { $0 == " " || $0 == "\t" }
    guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return String(head[...last])
  }
}
