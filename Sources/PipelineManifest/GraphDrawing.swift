// A pipeline's graph as text for drawing programs.

public import Pipeline

/// Draws graphs: stages as boxes, files as cylinders, kinds on the edges, results marked.
public enum GraphDrawing {
  /// A Mermaid flowchart, from left to right.
  public static func mermaid(_ graph: PipelineGraph) -> String {
    let ids = identifiers(graph)
    var lines = ["flowchart LR"]
    for name in files(graph) { lines.append("  \(ids["$" + name] ?? "")[(\"\(mermaid(name))\")]") }
    for stage in graph.stages {
      let id = ids[stage.name] ?? ""
      let label = "\(mermaid(stage.name))<br/>\(mermaid(stage.type.name))"
      lines.append(
        "  \(id)[\"\(label)\"]" + (graph.results.contains(stage.name) ? ":::result" : ""))
    }
    for edge in edges(graph) {
      let arrow = edge.label.isEmpty ? "-->" : "-->|\"\(mermaid(edge.label))\"|"
      lines.append("  \(ids[edge.from] ?? "") \(arrow) \(ids[edge.to] ?? "")")
    }
    lines.append("  classDef result stroke-width:3px")
    return lines.joined(separator: "\n") + "\n"
  }

  /// A Graphviz digraph, from left to right.
  public static func dot(_ graph: PipelineGraph) -> String {
    let ids = identifiers(graph)
    var lines = ["digraph \(quoted(graph.name)) {", "  rankdir=LR;", "  node [shape=box];"]
    for name in files(graph) {
      lines.append("  \(ids["$" + name] ?? "") [label=\(quoted(name)), shape=cylinder];")
    }
    for stage in graph.stages {
      let label = quoted("\(stage.name)\n\(stage.type.name)")
      let mark = graph.results.contains(stage.name) ? ", peripheries=2" : ""
      lines.append("  \(ids[stage.name] ?? "") [label=\(label)\(mark)];")
    }
    for edge in edges(graph) {
      let label = edge.label.isEmpty ? "" : " [label=\(quoted(edge.label))]"
      lines.append("  \(ids[edge.from] ?? "") -> \(ids[edge.to] ?? "")\(label);")
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }

  private struct Edge {
    var from: String
    var to: String
    var label: String
  }

  /// Short names that no drawing language reserves: files as f0, f1, ..., stages as s0, s1, ...
  private static func identifiers(_ graph: PipelineGraph) -> [String: String] {
    var ids: [String: String] = [:]
    for (index, name) in files(graph).enumerated() { ids["$" + name] = "f\(index)" }
    for (index, stage) in graph.stages.enumerated() { ids[stage.name] = "s\(index)" }
    return ids
  }

  /// Inputs that some stage reads, in order of name.
  private static func files(_ graph: PipelineGraph) -> [String] {
    Set(graph.stages.flatMap(\.fileParameters.values)).sorted()
  }

  private static func edges(_ graph: PipelineGraph) -> [Edge] {
    var edges: [Edge] = []
    for stage in graph.stages {
      for (_, name) in stage.fileParameters.sorted(by: { $0.key < $1.key }) {
        edges.append(Edge(from: "$" + name, to: stage.name, label: ""))
      }
      for port in stage.type.inputs {
        guard let source = stage.inputs[port.name] else { continue }
        let kind = graph.kind(of: source)?.name ?? source.port
        let label = stage.inputs.count > 1 ? "\(kind) (\(port.name))" : kind
        edges.append(Edge(from: source.stage, to: stage.name, label: label))
      }
    }
    return edges
  }

  /// Mermaid knows HTML's escapes within quotation marks.
  private static func mermaid(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\"": out += "#quot;"
      case "<": out += "#lt;"
      case ">": out += "#gt;"
      default: out.append(character)
      }
    }
    return out
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for character in text {
      switch character {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      default: out.append(character)
      }
    }
    return out + "\""
  }
}
