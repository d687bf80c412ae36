// Many runs as one: their log and their report have the form of a run whose stages are the instances.

/// The events of many runs as a log and a report of one.
public struct ManyLog: Sendable {
  public private(set) var log: EventLog
  private var history = RunHistory()
  private let pipeline: String
  /// What sets each instance apart, by its key.
  private let parameters: [String: [String: ResolvedParameter]]

  /// - Parameters:
  ///   - pipeline: What all of them are called.
  ///   - parameters: What sets each instance apart, by its key; inputs excepted.
  ///   - logFile: Where each line is written on the disk at once, once a stage of any of them was begun.
  public init(
    pipeline: String, parameters: [String: [String: ResolvedParameter]],
    logFile: EventLogFile? = nil
  ) {
    log = EventLog(logFile: logFile, isOfMany: true)
    self.pipeline = pipeline
    self.parameters = parameters
  }

  /// nil before the first event.
  public var report: RunReport? { history.report }

  /// Takes in the next event; those within an instance stand in its own log.
  public mutating func absorb(_ event: ManyEvent) {
    switch event {
    case .started(let header): take(.runStarted(header))
    case .instanceStarted(let key): take(.stageStarted(name: key))
    case .instance(_, .stageStarted): log.beginFile()
    case .instance: break
    case .instanceFinished(let report):
      for input in report.run?.inputs ?? [] { take(.inputFound(named(input, of: report.key))) }
      take(.stageFinished(stage(report)))
    case .finished(let report):
      for instance in report.instances where instance.outcome == .skipped {
        take(.stageFinished(stage(instance)))
      }
      take(
        .runFinished(
          RunEnding(
            ended: report.ended, duration: report.duration,
            interruptedBySignal: report.interruptedBySignal)))
    }
  }

  private mutating func take(_ event: RunEvent) {
    log.append(event)
    history.absorb(event)
  }

  private func named(_ input: InputReport, of key: String) -> InputReport {
    var input = input
    input.name = "\(key)/\(input.name)"
    return input
  }

  private func stage(_ report: InstanceReport) -> StageReport {
    let outcome: StageOutcome
    switch report.outcome {
    case .done: outcome = .ran
    case .interrupted, .skipped: outcome = .cancelled
    case .partial, .failed:
      outcome = .failed(
        report.failures.first.map(\.failure) ?? StageFailure(.failed, "it left nothing"))
    }
    let names = (report.run?.inputs ?? []).map(\.name)
    return StageReport(
      instance: report.key, of: pipeline, outcome: outcome,
      parameters: parameters[report.key] ?? [:],
      files: Dictionary(uniqueKeysWithValues: names.map { ($0, "\(report.key)/\($0)") }),
      started: report.run?.started, duration: report.run?.duration)
  }
}
