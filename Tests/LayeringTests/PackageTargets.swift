// The targets of the package as its manifest declares them: the one source of who may import whom.
import Foundation

/// A target of `Package.swift`.
struct PackageTarget {
  enum Kind: String {
    case systemLibrary, target, executableTarget, testTarget
  }

  var kind: Kind
  var name: String
  /// Names of targets and of products of other packages.
  var dependencies: [String]
  /// From the root of the package.
  var folder: String

  /// As an import names it.
  var module: String { Self.module(name) }

  static func module(_ name: String) -> String { name.replacing("-", with: "_") }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All, in the order in which they stand.
  static let all: [PackageTarget] = {
    let manifest = try? String(
      contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
    let text = (manifest ?? "").replacing(/\/\/.*/, with: "")
    return text.matches(of: /\.(systemLibrary|target|executableTarget|testTarget)\(/).compactMap {
      Kind(rawValue: String($0.1)).flatMap { [end = $0.range.upperBound] kind in
        PackageTarget(kind, arguments: enclosed(text[end...]))
      }
    }
  }()

  private init?(_ kind: Kind, arguments: Substring) {
    guard let name = arguments.firstMatch(of: /name: "([^"]+)"/)?.1 else { return nil }
    self.kind = kind
    self.name = String(name)
    let folder = arguments.firstMatch(of: /path: "([^"]+)"/)?.1
    self.folder = folder.map(String.init) ?? (kind == .testTarget ? "Tests/" : "Sources/") + name
    let list = arguments.firstMatch(of: /dependencies: \[/).map {
      Self.enclosed(arguments[$0.range.upperBound...])
    }
    dependencies = (list ?? "").replacing(/package: "[^"]+"/, with: "").matches(of: /"([^"]+)"/)
      .map { String($0.1) }
  }

  /// What stands before the bracket that closes one opened before the text.
  private static func enclosed(_ text: Substring) -> Substring {
    var depth = 1
    return text.prefix { character in
      if "([".contains(character) { depth += 1 }
      if ")]".contains(character) { depth -= 1 }
      return depth > 0
    }
  }

  /// The targets that it depends on, through others too.
  var reach: Set<String> {
    var found: Set<String> = []
    var open = dependencies
    while let name = open.popLast() {
      guard let target = Self.all.first(where: { $0.name == name }) else { continue }
      if found.insert(name).inserted { open += target.dependencies }
    }
    return found
  }

  /// The Swift files, by path from the root of the package.
  func sources() throws -> [(path: String, text: String)] {
    let place = Self.root.appendingPathComponent(folder)
    let names = FileManager.default.enumerator(atPath: place.path)?.compactMap { $0 as? String }
    return try (names ?? []).filter { $0.hasSuffix(".swift") }.sorted().map { name in
      let text = try String(contentsOf: place.appendingPathComponent(name), encoding: .utf8)
      return ("\(folder)/\(name)", text)
    }
  }

  /// Every import: the file and the module, whatever attributes and access it has, of whatever part.
  func imports() throws -> [(path: String, module: String)] {
    try sources().flatMap { path, text in Self.imports(in: text).map { (path, $0) } }
  }

  static func imports(in text: String) -> [String] {
    // Every other part stands in a string of several lines: scripts have imports of their own.
    let parts = text.components(separatedBy: "\"\"\"").enumerated().filter { $0.offset % 2 == 0 }
    let statements = parts.flatMap { $0.element.split { $0 == "\n" || $0 == ";" } }
    let form = /\s*(?:@?\w+(?:\([^)]*\))?\s+)*?import\s+(?:[a-z]+\s+)?(\w+)(?:\.\w+)*\s*(?:\/\/.*)?/
    return statements.filter { $0.contains("import") }.compactMap {
      $0.wholeMatch(of: form).map { String($0.1) }
    }
  }
}
