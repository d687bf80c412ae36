// Examples made from the catalog, so that they cannot grow stale: a stage, and a manifest around it.

internal import Pipeline

/// Writes examples of manifests.
struct StageExample {
  let catalog: StageCatalog

  /// The stage as it stands under `stages`, named like its type.
  func stageLines(_ type: any StageType) -> [String] {
    var lines = ["\(type.name):", "  uses: \(type.name)"]
    let sources = type.inputs.filter(Self.isFed)
      .map { (port: $0.name, source: source(of: $0)) }
    if sources.count == 1, sources[0].port == type.inputs.first?.name {
      lines.append("  from: \(sources[0].source)")
    } else if !sources.isEmpty {
      let links = sources.map { "\($0.port): \($0.source)" }
      lines.append("  from: { \(links.joined(separator: ", ")) }")
    }
    let entries = type.parameters.filter {
      $0.isRequired || $0.defaultValue != nil || $0.example != nil
    }
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

  private static func isFed(_ port: InputPort) -> Bool {
    port.isRequired || port.exampleSource != nil
  }

  private func gather(_ type: any StageType, into needed: inout [any StageType]) -> Bool {
    if needed.contains(where: { $0.name == type.name }) { return true }
    for input in type.inputs where Self.isFed(input) {
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

  /// What the port names, or the first of the types that need the fewest stages before them. A port
  /// lists first what it is mostly fed, so its first kind that any type makes decides.
  private func feeder(of port: InputPort) -> (any StageType)? {
    if let named = port.exampleSource.flatMap({ catalog[$0] }), output(of: named, for: port) != nil
    {
      return named
    }
    let depths = depths()
    for kind in port.kinds {
      let makers = catalog.types.filter {
        depths[$0.name] != nil && output(of: $0, as: kind) != nil
      }
      let best = makers.min {
        (depths[$0.name] ?? 0, isMain($0, kind) ? 0 : 1) < (
          depths[$1.name] ?? 0, isMain($1, kind) ? 0 : 1
        )
      }
      if let best { return best }
    }
    return nil
  }

  private func isMain(_ type: any StageType, _ kind: PortKind) -> Bool {
    output(of: type, as: kind) == type.outputs.first?.name
  }

  private func output(of type: any StageType, for port: InputPort) -> String? {
    port.kinds.lazy.compactMap { output(of: type, as: $0) }.first
  }

  /// The output that has this kind with the parameters of the example.
  private func output(of type: any StageType, as kind: PortKind) -> String? {
    type.outputs.first { output in
      switch output.kind {
      case .fixed(let own): own == kind
      case .chosen(let key, let kinds):
        type.parameters.first { $0.key == key }.flatMap { kinds[Self.value($0)] } == kind
      case .sameAs: false
      }
    }?.name
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
    "\(specification.key): \(value(specification))"
  }

  private static func value(_ specification: ParameterSpecification) -> String {
    specification.defaultValue.map { YAMLText.value($0) } ?? specification.example
      ?? sample(specification)
  }

  private static func sample(_ specification: ParameterSpecification) -> String {
    switch specification.kind {
    case .numbers(_, let range): return "[\(ParameterValue.number(sample(range)))]"
    case .number(_, let range): return "\(ParameterValue.number(sample(range)))"
    case .integer(let range): return "\(min(max(range.lowerBound, 1), range.upperBound))"
    case .choice(let words): return words.first.map { YAMLText.word($0) } ?? "\"\""
    case .choices(let words): return "[\(words.first.map { YAMLText.word($0) } ?? "")]"
    case .text: return "text"
    case .texts: return "[text]"
    case .boolean: return "true"
    case .file: return "$data"
    }
  }

  /// One where the range has it, as a length or a ratio mostly does; else the middle or near the end.
  private static func sample(_ range: NumberRange) -> Double {
    if range.contains(1) { return 1 }
    switch (range.lower.isFinite, range.upper.isFinite) {
    case (true, true): return range.lower + (range.upper - range.lower) / 2
    case (true, false): return range.lower + 1
    default: return range.upper - 1
    }
  }
}
