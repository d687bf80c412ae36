// Examples made from the catalog, so that they cannot grow stale: a stage, and a manifest around it.

internal import Pipeline

/// Writes examples of manifests.
struct StageExample {
  let catalog: StageCatalog

  /// The stage as it stands under `stages`, named like its type.
  func stageLines(_ type: any StageType) -> [String] {
    var lines = ["\(type.name):", "  uses: \(type.name)"]
    let sources = type.inputs.filter(\.isRequired)
      .map { (port: $0.name, source: source(of: $0)) }
    if sources.count == 1, sources[0].port == type.inputs.first?.name {
      lines.append("  from: \(sources[0].source)")
    } else if !sources.isEmpty {
      let links = sources.map { "\($0.port): \($0.source)" }
      lines.append("  from: { \(links.joined(separator: ", ")) }")
    }
    let entries = type.parameters.filter { $0.isRequired || $0.defaultValue != nil }
    if !entries.isEmpty { lines.append("  with:") }
    return lines + entries.map { "    \(Self.entry($0))" }
  }

  /// A manifest in which the stage is fed, back to stages that need no input.
  func manifest(_ type: any StageType) -> String? {
    var needed: [any StageType] = []
    guard gather(type, into: &needed) else { return nil }
    var lines = ["schema: \(ManifestReader.schemaIdentifier)", "name: \(type.name)"]
    if needed.contains(where: { $0.parameters.contains(where: Self.isShownFile) }) {
      lines += ["inputs:", "  data: data.h5"]
    }
    lines.append("stages:")
    for stage in needed { lines += stageLines(stage).map { "  \($0)" } }
    lines.append("results: [\(type.name)]")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func isShownFile(_ specification: ParameterSpecification) -> Bool {
    if case .file = specification.kind { return specification.isRequired }
    return false
  }

  private func gather(_ type: any StageType, into needed: inout [any StageType]) -> Bool {
    if needed.contains(where: { $0.name == type.name }) { return true }
    for input in type.inputs where input.isRequired {
      guard let feeder = feeder(of: input), gather(feeder, into: &needed) else { return false }
    }
    needed.append(type)
    return true
  }

  /// The stage that feeds a port in an example, with the port where it is not the main one.
  private func source(of port: InputPort) -> String {
    guard let feeder = feeder(of: port), let output = output(of: feeder, for: port) else {
      return "STAGE"
    }
    return output == feeder.outputs.first?.name ? feeder.name : "\(feeder.name).\(output)"
  }

  /// The first of the types that need the fewest stages before them.
  private func feeder(of port: InputPort) -> (any StageType)? {
    let depths = depths()
    return catalog.types.filter { depths[$0.name] != nil && output(of: $0, for: port) != nil }
      .min {
        (depths[$0.name] ?? 0, isMain($0, port) ? 0 : 1) < (
          depths[$1.name] ?? 0, isMain($1, port) ? 0 : 1
        )
      }
  }

  private func isMain(_ type: any StageType, _ port: InputPort) -> Bool {
    output(of: type, for: port) == type.outputs.first?.name
  }

  private func output(of type: any StageType, for port: InputPort) -> String? {
    for output in type.outputs {
      if case .fixed(let kind) = output.kind, port.kinds.contains(kind) { return output.name }
    }
    return nil
  }

  /// How many stages stand at least before each type that can be fed at all; grows until it holds.
  private func depths() -> [String: Int] {
    var depths: [String: Int] = [:]
    for depth in 0...catalog.types.count {
      for type in catalog.types where depths[type.name] == nil {
        let inputs = type.inputs.filter(\.isRequired)
        let isFed = inputs.allSatisfy { input in
          catalog.types.contains { feeder in
            (depths[feeder.name].map { $0 < depth } ?? false)
              && output(of: feeder, for: input) != nil
          }
        }
        if isFed { depths[type.name] = depth }
      }
    }
    return depths
  }

  /// The default, or a value that the parameter takes.
  static func entry(_ specification: ParameterSpecification) -> String {
    let value = specification.defaultValue.map { YAMLText.value($0) } ?? sample(specification)
    return "\(specification.key): \(value)"
  }

  private static func sample(_ specification: ParameterSpecification) -> String {
    switch specification.kind {
    case .numbers(let unit, let range):
      return "[" + sample(.init(specification.key, .number(unit: unit, range: range), summary: ""))
        + "]"
    case .number(_, let range):
      let low = range.lower.isFinite
      let high = range.upper.isFinite
      let value =
        switch (low, high) {
        case (true, true): range.lower + (range.upper - range.lower) / 2
        case (true, false): range.lower + 1
        case (false, true): range.upper - 1
        case (false, false): 0.0
        }
      return "\(ParameterValue.number(value))"
    case .integer(let range): return "\(min(max(range.lowerBound, 1), range.upperBound))"
    case .choice(let words): return words.first.map { YAMLText.word($0) } ?? "\"\""
    case .choices(let words): return "[\(words.first.map { YAMLText.word($0) } ?? "")]"
    case .text: return "text"
    case .texts: return "[text]"
    case .boolean: return "true"
    case .file: return "$data"
    }
  }
}
