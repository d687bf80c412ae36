// What a run tells while it goes on, and how it is told to stop.
internal import Synchronization

/// What is known of a run before its first stage.
public struct RunHeader: Sendable, Equatable, Codable {
  /// Random; names the run in provenance and decides nothing.
  public var runID: String
  public var pipeline: String
  public var toolVersion: String
  /// ISO 8601, UTC.
  public var started: String
  /// In the graph's order.
  public var stages: [String]
  /// The stages asked for as results.
  public var results: [String]
}

/// A step in the course of a run. Everything that is told of a run, while it goes on and afterwards,
/// is formed from these: see ``RunHistory``.
public enum RunEvent: Sendable {
  case runStarted(RunHeader)
  case inputFound(InputReport)
  case stagePlanned(PlanStep)
  case stageStarted(name: String)
  /// How much of the stage is done, 0...1.
  case stageProgress(name: String, fraction: Double)
  /// A stage whose cached result proves unusable later is finished twice.
  case stageFinished(StageReport)
  /// Something is amiss with the cache; the run goes on without.
  case cacheNoted(Note)
  case runFinished(RunEnding)
}

/// How and when a run ended.
public struct RunEnding: Sendable, Equatable, Codable {
  /// ISO 8601, UTC.
  public var ended: String
  /// Seconds.
  public var duration: Double
  /// The signal that ended the run early.
  public var interruptedBySignal: Int32?
}

/// A request to stop a run; may be made from any thread, and from a signal handler.
public final class RunCancellation: Sendable {
  /// The signal that asked, 0 before anything did.
  private let request = Atomic<Int32>(0)

  public init() {}

  /// Asks running stages to stop and keeps further ones from starting.
  ///
  /// - Parameter signal: The signal that is passed on, SIGINT (2) by default; 128 + `signal` is the exit code.
  public func cancel(signal: Int32 = 2) {
    request.store(signal, ordering: .relaxed)
  }

  public var isCancelled: Bool { request.load(ordering: .relaxed) != 0 }
  /// nil unless canceled.
  public var signal: Int32? {
    let signal = request.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }
}

/// Delivers events one at a time, and keeps the history that they make.
final class EventSink: Sendable {
  private let history = Mutex(RunHistory())
  private let handler: @Sendable (RunEvent) -> Void

  init(_ handler: @escaping @Sendable (RunEvent) -> Void) { self.handler = handler }

  func send(_ event: RunEvent) {
    history.withLock { history in
      history.absorb(event)
      handler(event)
    }
  }

  /// What the events tell so far; nil before the first.
  var report: RunReport? { history.withLock { $0.report } }
}
