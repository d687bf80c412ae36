// The JSON of a crate, held against Foundation's own of the same content.
import Foundation
import Testing

@testable import Provenance

struct LinkedDocumentTests {
  private let document = LinkedDocument(
    context: ["https://w3id.org/ro/crate/1.1/context", "https://example.org/other"],
    graph: [
      LinkedEntity(
        "./", "Dataset",
        properties: [
          "name": .text("quotes \" and \\, / slashes, \n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F} µ ± 𝛼"),
          "valueRequired": .boolean(true), "no": .boolean(false),
          "hasPart": .references(["a", "b"]), "mainEntity": .references(["only"]),
          "empty": .list([]), "nothing": nil,
        ]),
      LinkedEntity("manifest.yaml", "File", "SoftwareSourceCode"),
      LinkedEntity("", "A"),
    ])

  @Test("Equal to what a general encoder writes, keys sorted, to the byte")
  func bytes() throws {
    let bytes = document.bytes()
    let object = try JSONSerialization.jsonObject(with: Data(bytes))
    let expected = try JSONSerialization.data(
      withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    #expect(
      String(decoding: bytes, as: UTF8.self) == String(decoding: expected, as: UTF8.self) + "\n")
  }

  @Test("Everything that was put in comes out")
  func content() throws {
    let object = try JSONSerialization.jsonObject(with: Data(document.bytes())) as? [String: Any]
    #expect(object?["@context"] as? [String] == document.context)
    let graph = try #require(object?["@graph"] as? [[String: Any]])
    #expect(graph.map { $0["@id"] as? String } == ["./", "manifest.yaml", ""])
    #expect(graph[0]["@type"] as? String == "Dataset")
    #expect(graph[1]["@type"] as? [String] == ["File", "SoftwareSourceCode"])
    guard case .text(let name)? = document.graph[0].properties["name"] else {
      Issue.record("there is no name")
      return
    }
    #expect(graph[0]["name"] as? String == name)
    #expect(graph[0]["valueRequired"] as? Bool == true)
    #expect((graph[0]["hasPart"] as? [[String: String]])?.map { $0["@id"] } == ["a", "b"])
    #expect(graph[0]["mainEntity"] as? [String: String] == ["@id": "only"])
    #expect((graph[0]["empty"] as? [Any])?.isEmpty == true)
    #expect(graph[0]["nothing"] == nil)
  }
}
