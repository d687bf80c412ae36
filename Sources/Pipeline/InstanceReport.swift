// How one of many runs ended: its outcome, its failures, and what it left.

/// How one of many runs ended.
public struct InstanceReport: Sendable, Equatable, Codable {
  public enum Outcome: String, Sendable, Codable {
    /// Everything is there.
    case done
    /// Some stages failed, but a result is there.
    case partial
    case failed
    /// Stopped by a signal.
    case interrupted
    /// Not begun: by then enough others had failed, or someone asked to stop.
    case skipped
  }

  public struct Failure: Sendable, Equatable, Codable {
    /// nil where what the stages left could not be written.
    public var stage: String?
    public var failure: StageFailure

    public init(stage: String?, failure: StageFailure) {
      self.stage = stage
      self.failure = failure
    }
  }

  public var key: String
  public var outcome: Outcome
  /// As if it had been run alone.
  public var exitCode: Int32
  public var failures: [Failure] = []
  /// nil for one that was not begun, or had no folder to write to.
  public var run: RunReport?
  /// What it left, paths relative to the output folder of all.
  public var outputs: [PublishedFile] = []

  public init(skipped key: String) {
    self.key = key
    outcome = .skipped
    exitCode = 0
  }

  /// One that was not run, since nothing of it could be written.
  init(key: String, refused failure: StageFailure) {
    self.key = key
    outcome = .failed
    exitCode = failure.category == .machine ? 5 : 1
    failures = [Failure(stage: nil, failure: failure)]
  }

  /// - Parameters:
  ///   - key: What the instance is called.
  ///   - run: What its stages did.
  ///   - outputs: What it left, paths relative to the output folder of all.
  ///   - trouble: Why what the stages left could not be written.
  public init(key: String, run: RunReport, outputs: [PublishedFile], trouble: StageFailure?) {
    self.key = key
    self.run = run
    self.outputs = outputs
    failures = run.failures.map { Failure(stage: $0.stage, failure: $0.failure) }
    if let trouble { failures.append(Failure(stage: nil, failure: trouble)) }
    exitCode = run.exitCode
    if let trouble, run.interruptedBySignal == nil {
      exitCode = trouble.category == .machine ? 5 : 1
    }
    switch exitCode {
    case 0: outcome = .done
    case 3: outcome = .partial
    default: outcome = run.interruptedBySignal == nil ? .failed : .interrupted
    }
  }
}
