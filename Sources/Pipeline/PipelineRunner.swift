// Runs a pipeline: what is in the cache is taken from there, the rest is computed and kept.
internal import Digest
internal import WorkSharing

/// Runs the stages of a graph, each as soon as what feeds it is there.
///
/// At most `threads` stages are worked on at a time, on threads of the run. A stage that fails
/// stops only those below it. A stage is finished when its record is on the disk, and a run returns
/// when all its stages are finished; a run that is killed loses the stages it was working on.
public struct PipelineRunner: Sendable {
  public let graph: PipelineGraph
  public let cache: PipelineCache
  /// How many stages may run at once; no part of any key.
  public let threads: Int
  /// Recorded with each result; no part of any key.
  public let toolVersion: String
  let codecs: [String: any ValueCodec]
  let retained = RetainedValues()
  /// Occupies a thread for work that begins early, where one is free.
  var occupyEarlyThread: @Sendable () -> Bool = occupyFreeThread

  /// - Parameters:
  ///   - graph: The stages and their connections.
  ///   - codecs: One for each kind of value that flows in the graph.
  ///   - cache: Where finished stages are looked up and kept.
  ///   - toolVersion: Recorded with each result; no part of any key.
  ///   - threads: How many stages may run at once; no part of any key.
  public init(
    graph: PipelineGraph, codecs: [any ValueCodec], cache: PipelineCache, toolVersion: String,
    threads: Int = 1
  ) {
    self.graph = graph
    self.cache = cache
    self.threads = max(1, threads)
    self.toolVersion = toolVersion
    self.codecs = Dictionary(
      codecs.map { ($0.kind.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// What ``run(cancellation:pool:onEvent:)`` would do now. Reads files, runs nothing.
  public func plan() -> PipelinePlan { PipelinePlan(graph: graph, cache: cache) }

  /// Runs the pipeline. Never throws: failures are part of the report.
  ///
  /// - Parameters:
  ///   - cancellation: Ends the run between stages, and within those that check for it.
  ///   - pool: The threads, where several runs share them.
  ///   - onEvent: Called for one event at a time, from any thread; must not wait for the run.
  public func run(
    cancellation: RunCancellation = RunCancellation(), pool: WorkPool? = nil,
    onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) async -> RunReport {
    // Runs that share threads have somebody who does this for all of them.
    let sweeps = pool == nil
    let pool = pool ?? WorkPool(threads: threads)
    return await withTaskExecutorPreference(pool.threads) {
      await withTaskCancellationHandler {
        await runStages(cancellation, pool, EventSink(onEvent), sweeps: sweeps)
      } onCancel: {
        cancellation.cancel()
      }
    }
  }

  private func runStages(
    _ cancellation: RunCancellation, _ pool: WorkPool, _ sink: EventSink, sweeps: Bool
  ) async -> RunReport {
    if sweeps { cache.sweep() }
    let header = RunHeader(
      runID: Clock.randomName(), pipeline: graph.name, toolVersion: toolVersion,
      started: Clock.timestamp(), stages: graph.stages.map(\.name), results: graph.results)
    let stopwatch = Clock.stopwatch()
    sink.send(.runStarted(header))
    let early = EarlyWork(graph, cancellation, occupyThread: occupyEarlyThread) { stage, fraction in
      sink.send(.stageProgress(name: stage, fraction: fraction))
    }
    let plan = await pool.work(on: nil) { _ in planOfRun(early) }
    for input in plan.inputs { sink.send(.inputFound(input)) }
    for step in plan.steps { sink.send(.stagePlanned(step)) }
    let resources = resources(for: plan, header.runID, cancellation, sink, early)
    var progress = RunProgress(plan: plan, resources: resources)
    progress.concludePlanned()
    await work(&progress, pool)
    let stages = progress.stageReports
    early.end()
    Self.rememberLatest(stages, plan.lookup)
    let wasStopped = stages.contains { $0.outcome == .cancelled }
    let ending = RunEnding(
      ended: Clock.timestamp(), duration: Clock.stopwatch() - stopwatch,
      interruptedBySignal: wasStopped ? cancellation.signal : nil)
    sink.send(.runFinished(ending))
    // There is one: the header was the first event.
    return sink.report
      ?? RunReport(
        runID: header.runID, pipeline: header.pipeline, toolVersion: toolVersion,
        started: header.started, ended: ending.ended, duration: ending.duration, stages: stages,
        inputs: plan.inputs, results: graph.results)
  }

  /// What comes next of a job.
  private enum Turn: Sendable {
    case ended(JobTicket)
    /// It waited for another runner, and may look again.
    case ready(StageJob)
  }

  /// Seconds after which a job looks again whether another runner has done its work.
  private static let pause = 0.05

  /// Does what can be done until nothing is left. What another runner is computing is looked at again and
  /// again, and others have their turn meanwhile.
  private func work(_ progress: inout RunProgress, _ pool: WorkPool) async {
    await withTaskGroup(of: Turn.self) { group in
      var running = 0
      func begin(_ job: StageJob) {
        running += 1
        let ticket = JobTicket(job)
        group.addTask {
          await pool.work(on: ticket.key) { _ in ticket.perform() }
          return .ended(ticket)
        }
      }
      while true {
        while running < threads, let job = progress.nextJob() { begin(job) }
        switch await group.next() {
        case nil: return
        case .ready(let job): begin(job)
        case .ended(let ticket):
          running -= 1
          guard let outcome = ticket.takeOutcome() else { continue }
          guard case .elsewhere(let job) = outcome.result else {
            progress.absorb(outcome)
            continue
          }
          if running == 0 { pool.isIdle() }
          group.addTask {
            // A task that is canceled looks at once, and finds that it shall stop.
            try? await Task.sleep(for: .seconds(Self.pause))
            return .ready(job)
          }
        }
      }
    }
  }

  /// The plan; what it takes from the cache is marked as used.
  private func planOfRun(_ early: EarlyWork) -> PipelinePlan {
    let plan = PipelinePlan(graph: graph, cache: cache, early: early)
    early.keep(plan)
    for step in plan.steps {
      if case .hit = step.decision, let key = step.key { cache.actions.markUsed(key) }
    }
    return plan
  }

  func resources(
    for plan: PipelinePlan, _ runID: String, _ cancellation: RunCancellation, _ sink: EventSink,
    _ early: EarlyWork
  ) -> RunResources {
    RunResources(
      lookup: plan.lookup, codecs: codecs, inputFiles: Self.inputFiles(plan.inputs),
      watch: InputWatch(plan.lookup), early: early, retained: retained, sink: sink,
      cancellation: cancellation, runID: runID, toolVersion: toolVersion, threads: threads)
  }

  static func inputFiles(_ inputs: [InputReport]) -> InputFiles {
    InputFiles(
      inputs.compactMap { input in
        input.digest.map { InputFile(name: input.name, path: input.path, digest: $0.hex) }
      })
  }

  private static func rememberLatest(_ stages: [StageReport], _ lookup: StageLookup) {
    let keys = stages.filter(\.succeeded).compactMap { stage in
      stage.key.map { (stage.name, $0) }
    }
    lookup.cache.actions.setLatest(
      Dictionary(keys) { $1 }, pipeline: lookup.graph.name, inputs: lookup.inputDigests,
      stages: Set(stages.map(\.name)))
  }
}
