// Links of the documentation to symbols: what they name is declared in the module, with these labels.
import Foundation
import Testing

/// DocC itself takes minutes and a plugin; a function that was given another parameter is noticed here.
struct SymbolLinkTests {
  private static let sources = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources")

  private static let modules = [
    "STEMCore", "DPCReconstruction", "DPCSimulation", "STEMData", "FieldRendering", "Pipeline",
    "PipelineManifest", "DPCStages",
  ]

  private static func texts(of module: String, _ suffix: String) throws -> [(
    name: String, text: String
  )] {
    let folder = sources.appendingPathComponent(module)
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    return try (names ?? []).filter { $0.hasSuffix(suffix) }.sorted().map { name in
      (name, try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
    }
  }

  /// Argument labels of each function and initializer, and names of whatever else is declared.
  private struct Declarations {
    var functions: [String: Set<String>] = [:]
    var names: Set<String> = []

    mutating func read(_ text: String) throws {
      let plain = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
      }.joined(separator: "\n")
      let named = /\b(?:func|struct|class|enum|protocol|typealias|var|let|case|actor)\s+`?(\w+)/
      for match in plain.matches(of: named) { names.insert(String(match.1)) }
      // Cases after the first of their line.
      for match in plain.matches(of: /\bcase\s+(\w+(?:,\s*\w+)+)/) {
        names.formUnion(
          match.1.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
      }
      let callable = /\b(?:func\s+(\w+)|(init)[?!]?|(subscript)|case\s+(\w+))\s*(?:<[^>(]*>)?\(/
      for match in plain.matches(of: callable) {
        let name = String(match.1 ?? match.2 ?? match.3 ?? match.4 ?? "")
        functions[name, default: []].insert(Self.labels(plain[match.range.upperBound...]))
      }
    }

    /// "from:to:_:" of what follows an opening parenthesis.
    private static func labels(_ text: Substring) -> String {
      var depth = 0
      var parts = [""]
      for character in text {
        if "([{<".contains(character) { depth += 1 }
        // The arrow of a function's type closes nothing.
        if ")]}".contains(character) || character == ">" && parts.last?.last != "-" { depth -= 1 }
        if depth < 0 { break }
        if character == "," && depth == 0 {
          parts.append("")
        } else {
          parts[parts.count - 1].append(character)
        }
      }
      return parts.filter { !$0.allSatisfy(\.isWhitespace) }.map { part in
        // What a case carries may have none.
        let label = part.prefixMatch(of: /\s*(?:@\w+\s+)*(\w+)(?:\s+\w+)?\s*:/)?.1
        return "\(label ?? "_"):"
      }.joined()
    }

    func lacks(_ link: Substring) -> Bool {
      guard let open = link.firstIndex(of: "(") else { return !names.contains(String(link)) }
      let labels = link[link.index(after: open)...].prefix { $0 != ")" }
      return functions[String(link[..<open])]?.contains(String(labels)) != true
    }
  }

  @Test("Every linked symbol is declared", arguments: modules)
  func links(module: String) throws {
    var declarations = Declarations()
    let sources = try Self.texts(of: module, ".swift")
    for (_, text) in sources { try declarations.read(text) }
    var count = 0
    var missing: [String] = []
    for (name, text) in try sources + Self.texts(of: module, ".md") {
      let lines = name.hasSuffix(".md") ? text : Self.comments(of: text)
      for match in lines.matches(of: /``([^`\s]+)``/) {
        count += 1
        let parts = match.1.split(separator: "/").filter { $0 != Substring(module) }
        if parts.contains(where: declarations.lacks) { missing.append("\(name): \(match.1)") }
      }
    }
    #expect(missing == [])
    #expect(count > 0, "\(module) links to nothing: the links are not read")
  }

  private static func comments(of text: String) -> String {
    text.split(separator: "\n").filter { $0.contains("///") }.joined(separator: "\n")
  }
}
