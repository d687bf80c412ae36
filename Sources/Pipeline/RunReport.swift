// What a run did: everything that provenance and the exit code need.

/// How a stage ended.
public enum StageOutcome: Sendable, Equatable, Codable {
  /// Taken from the cache: the run that computed it, and when (ISO 8601, UTC).
  case hit(computedByRunID: String, at: String)
  case ran
  case failed(StageFailure)
  /// Not run, because these stages failed.
  case blocked(by: [String])
  case cancelled
}

/// One stage of a run.
public struct StageReport: Sendable, Equatable, Codable {
  public var name: String
  /// The stage type's name.
  public var type: String
  public var algorithmVersion: Int
  public var outcome: StageOutcome
  /// Why it was not taken from the cache; empty for a hit.
  public var reasons: [String] = []
  /// nil where it was never known, since a stage upstream failed.
  public var key: ActionKey?
  public var preimage: ActionPreimage?
  /// By output port; empty unless it succeeded.
  public var outputs: [String: OutputRecord] = [:]
  /// With their origin.
  public var parameters: [String: ResolvedParameter]
  /// Parameter key to input name.
  public var fileParameters: [String: String]
  /// Input port to what feeds it.
  public var inputs: [String: OutputReference]
  public var facts: [Fact] = []
  public var notes: [Note] = []
  /// ISO 8601, UTC; of the run that computed it, nil where nothing ran.
  public var started: String?
  /// Seconds that the work took, in the run that did it.
  public var duration: Double?

  /// ISO 8601, UTC: when that work was over; nil where nothing ran.
  public var ended: String? {
    guard let started, let duration, let start = Clock.nanoseconds(of: started),
      let length = Int(exactly: (duration * 1e9).rounded())
    else { return nil }
    let (end, overflow) = start.addingReportingOverflow(length)
    return overflow ? nil : Clock.timestamp(end)
  }

  /// A report of what the node asked for, without anything that it left.
  public init(_ node: StageNode, outcome: StageOutcome) {
    name = node.name
    type = node.type.name
    algorithmVersion = node.type.algorithmVersion
    self.outcome = outcome
    parameters = node.parameters
    fileParameters = node.fileParameters
    inputs = node.inputs
  }

  /// A whole run as a stage of the run of many.
  init(
    instance key: String, of pipeline: String, outcome: StageOutcome,
    parameters: [String: ResolvedParameter], files: [String: String], started: String?,
    duration: Double?
  ) {
    name = key
    type = pipeline
    algorithmVersion = 1
    self.outcome = outcome
    self.parameters = parameters
    fileParameters = files
    inputs = [:]
    self.started = started
    self.duration = duration
  }

  /// Adds what the stage left when it was computed.
  mutating func fill(from record: ActionRecord) {
    preimage = record.preimage
    outputs = record.outputs
    facts = record.facts
    notes = record.notes
    started = record.started
    duration = record.duration
  }

  /// Whether its outputs are there.
  public var succeeded: Bool {
    switch outcome {
    case .hit, .ran: return true
    case .failed, .blocked, .cancelled: return false
    }
  }

  public var failure: StageFailure? {
    if case .failed(let failure) = outcome { failure } else { nil }
  }
}

/// A run from beginning to end.
public struct RunReport: Sendable, Equatable, Codable {
  /// Random; names the run in provenance and decides nothing.
  public var runID: String
  public var pipeline: String
  public var toolVersion: String
  /// ISO 8601, UTC.
  public var started: String
  public var ended: String
  /// Seconds.
  public var duration: Double
  /// In the graph's order.
  public var stages: [StageReport]
  public var inputs: [InputReport]
  /// The stages asked for as results.
  public var results: [String]
  /// What was found amiss with the cache; the run went on without.
  public var cacheNotes: [Note]
  /// The signal that ended the run early.
  public var interruptedBySignal: Int32?

  public init(
    runID: String, pipeline: String, toolVersion: String, started: String, ended: String,
    duration: Double, stages: [StageReport], inputs: [InputReport], results: [String],
    cacheNotes: [Note] = [], interruptedBySignal: Int32? = nil
  ) {
    self.runID = runID
    self.pipeline = pipeline
    self.toolVersion = toolVersion
    self.started = started
    self.ended = ended
    self.duration = duration
    self.stages = stages
    self.inputs = inputs
    self.results = results
    self.cacheNotes = cacheNotes
    self.interruptedBySignal = interruptedBySignal
  }

  public subscript(stage: String) -> StageReport? { stages.first { $0.name == stage } }

  public var ranCount: Int { stages.count { $0.outcome == .ran } }
  public var hitCount: Int { stages.count { $0.succeeded && $0.outcome != .ran } }

  /// Whether every stage was taken from the cache, and nothing was amiss there.
  public var foundEverything: Bool { hitCount == stages.count && cacheNotes.isEmpty }

  /// Every failure with the stage it happened in.
  public var failures: [(stage: String, failure: StageFailure)] {
    stages.compactMap { stage in stage.failure.map { (stage.name, $0) } }
  }

  /// The listed results that are there; every stage counts as listed where none is.
  public var producedResults: [String] {
    let wanted = results.isEmpty ? stages.map(\.name) : results
    return wanted.filter { self[$0]?.succeeded ?? false }
  }

  /// 0 all done, 1 nothing produced, 3 partial, 4 input refused and nothing produced, 5 the machine
  /// failed, 128 + signal interrupted.
  public var exitCode: Int32 {
    if let interruptedBySignal { return 128 + interruptedBySignal }
    if stages.allSatisfy(\.succeeded) { return 0 }
    let categories = Set(failures.map(\.failure.category))
    if categories.contains(.machine) { return 5 }
    if !producedResults.isEmpty { return 3 }
    return categories.contains(.inputRefused) ? 4 : 1
  }
}
