// Values from JSON text, for digests that a test wants to write down.
import Foundation

enum JSONText {
  static func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(json.utf8))
  }
}
