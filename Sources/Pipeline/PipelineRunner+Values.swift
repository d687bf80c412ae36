// The values of a finished run: from memory, from the cache, or formed again.
internal import Digest
internal import Glibc

extension PipelineRunner {
  /// The value at an output of a finished run.
  ///
  /// What this runner has just computed is still in memory, what was kept is read from the cache, and
  /// what was not kept is formed again from what feeds its stage; it then stays in memory until
  /// ``releaseValues()``.
  ///
  /// - Parameters:
  ///   - reference: An output of a stage that succeeded.
  ///   - report: The run's.
  /// - Throws: ``StageFailure``, where the stage left nothing or an object is damaged meanwhile. One that was believed
  ///   on its stamp and cannot be read is computed again, which ``lateNotes`` tells.
  public func value(
    of reference: OutputReference, in report: RunReport
  ) throws(StageFailure) -> any StageValue {
    guard let output = report[reference.stage]?.outputs[reference.port], codecs[output.kind] != nil
    else { throw StageFailure(.failed, "\(reference): there is no such result") }
    if let value = retained[output] { return value }
    let source = ValueSource(
      graph: graph, cache: cache, codecs: codecs, files: Self.inputFiles(report.inputs),
      outputs: Dictionary(
        report.stages.map { ($0.name, $0.outputs) }, uniquingKeysWith: { first, _ in first }),
      keys: Dictionary(
        report.stages.compactMap { stage in stage.key.map { (stage.name, $0) } },
        uniquingKeysWith: { first, _ in first }))
    var renewed: Set<String> = []
    while true {
      if let damage = source.damage(under: reference) { throw damage }
      do {
        let value = try source.value(of: reference)
        retained.keep(value, output)
        return value
      } catch let error as ValueSource.Unreadable {
        if case .objectUnreadable = error.reason { throw Self.failure(error) }
        if !renewed.insert(error.reference.stage).inserted { throw Self.failure(error) }
        try renew(error.reference, error.reason, runID: report.runID)
      } catch {
        throw (error as? StageFailure)
          ?? StageFailure(.failed, "\(reference): cannot be formed again: \(error)")
      }
    }
  }

  private static func failure(_ error: ValueSource.Unreadable) -> StageFailure {
    StageFailure(.failed, "\(error.reference): cannot be read: \(error.reason)")
  }

  /// What was found amiss with the cache since the run was over; the values are there all the same.
  public var lateNotes: [Note] { retained.notes }

  /// Microseconds after which a job looks again whether another runner has done its work.
  private static let pause: UInt32 = 50_000

  /// Computes a stage again on the thread that calls; what feeds it is in the cache, or computed too.
  private func renew(
    _ reference: OutputReference, _ reason: RunReason, runID: String
  ) throws(StageFailure) {
    let sink = EventSink { [retained] event in
      if case .cacheNoted(let note) = event { retained.add(note) }
    }
    let cancellation = RunCancellation()
    let plan = PipelinePlan(
      graph: PipelineGraph(of: reference.stage, in: graph), cache: cache)
    let early = EarlyWork(plan.graph, cancellation, occupyThread: { false }) { _, _ in }
    var progress = RunProgress(
      plan: plan, resources: resources(for: plan, runID, cancellation, sink, early))
    progress.concludePlanned()
    progress.reject(reference, reason)
    while let job = progress.nextJob() {
      var outcome = job.perform()
      while case .elsewhere(let job) = outcome.result {
        usleep(Self.pause)
        outcome = job.perform()
      }
      progress.absorb(outcome)
    }
    for report in progress.stageReports {
      if case .failed(let failure) = report.outcome { throw failure }
    }
  }

  /// Lets go of the values that are still in memory; they can be had again from the cache.
  public func releaseValues() { retained.empty() }
}
