// The few forms that JSON-LD takes in an RO-Crate: a flat list of entities that refer to each other.
internal import Foundation

/// A value of an entity's property.
indirect enum LinkedValue: Encodable, Equatable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  /// The `@id` of another entity.
  case reference(String)
  case list([LinkedValue])

  private struct Reference: Encodable {
    let id: String
    enum CodingKeys: String, CodingKey { case id = "@id" }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .reference(let id): try container.encode(Reference(id: id))
    case .list(let values): try container.encode(values)
    }
  }

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
struct LinkedEntity: Encodable, Equatable {
  let id: String
  let types: [String]
  private(set) var properties: [String: LinkedValue]

  /// - Parameter properties: Those without a value are left out.
  init(_ id: String, _ types: String..., properties: [String: LinkedValue?] = [:]) {
    self.id = id
    self.types = types
    self.properties = properties.compactMapValues { $0 }
  }

  subscript(property: String) -> LinkedValue? { properties[property] }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { return nil }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(id, forKey: Key("@id"))
    if types.count == 1 {
      try container.encode(types[0], forKey: Key("@type"))
    } else {
      try container.encode(types, forKey: Key("@type"))
    }
    for (name, value) in properties { try container.encode(value, forKey: Key(name)) }
  }
}

/// A whole document.
struct LinkedDocument: Encodable {
  let context: [String]
  let graph: [LinkedEntity]
  enum CodingKeys: String, CodingKey {
    case context = "@context"
    case graph = "@graph"
  }

  /// Sorted keys and the entities' own order: equal graphs, equal bytes.
  func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
