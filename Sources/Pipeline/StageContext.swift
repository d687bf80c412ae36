// What a running stage sees: its parameters, its inputs, its files, and a way to report progress.

/// What a stage sees of the run. Parameters and ports were checked when the graph was made.
///
/// A parameter that is required or has a default, with no keyword in place of its value, always has one:
/// ``value(_:as:)`` and `choice` read it. What may be left out, or be a keyword, is read by the
/// accessors that return nil then.
public struct StageContext: Sendable {
  public let stageName: String
  private let parameters: [String: ParameterValue]
  private let inputs: StageInputs
  private let fileParameters: [String: InputFile]
  private let reportProgress: @Sendable (Double) -> Void
  private let isCancelled: @Sendable () -> Bool
  private let makeScratchFolder: @Sendable () throws -> String

  public init(
    stageName: String, parameters: [String: ParameterValue], inputs: [String: any StageValue],
    fileParameters: [String: InputFile] = [:],
    reportProgress: @escaping @Sendable (Double) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.init(
      stageName: stageName, parameters: parameters, inputs: StageInputs(inputs),
      fileParameters: fileParameters, reportProgress: reportProgress, isCancelled: isCancelled,
      makeScratchFolder: {
        throw StageFailure(.machine, "there is no place for files of a stage's own")
      })
  }

  init(
    stageName: String, parameters: [String: ParameterValue], inputs: StageInputs,
    fileParameters: [String: InputFile],
    reportProgress: @escaping @Sendable (Double) -> Void,
    isCancelled: @escaping @Sendable () -> Bool,
    makeScratchFolder: @escaping @Sendable () throws -> String
  ) {
    self.stageName = stageName
    self.parameters = parameters
    self.inputs = inputs
    self.fileParameters = fileParameters
    self.reportProgress = reportProgress
    self.isCancelled = isCancelled
    self.makeScratchFolder = makeScratchFolder
  }

  /// The value of a parameter that always has one.
  ///
  /// - Throws: ``UndeclaredParameter`` where the stage type declares no such parameter: a defect of the stage.
  public func value<Value: ReadableParameter>(
    _ key: String, as type: Value.Type = Value.self
  ) throws(UndeclaredParameter) -> Value {
    guard let value = parameters[key].flatMap(Value.init(parameter:)) else {
      throw UndeclaredParameter(key: key, expected: "\(type)")
    }
    return value
  }

  /// The case that a choice names.
  ///
  /// - Throws: ``UndeclaredParameter`` where the stage type declares no such choice, or has a word in it that
  ///   names no case: a defect of the stage.
  public func choice<Choice: RawRepresentable<String>>(
    _ key: String, as type: Choice.Type = Choice.self
  ) throws(UndeclaredParameter) -> Choice {
    guard let choice = word(key).flatMap(Choice.init(rawValue:)) else {
      throw UndeclaredParameter(key: key, expected: "\(type)")
    }
    return choice
  }

  /// The number given for `key`; nil where a keyword or nothing stands there.
  public func number(_ key: String) -> Double? {
    parameters[key].flatMap(Double.init(parameter:))
  }

  /// The numbers listed for `key`; nil where a keyword or nothing stands there.
  public func numbers(_ key: String) -> [Double]? {
    parameters[key]?.numbers
  }

  /// The word given for `key`: a choice, a text or a keyword.
  public func word(_ key: String) -> String? {
    parameters[key].flatMap(String.init(parameter:))
  }

  /// The words listed for `key`; one word alone, or a keyword, is a list.
  public func words(_ key: String) -> [String] {
    guard case .list(let values) = parameters[key] else { return word(key).map { [$0] } ?? [] }
    return values.compactMap { if case .text(let word) = $0 { word } else { nil } }
  }

  /// The file that parameter `key` names.
  public func file(_ key: String) -> InputFile? { fileParameters[key] }

  /// The value at an input port, nil where an optional port is not connected.
  public func input(_ port: String) -> (any StageValue)? { inputs[port] }

  /// The value at a required input port.
  public func input<Value: StageValue>(_ port: String, as type: Value.Type) throws -> Value {
    try cast(inputs[port], port)
  }

  /// The value at a required input port, for the stage to change: where no other stage wants it, this is
  /// the only copy, and its arrays can be written in place. The port is empty afterwards.
  public func take<Value: StageValue>(_ port: String, as type: Value.Type) throws -> Value {
    try cast(inputs.take(port), port)
  }

  private func cast<Value>(_ value: (any StageValue)?, _ port: String) throws -> Value {
    guard let value = value as? Value else {
      throw StageFailure(.failed, "stage \(stageName): port \(port) carries no \(Value.self)")
    }
    return value
  }

  /// Tells how much is done, 0...1.
  public func progress(_ fraction: Double) { reportProgress(fraction) }

  /// A folder for files of the stage's own, removed when its work is done.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where it cannot be made.
  public func scratchFolder() throws -> String { try makeScratchFolder() }

  /// Whether the user has asked to stop.
  public var isInterrupted: Bool { isCancelled() }

  /// - Throws: ``StageFailure`` of category `interrupted` once the user has asked to stop.
  public func checkCancellation() throws {
    if isCancelled() { throw StageFailure(.interrupted, "stage \(stageName): interrupted") }
  }
}
