// Who feeds whom in a graph, and with what.

extension PipelineGraph {
  /// The stages that take each output.
  var consumers: [OutputReference: [String]] {
    var consumers: [OutputReference: [String]] = [:]
    for node in stages {
      for source in node.inputs.values { consumers[source, default: []].append(node.name) }
    }
    return consumers
  }

  /// The names of all input files that each stage depends on, through whatever stages.
  var inputNames: [String: Set<String>] {
    var inputNames: [String: Set<String>] = [:]
    // A stage stands behind those that feed it.
    for node in stages {
      inputNames[node.name] = node.inputs.values.reduce(into: Set(node.fileParameters.values)) {
        $0.formUnion(inputNames[$1.stage] ?? [])
      }
    }
    return inputNames
  }

  /// The kind at each output port of a stage.
  func outputKinds(of node: StageNode) -> [String: String] {
    var kinds: [String: String] = [:]
    for port in node.type.outputs {
      kinds[port.name] = kind(of: OutputReference(stage: node.name, port: port.name))?.name
    }
    return kinds
  }
}
