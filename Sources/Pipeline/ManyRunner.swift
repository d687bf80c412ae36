// Runs many pipelines over one cache: some at a time, failures kept apart.
internal import Synchronization

/// A step in the course of many runs.
public enum ManyEvent: Sendable {
  /// Its stages are the instances' keys.
  case started(RunHeader)
  case instanceStarted(key: String)
  /// An event of the instance's own run.
  case instance(key: String, RunEvent)
  case instanceFinished(InstanceReport)
  case finished(ManyReport)
}

/// Many runs from beginning to end.
public struct ManyReport: Sendable, Equatable, Codable {
  public var runID: String
  public var pipeline: String
  public var toolVersion: String
  /// ISO 8601, UTC.
  public var started: String
  public var ended: String
  /// Seconds.
  public var duration: Double
  /// In the manifest's order.
  public var instances: [InstanceReport]
  public var interruptedBySignal: Int32?

  public func count(_ outcome: InstanceReport.Outcome) -> Int {
    instances.count { $0.outcome == outcome }
  }

  /// 0 all done, 3 partial, 5 the machine failed; where nothing was produced 4 if an input was
  /// refused, else 1; 128 + signal interrupted.
  public var exitCode: Int32 {
    if let interruptedBySignal { return 128 + interruptedBySignal }
    if instances.allSatisfy({ $0.outcome == .done }) { return 0 }
    let codes = Set(instances.filter { $0.outcome != .skipped }.map(\.exitCode))
    if codes.contains(5) { return 5 }
    if codes.contains(0) || codes.contains(3) { return 3 }
    return codes.contains(4) ? 4 : 1
  }
}

/// Runs pipelines that differ in their inputs or parameters.
public struct ManyRunner: Sendable {
  private let pipeline: String
  private let toolVersion: String
  private let runners: [(key: String, runner: PipelineRunner)]
  private let threads: Int
  private let maxFailures: Int?

  /// - Parameters:
  ///   - pipeline: What all of them are called.
  ///   - toolVersion: Recorded with the whole.
  ///   - runners: Each by its key.
  ///   - threads: How many stages may run at once, over all of them.
  ///   - maxFailures: After so many instances have failed no other is begun; nil: all are.
  public init(
    pipeline: String, toolVersion: String, runners: [(key: String, runner: PipelineRunner)],
    threads: Int, maxFailures: Int? = nil
  ) {
    self.pipeline = pipeline
    self.toolVersion = toolVersion
    self.runners = runners
    self.threads = max(1, threads)
    self.maxFailures = maxFailures
  }

  /// Delivers events one at a time and counts failures.
  private final class Course: Sendable {
    private let failures = Mutex(0)
    private let handler: @Sendable (ManyEvent) -> Void

    init(_ handler: @escaping @Sendable (ManyEvent) -> Void) { self.handler = handler }

    func send(_ event: ManyEvent) {
      failures.withLock { failures in
        if case .instanceFinished(let report) = event,
          report.outcome == .failed || report.outcome == .partial
        {
          failures += 1
        }
        handler(event)
      }
    }

    func hasFailed(_ count: Int?) -> Bool {
      guard let count else { return false }
      return failures.withLock { $0 >= count }
    }
  }

  /// Runs all of them, each failure stopping only what depends on it.
  ///
  /// - Parameters:
  ///   - cancellation: Ends what is under way as it ends a single run, and begins nothing more.
  ///   - onEvent: Called for one event at a time, from any thread; must not wait for the run.
  ///   - begin: Sees to it that an instance can be written, and where its log is to stand meanwhile; what it
  ///     throws is the end of the instance. Called for several at once; may wait.
  ///   - finish: Writes what an instance left; called for several at once; may wait. Says, once at
  ///     most, when it only waits for the disk, so that another has its thread.
  public func run(
    cancellation: RunCancellation, onEvent: @escaping @Sendable (ManyEvent) -> Void,
    begin: @escaping Beginning = { _ in nil }, finish: @escaping Finishing
  ) async -> ManyReport {
    let stopwatch = Clock.stopwatch()
    let course = Course(onEvent)
    let (turns, turn) = AsyncStream.makeStream(of: Turn.self)
    let pool = WorkPool(threads: threads) { turn.yield(.idle) }
    let header = RunHeader(
      runID: Clock.randomName(), pipeline: pipeline, toolVersion: toolVersion,
      started: Clock.timestamp(), stages: runners.map(\.key), results: [])
    course.send(.started(header))
    let reports = await withTaskExecutorPreference(pool.threads) {
      runners.first?.runner.cache.sweep()
      return await beginAll(turns, cancellation, course) { index in
        let report = await runOne(index, pool, cancellation, course, begin, finish) {
          turn.yield(.resting(index))
        }
        turn.yield(.finished(index, report))
      }
    }
    let instances = zip(runners, reports).map { $1 ?? InstanceReport(skipped: $0.key) }
    let wasStopped = cancellation.isCancelled && instances.contains { $0.outcome != .done }
    let report = ManyReport(
      runID: header.runID, pipeline: pipeline, toolVersion: toolVersion,
      started: header.started, ended: Clock.timestamp(), duration: Clock.stopwatch() - stopwatch,
      instances: instances, interruptedBySignal: wasStopped ? cancellation.signal : nil)
    course.send(.finished(report))
    return report
  }

  /// Begins one instance after the other, as room is.
  ///
  /// - Parameters:
  ///   - turns: What the instances that are under way have to say.
  ///   - runOne: Runs an instance, until it has said that it is finished.
  /// - Returns: nil for each that was not begun.
  private func beginAll(
    _ turns: AsyncStream<Turn>, _ cancellation: RunCancellation, _ course: Course,
    _ runOne: @escaping @Sendable (_ index: Int) async -> Void
  ) async -> [InstanceReport?] {
    var reports = [InstanceReport?](repeating: nil, count: runners.count)
    await withTaskGroup(of: Void.self) { group in
      var next = 0
      var open = 0
      var resting: Set<Int> = []
      func startNext() {
        guard next < runners.count, !cancellation.isCancelled, !course.hasFailed(maxFailures)
        else { return }
        let index = next
        next += 1
        open += 1
        group.addTask { await runOne(index) }
      }
      // One more than there are threads: while one instance is written, another has work.
      for _ in 0...threads { startNext() }
      if open == 0 { return }
      for await event in turns {
        switch event {
        case .finished(let index, let report):
          reports[index] = report
          open -= 1
          resting.remove(index)
          if open - resting.count <= threads { startNext() }
        case .resting(let index):
          if resting.count < Self.waiting { resting.insert(index) }
          if open - resting.count <= threads { startNext() }
        case .idle:
          if open <= threads + Self.waiting { startNext() }
        }
        if open == 0 { return }
      }
    }
    return reports
  }

  /// What the instances that are under way have to say.
  private enum Turn: Sendable {
    case finished(Int, InstanceReport)
    /// One of them only waits for the disk to have what it left.
    case resting(Int)
    /// One of them waits for another runner on the same cache.
    case idle
  }

  /// So many more instances may be under way while others wait for another runner, or for the disk.
  private static let waiting = 16

  public typealias Beginning = @Sendable (_ index: Int) throws(StageFailure) -> EventLogFile?
  public typealias Finishing =
    @Sendable (_ index: Int, _ run: RunReport, _ log: EventLog, _ rests: () -> Void)
    -> InstanceReport

  private func runOne(
    _ index: Int, _ pool: WorkPool, _ cancellation: RunCancellation, _ course: Course,
    _ begin: @escaping Beginning, _ finish: @escaping Finishing,
    _ rests: @escaping @Sendable () -> Void
  ) async -> InstanceReport {
    let (key, runner) = runners[index]
    course.send(.instanceStarted(key: key))
    let logFile = await pool.work(on: nil) { _ in
      Result { () throws(StageFailure) in try begin(index) }
    }
    let log: Mutex<EventLog>
    switch logFile {
    case .success(let logFile): log = Mutex(EventLog(logFile: logFile))
    case .failure(let failure):
      let report = InstanceReport(key: key, refused: failure)
      course.send(.instanceFinished(report))
      return report
    }
    let run = await runner.run(cancellation: cancellation, pool: pool) { event in
      log.withLock { $0.append(event) }
      course.send(.instance(key: key, event))
    }
    let report = await pool.work(on: nil) { leaveThread in
      finish(index, run, log.withLock { $0 }) {
        leaveThread()
        rests()
      }
    }
    course.send(.instanceFinished(report))
    return report
  }
}
