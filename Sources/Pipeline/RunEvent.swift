// What a run tells while it goes on, and how it is told to stop.
internal import Synchronization

/// A step in the course of a run.
public enum RunEvent: Sendable {
  /// The number of stages.
  case runStarted(total: Int)
  case stagePlanned(PlanStep)
  case stageStarted(name: String)
  /// How much of the stage is done, 0...1.
  case stageProgress(name: String, fraction: Double)
  /// A stage whose cached result proves unusable later is finished twice.
  case stageFinished(StageReport)
  case runFinished(RunReport)
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
  /// nil unless cancelled.
  public var signal: Int32? {
    let signal = request.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }
}

/// Delivers events one at a time.
final class EventSink: Sendable {
  private let turn = Mutex(())
  private let handler: @Sendable (RunEvent) -> Void

  init(_ handler: @escaping @Sendable (RunEvent) -> Void) { self.handler = handler }

  func send(_ event: RunEvent) { turn.withLock { _ in handler(event) } }
}
