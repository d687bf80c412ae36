// A graph back as a manifest: every parameter with its value and who decided it.

public import Pipeline

/// Writes the manifest that a run really followed.
public enum ResolvedManifest {
  /// YAML that reads back as the same graph; the same graph gives the same text.
  public static func text(_ graph: PipelineGraph) -> String {
    var lines = [
      "schema: \(ManifestReader.schemaIdentifier)", "name: \(YAMLText.word(graph.name))",
    ]
    if !graph.inputPaths.isEmpty {
      lines.append("inputs:")
      for (name, path) in graph.inputPaths.sorted(by: { $0.key < $1.key }) {
        lines.append("  \(YAMLText.word(name)): \(YAMLText.word(path))")
      }
    }
    lines.append("stages:")
    for stage in graph.stages { lines += self.lines(stage) }
    lines.append("results: [\(graph.results.map { YAMLText.word($0) }.joined(separator: ", "))]")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ stage: StageNode) -> [String] {
    var lines = ["  \(YAMLText.word(stage.name)):", "    uses: \(YAMLText.word(stage.type.name))"]
    if !stage.inputs.isEmpty {
      let links = stage.inputs.sorted { $0.key < $1.key }
        .map { "\(YAMLText.word($0.key)): \($0.value)" }
      lines.append("    from: { \(links.joined(separator: ", ")) }")
    }
    var entries: [(key: String, text: String)] = []
    for (key, parameter) in stage.parameters {
      let value = YAMLText.value(parameter.value)
      entries.append((key, "\(YAMLText.word(key)): \(value)  # \(parameter.origin.rawValue)"))
    }
    for (key, name) in stage.fileParameters {
      entries.append((key, "\(YAMLText.word(key)): $\(name)"))
    }
    if !entries.isEmpty { lines.append("    with:") }
    return lines + entries.sorted { $0.key < $1.key }.map { "      \($0.text)" }
  }
}

/// Words and values as YAML.
enum YAMLText {
  static func value(_ value: ParameterValue) -> String {
    switch value {
    case .number, .integer, .boolean: return value.description
    case .text(let text): return word(text)
    case .list(let values): return "[" + values.map { self.value($0) }.joined(separator: ", ") + "]"
    }
  }

  /// Plain where no reader could take it for anything else, otherwise in double quotes.
  static func word(_ text: String) -> String {
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    let isWord = text.utf8.allSatisfy { byte in
      (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
        || "-_./".utf8.contains(byte)
    }
    let startsPlain = text.utf8.first.map {
      ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 == 0x2F
    }
    if isWord, startsPlain ?? false, !reserved.contains(text.lowercased()) { return text }
    return JSONText.string(text)
  }
}
