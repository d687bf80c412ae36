// A pipeline as a graph: named stages, what feeds them, and everything that is wrong with it at once.

/// One output of one stage.
public struct OutputReference: Sendable, Hashable, Codable, CustomStringConvertible {
  public var stage: String
  public var port: String

  public init(stage: String, port: String) {
    self.stage = stage
    self.port = port
  }

  public var description: String { "\(stage).\(port)" }
}

/// A stage of a pipeline, resolved: every parameter has its value, every port its source.
public struct StageNode: Sendable {
  public var name: String
  public var type: any StageType
  /// Every parameter with a value, defaults included; files excepted.
  public var parameters: [String: ResolvedParameter]
  /// Parameter key to the name of the pipeline input it refers to.
  public var fileParameters: [String: String]
  /// Input port to the output that feeds it.
  public var inputs: [String: OutputReference]

  public init(
    name: String, type: any StageType, parameters: [String: ResolvedParameter] = [:],
    fileParameters: [String: String] = [:], inputs: [String: OutputReference] = [:]
  ) {
    self.name = name
    self.type = type
    self.parameters = parameters
    self.fileParameters = fileParameters
    self.inputs = inputs
  }
}

/// What in a pipeline a problem is about, so that a manifest can point at the place.
public enum GraphLocation: Sendable, Hashable {
  case stage(String)
  case port(stage: String, port: String)
  case parameter(stage: String, key: String)
  case result(Int)
}

/// Something wrong with a pipeline, found before anything runs.
public struct GraphProblem: Sendable, Hashable {
  public var location: GraphLocation
  public var message: String
  /// "did you mean …", or what to do.
  public var suggestion: String?

  public init(_ location: GraphLocation, _ message: String, suggestion: String? = nil) {
    self.location = location
    self.message = message
    self.suggestion = suggestion
  }
}

/// All problems of a pipeline together.
public struct GraphError: Error, Sendable {
  public var problems: [GraphProblem]
  public init(problems: [GraphProblem]) { self.problems = problems }
}

/// A valid pipeline: its stages in an order in which each follows what feeds it.
public struct PipelineGraph: Sendable {
  public let name: String
  /// Input name to path, as the run will open it.
  public let inputPaths: [String: String]
  /// In topological order, ties in order of name: the manifest's order means nothing.
  public let stages: [StageNode]
  /// The stages whose outputs go to the result file, in the order asked for.
  public let results: [String]

  /// Checks ports, kinds, cycles, and parameters against each other.
  ///
  /// - Throws: ``GraphError`` with every problem found.
  public init(
    name: String, inputPaths: [String: String], stages: [StageNode], results: [String]
  ) throws(GraphError) {
    var check = GraphCheck(stages: stages)
    check.checkNames()
    check.checkPorts()
    let ordered = check.topologicalOrder()
    check.checkKinds()
    check.checkResults(results)
    check.checkParameters()
    if !check.problems.isEmpty { throw GraphError(problems: check.problems) }
    self.name = name
    self.inputPaths = inputPaths
    self.stages = ordered
    self.results = results
  }

  /// A stage of another graph with all that it needs.
  init(of stage: String, in whole: PipelineGraph) {
    var wanted: Set<String> = [stage]
    for node in whole.stages.reversed() where wanted.contains(node.name) {
      wanted.formUnion(node.inputs.values.map(\.stage))
    }
    name = whole.name
    inputPaths = whole.inputPaths
    stages = whole.stages.filter { wanted.contains($0.name) }
    results = []
  }

  public subscript(name: String) -> StageNode? { stages.first { $0.name == name } }

  /// The kind of what flows out of `reference`; nil for an output that does not exist.
  public func kind(of reference: OutputReference) -> PortKind? {
    GraphCheck(stages: stages).kind(of: reference)
  }
}
