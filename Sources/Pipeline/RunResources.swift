// What the stages of a run share, and what comes of the work on one.
internal import Digest
internal import Synchronization

/// What all stages of a run share.
struct RunResources: Sendable {
  let lookup: StageLookup
  /// By the name of the kind.
  let codecs: [String: any ValueCodec]
  let inputFiles: InputFiles
  let watch: InputWatch
  let early: EarlyWork
  let retained: RetainedValues
  let sink: EventSink
  let cancellation: RunCancellation
  let runID: String
  let toolVersion: String
  /// How many stages the run may do at once.
  let threads: Int

  var cache: PipelineCache { lookup.cache }

  /// Where values come from that are not in memory, all objects having been found intact.
  func source(_ outputs: [String: [String: OutputRecord]]) -> ValueSource {
    ValueSource(
      graph: lookup.graph, cache: cache, codecs: codecs, files: inputFiles, outputs: outputs)
  }
}

/// How a job ended.
struct JobOutcome: Sendable {
  enum Result: Sendable {
    case hit(ActionRecord)
    case ran(ActionRecord, values: [String: any StageValue])
    /// An object on the way to an input, believed to be intact, cannot be read as a value.
    case unreadable(OutputReference, RunReason)
    case failed(StageFailure)
    /// Another runner is computing just this: look again in a moment.
    case elsewhere(StageJob)
  }

  var stage: String
  var key: ActionKey
  var result: Result
  var reasons: [RunReason]
  /// Values read from the cache on the way; another stage may want them.
  var decoded: [OutputReference: any StageValue] = [:]
  var started: String?
  var duration: Double?
}

/// A job on its way through tasks and threads, and then its outcome. Neither stays in memory for as long as a thread
/// takes to leave its work: whoever takes it has it alone.
final class JobTicket: Sendable {
  private let state: Mutex<(job: StageJob?, outcome: JobOutcome?)>
  let key: ActionKey

  init(_ job: StageJob) {
    state = Mutex((job, nil))
    key = job.key
  }

  /// Does the job.
  func perform() {
    let job = state.withLock { state in
      defer { state.job = nil }
      return state.job
    }
    let outcome = job?.perform()
    state.withLock { $0.outcome = outcome }
  }

  /// The outcome, once.
  func takeOutcome() -> JobOutcome? {
    state.withLock { state in
      defer { state.outcome = nil }
      return state.outcome
    }
  }
}
