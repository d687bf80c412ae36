// A type of stage: its ports, its parameters and the work it does. The engine knows nothing else of it.

/// What flows through a port, by name; two ports connect when their kinds are equal.
public struct PortKind: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let name: String
  public init(_ name: String) { self.name = name }
  public init(stringLiteral value: String) { name = value }
  public var description: String { name }
}

/// Where a stage takes a value.
public struct InputPort: Sendable {
  public let name: String
  /// Every kind that the stage can work on.
  public let kinds: [PortKind]
  public let isRequired: Bool
  /// The stage type that examples feed it from; nil: the simplest one that makes its first kind. It
  /// must not need this port's stage itself. An optional port that names one is fed in examples too.
  public let exampleSource: String?
  public let summary: String

  public init(
    _ name: String, kinds: [PortKind], isRequired: Bool = true, exampleSource: String? = nil,
    summary: String
  ) {
    self.name = name
    self.kinds = kinds
    self.isRequired = isRequired
    self.exampleSource = exampleSource
    self.summary = summary
  }
}

/// The kind of an output: its own, that of an input (a smoothed field stays a field), or the one
/// that a choice parameter decides.
public enum OutputKind: Sendable, Hashable {
  case fixed(PortKind)
  case sameAs(input: String)
  case chosen(byParameter: String, [String: PortKind])
}

/// Where a stage leaves a value.
public struct OutputPort: Sendable {
  public let name: String
  public let kind: OutputKind
  public let summary: String

  public init(_ name: String, kind: OutputKind, summary: String) {
    self.name = name
    self.kind = kind
    self.summary = summary
  }
}

/// A type of stage. Instances are stateless descriptions; one serves every stage that `uses` it.
///
/// The first input and the first output are the main ones: `from: stage` connects these.
public protocol StageType: Sendable {
  /// The name that a manifest `uses`.
  var name: String { get }
  /// One line: what it does.
  var summary: String { get }
  /// Raised whenever the same inputs and parameters give another result.
  var algorithmVersion: Int { get }
  var parameters: [ParameterSpecification] { get }
  var inputs: [InputPort] { get }
  var outputs: [OutputPort] { get }
  /// Whether the outputs are kept as objects in the cache. Not where the work takes no longer than
  /// reading its result back would: such a value is handed on in memory, stands in keys for the action
  /// that made it, and is formed again from what feeds the stage where it is wanted later. A stage that
  /// keeps nothing reads no file.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool
  /// Whether the stage may begin before the content of its input files is known. What it takes must be small (what
  /// files state, and how to read them), for it may be held twice, and it makes no files of its own.
  var mayBeginEarly: Bool { get }
  /// What is wrong with parameters that are right one by one, found before anything runs.
  ///
  /// - Parameter ports: The input ports that are connected.
  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem]
  /// Does the work. Called on a thread that it may block; may use further threads, must be deterministic.
  ///
  /// - Throws: ``StageFailure`` for what a user can mend; anything else is a defect.
  func run(_ context: StageContext) throws -> StageProduct
}

extension StageType {
  /// Work is kept unless a stage says otherwise.
  public func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { true }

  /// Few stages read files.
  public var mayBeginEarly: Bool { false }

  /// Parameters as they are where a manifest gives none.
  public var defaultParameters: [String: ParameterValue] {
    Dictionary(
      parameters.compactMap { parameter in parameter.defaultValue.map { (parameter.key, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// Most parameters do not depend on each other.
  public func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] { [] }
}

/// A parameter that does not go with the others, or with what is connected.
public struct ParameterProblem: Error, Sendable, Equatable {
  public var key: String
  public var message: String
  /// What to do.
  public var suggestion: String

  public init(_ key: String, _ message: String, suggestion: String) {
    self.key = key
    self.message = message
    self.suggestion = suggestion
  }
}

/// A value that flows between stages.
public protocol StageValue: Sendable {}

/// How values of one kind are stored as objects. Encoding is deterministic: equal values, equal bytes.
public protocol ValueCodec: Sendable {
  var kind: PortKind { get }
  /// Writes the value to a new file, from beginning to end.
  func encode(_ value: any StageValue, to file: ObjectFile) throws
  /// Reads a value back; `files` finds the inputs that a value refers to by digest.
  func decode(from path: String, files: InputFiles) throws -> any StageValue
}

/// What a stage leaves: a value for each output port, and what is worth saying.
public struct StageProduct: Sendable {
  public var outputs: [String: any StageValue]
  public var facts: [Fact]
  public var notes: [Note]

  public init(outputs: [String: any StageValue], facts: [Fact] = [], notes: [Note] = []) {
    self.outputs = outputs
    self.facts = facts
    self.notes = notes
  }
}

/// A headline number of a stage; kept with its record, so that a cached stage still tells it.
public struct Fact: Sendable, Equatable, Codable {
  /// Stable identifier, such as `wall_field`.
  public var key: String
  /// The whole statement for a person, number, error and unit included.
  public var text: String
  /// SI unless `unit` says otherwise.
  public var value: Double?
  public var error: Double?
  public var unit: String?

  public init(
    _ key: String, text: String, value: Double? = nil, error: Double? = nil, unit: String? = nil
  ) {
    self.key = key
    self.text = text
    self.value = value
    self.error = error
    self.unit = unit
  }
}

/// A remark of a stage: what it assumed, or what a reader must beware of.
public struct Note: Sendable, Equatable, Codable {
  public enum Kind: String, Sendable, Codable { case information, assumption, warning }
  public var kind: Kind
  public var text: String

  public init(_ kind: Kind, _ text: String) {
    self.kind = kind
    self.text = text
  }
}

/// A failure that the user can understand and mend.
public struct StageFailure: Error, Sendable, Equatable, Codable {
  /// Decides the exit code of the command.
  public enum Category: String, Sendable, Codable {
    /// The file lacks what the stage needs (a thickness, a rotation).
    case missingPrerequisite = "missing-prerequisite"
    /// An input cannot be read, or is not what it claims to be.
    case inputRefused = "input-refused"
    /// Disk full, no permission, out of memory.
    case machine
    /// The work itself cannot succeed on these data.
    case failed
    case interrupted
  }
  public var category: Category
  /// One line: what failed, on what, why.
  public var message: String
  /// One line: what to do about it.
  public var remedy: String?
  /// Further lines for `--verbose`.
  public var details: [String]

  public init(
    _ category: Category, _ message: String, remedy: String? = nil, details: [String] = []
  ) {
    self.category = category
    self.message = message
    self.remedy = remedy
    self.details = details
  }
}

/// Every stage type that a manifest may use, by name.
public struct StageCatalog: Sendable {
  public let types: [any StageType]
  private let byName: [String: any StageType]

  public init(_ types: [any StageType]) {
    self.types = types
    byName = Dictionary(types.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public subscript(name: String) -> (any StageType)? { byName[name] }
  public var names: [String] { types.map(\.name) }
}
