// From the record of a run back to a manifest: what a result file tells of its stages, checked anew.
public import Pipeline

/// A stage as a result file records it.
public struct RecordedStage: Sendable, Equatable {
  public var name: String
  public var type: String
  /// As a manifest would write them, files as `$name`.
  public var parameters: [String: String]
  /// Input port to `stage.port`.
  public var inputs: [String: String]

  public init(
    name: String, type: String, parameters: [String: String], inputs: [String: String]
  ) {
    self.name = name
    self.type = type
    self.parameters = parameters
    self.inputs = inputs
  }
}

/// A pipeline as a result file records it.
public struct RecordedPipeline: Sendable, Equatable {
  public var name: String
  public var stages: [RecordedStage]
  public var results: [String]

  /// Names of the files that the stages read.
  public var inputNames: [String]

  public init(
    name: String, stages: [RecordedStage], results: [String], inputNames: [String]
  ) {
    self.name = name
    self.stages = stages
    self.results = results
    self.inputNames = inputNames.sorted()
  }

  /// The pipeline as a checked graph.
  ///
  /// - Parameters:
  ///   - path: Names the record in messages.
  ///   - catalog: The stages that are known.
  ///   - inputs: Input name to path, seen from the working folder.
  /// - Throws: ``ManifestError`` where the catalog knows a stage, a port, a parameter or a value no
  ///   longer; the record of another version of the program may do so.
  public func load(
    path: String, catalog: StageCatalog, inputs: [String: String]
  ) throws(ManifestError) -> LoadedManifest {
    // Values go through the door of the command line, which reads a text by its parameter's kind.
    let overrides = stages.flatMap { stage in
      changed(stage, in: catalog).map { ManifestOverride("\(stage.name).\($0)=\($1)") }
    }
    return try ManifestReader.load(
      text: skeleton, path: path, catalog: catalog, overrides: overrides,
      inputOverrides: inputs)
  }

  /// Parameters that say something else than their default, in order of the keys.
  private func changed(_ stage: RecordedStage, in catalog: StageCatalog) -> [(String, String)] {
    let specifications = catalog[stage.type]?.parameters ?? []
    return stage.parameters.sorted { $0.key < $1.key }.filter { key, value in
      specifications.first { $0.key == key }?.defaultValue?.description != value
    }.map { ($0.key, $0.value) }
  }

  /// Values that the loaded graph holds otherwise than the record, as "stage.key".
  public func unfaithful(_ graph: PipelineGraph) -> [String] {
    stages.flatMap { stage -> [String] in
      guard let node = graph[stage.name] else { return [stage.name] }
      return stage.parameters.filter { key, value in
        if let name = node.fileParameters[key] { return "$" + name != value }
        return node.parameters[key]?.value.description != value
      }.keys.sorted().map { "\(stage.name).\($0)" }
    }
  }

  /// Stages and connections without parameters.
  private var skeleton: String {
    var lines = [
      "schema: \(ManifestReader.schemaIdentifier)", "name: \(JSONText.string(name))",
    ]
    if !inputNames.isEmpty {
      lines.append("inputs:")
      lines += inputNames.map { "  \(JSONText.string($0)): null" }
    }
    lines.append("stages:")
    for stage in stages {
      lines.append("  \(JSONText.string(stage.name)):")
      lines.append("    uses: \(JSONText.string(stage.type))")
      if stage.inputs.isEmpty { continue }
      let links = stage.inputs.sorted { $0.key < $1.key }
        .map { "\(JSONText.string($0.key)): \(JSONText.string($0.value))" }
      lines.append("    from: { \(links.joined(separator: ", ")) }")
    }
    lines.append("results: [\(results.map { JSONText.string($0) }.joined(separator: ", "))]")
    return lines.joined(separator: "\n") + "\n"
  }
}
