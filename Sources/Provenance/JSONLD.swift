// The few forms that JSON-LD takes in an RO-Crate: a flat list of entities that refer to each other.

/// A value of an entity's property.
indirect enum LinkedValue: Equatable {
  case text(String)
  case boolean(Bool)
  /// The `@id` of another entity.
  case reference(String)
  case list([LinkedValue])

  /// One reference stands alone, several make a list; nil for none.
  static func references(_ ids: [String]) -> LinkedValue? {
    switch ids.count {
    case 0: nil
    case 1: .reference(ids[0])
    default: .list(ids.map(LinkedValue.reference))
    }
  }
}

/// A node of the graph.
struct LinkedEntity: Equatable {
  let id: String
  let types: [String]
  let properties: [String: LinkedValue]

  /// - Parameter properties: Those without a value are left out.
  init(_ id: String, _ types: String..., properties: [String: LinkedValue?] = [:]) {
    self.id = id
    self.types = types
    self.properties = properties.compactMapValues { $0 }
  }
}

/// A whole document.
struct LinkedDocument {
  let context: [String]
  let graph: [LinkedEntity]

  /// JSON with sorted keys and the entities' own order: equal graphs, equal bytes.
  ///
  /// Written without a general encoder, which takes some milliseconds to learn the types of a document that has five.
  func bytes() -> [UInt8] {
    var writer = LinkedWriter()
    writer.object([
      ("@context", { writer in writer.list(context) { $0.text($1) } }),
      ("@graph", { writer in writer.list(graph) { $0.entity($1) } }),
    ])
    return writer.bytes + [UInt8(ascii: "\n")]
  }
}

/// Writes JSON: two blanks for each level, a blank on either side of a colon.
private struct LinkedWriter {
  private(set) var bytes: [UInt8] = []
  private var level = 0

  mutating func entity(_ entity: LinkedEntity) {
    var members: [(String, (inout LinkedWriter) -> Void)] = [
      ("@id", { $0.text(entity.id) }),
      (
        "@type",
        { writer in
          if entity.types.count == 1 {
            writer.text(entity.types[0])
          } else {
            writer.list(entity.types) { $0.text($1) }
          }
        }
      ),
    ]
    for (name, value) in entity.properties { members.append((name, { $0.value(value) })) }
    object(members.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) })
  }

  private mutating func value(_ value: LinkedValue) {
    switch value {
    case .text(let text): self.text(text)
    case .boolean(let boolean): add(boolean ? "true" : "false")
    case .reference(let id): object([("@id", { $0.text(id) })])
    case .list(let values): list(values) { $0.value($1) }
    }
  }

  /// - Parameter members: In the order in which they are to stand, at least one.
  mutating func object(_ members: [(name: String, value: (inout LinkedWriter) -> Void)]) {
    enclose("{", "}", members) { writer, member in
      writer.text(member.name)
      writer.add(" : ")
      member.value(&writer)
    }
  }

  mutating func list<Element>(
    _ items: [Element], _ item: (inout LinkedWriter, Element) -> Void
  ) {
    enclose("[", "]", items, item)
  }

  private mutating func enclose<Element>(
    _ opening: String, _ closing: String, _ items: [Element],
    _ item: (inout LinkedWriter, Element) -> Void
  ) {
    add(opening)
    level += 1
    for (index, element) in items.enumerated() {
      if index > 0 { add(",") }
      breakLine()
      item(&self, element)
    }
    level -= 1
    if items.isEmpty { add("\n") }
    breakLine()
    add(closing)
  }

  private mutating func breakLine() {
    add("\n")
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
  }

  private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func text(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x08: add("\\b")
      case 0x09: add("\\t")
      case 0x0A: add("\\n")
      case 0x0C: add("\\f")
      case 0x0D: add("\\r")
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        add("\\u00")
        bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
