// Turns the stages as written into the graph's nodes, so that one mistake is reported once.

internal import Pipeline
internal import ShownText

/// Finds the ports that `from` leaves out, and puts stand-ins where a stage could not be read.
struct StageLinker {
  private let drafts: [StageDraft]
  private let catalog: StageCatalog
  private(set) var problems: ProblemList
  /// Where each connection is written.
  private(set) var spans: [GraphLocation: SourceSpan] = [:]

  init(drafts: [StageDraft], catalog: StageCatalog, problems: ProblemList) {
    self.drafts = drafts
    self.catalog = catalog
    self.problems = problems
  }

  mutating func nodes() -> [StageNode] { drafts.map { node($0) } }

  private mutating func node(_ draft: StageDraft) -> StageNode {
    var inputs: [String: OutputReference] = [:]
    var isBroken = draft.hasBrokenLinks
    for link in draft.links {
      guard let port = inputPort(of: link, draft), let output = outputPort(of: link) else {
        isBroken = true
        continue
      }
      spans[.port(stage: draft.name, port: port)] = link.span
      inputs[port] = OutputReference(stage: link.source, port: output)
    }
    var type = draft.type ?? stand(in: draft, inputs: inputs.keys.sorted())
    if isBroken { type = StandInStage(lenient: type) }
    return StageNode(
      name: draft.name, type: type, parameters: draft.parameters,
      fileParameters: draft.fileParameters, inputs: inputs)
  }

  private mutating func inputPort(of link: StageLink, _ draft: StageDraft) -> String? {
    guard let type = draft.type else { return link.port ?? "input" }
    let ports = type.inputs.map(\.name)
    guard let port = link.port ?? ports.first else {
      problems.add(link.span, "\(type.name) takes no input", "remove from:")
      return nil
    }
    if ports.contains(port) { return port }
    let known = ports.isEmpty ? "it takes none" : "its inputs are \(ports.joined(separator: ", "))"
    problems.add(
      link.portSpan, "\(type.name) has no input \(Shown.word(port))",
      Suggestion.closest(to: port, among: ports) ?? known)
    return nil
  }

  private mutating func outputPort(of link: StageLink) -> String? {
    guard let source = drafts.first(where: { $0.name == link.source }), let type = source.type
    else { return link.sourcePort ?? "output" }
    if let port = link.sourcePort ?? type.outputs.first?.name { return port }
    problems.add(
      link.span, "the stage '\(source.name)' (\(type.name)) leaves nothing to connect to")
    return nil
  }

  /// Has every output that somebody refers to, of no known kind, and takes anything.
  private func stand(in draft: StageDraft, inputs: [String]) -> any StageType {
    let named = drafts.flatMap(\.links).filter { $0.source == draft.name }
      .map { $0.sourcePort ?? "output" }
    var kinds: Set<PortKind> = []
    for type in catalog.types {
      for output in type.outputs {
        if case .fixed(let kind) = output.kind { kinds.insert(kind) }
      }
    }
    return StandInStage(inputs: inputs, kinds: Array(kinds), outputs: Set(named).sorted())
  }
}

/// Stands for a stage that could not be read; never runs, since its graph is thrown away.
private struct StandInStage: StageType {
  let name: String
  let summary = ""
  let algorithmVersion = 0
  let parameters: [ParameterSpecification] = []
  let inputs: [InputPort]
  let outputs: [OutputPort]

  init(inputs: [String], kinds: [PortKind], outputs: [String]) {
    name = ""
    self.inputs = inputs.map { InputPort($0, kinds: kinds, isRequired: false, summary: "") }
    self.outputs = outputs.map { OutputPort($0, kind: .sameAs(input: ""), summary: "") }
  }

  /// The same type, but content with inputs that are not connected.
  init(lenient type: any StageType) {
    name = type.name
    inputs = type.inputs.map {
      InputPort($0.name, kinds: $0.kinds, isRequired: false, summary: $0.summary)
    }
    outputs = type.outputs
  }

  func run(_ context: StageContext) throws -> StageProduct {
    throw StageFailure(.failed, "stage \(context.stageName): its manifest was refused")
  }
}
