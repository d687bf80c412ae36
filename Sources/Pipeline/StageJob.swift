// One stage's turn: look it up, wait for whoever computes it, or do its work and record it.

/// The work of one stage, done on the thread that calls, which it keeps until its end.
struct StageJob: Sendable {
  let node: StageNode
  let preimage: ActionPreimage
  let key: ActionKey
  /// Why it runs; nil: it has to be looked up first.
  let reasons: [RunReason]?
  let source: ValueSource
  /// Values of its sources that are in memory; the stage may take them.
  let inputs: StageInputs
  /// Output port to kind.
  let outputKinds: [String: String]
  /// Every input file that it depends on, through whatever stages.
  let inputNames: Set<String>
  let resources: RunResources
  /// Of another runner that computes just this; nil before one was met.
  var leaseWatch: LeaseWatch?

  var isKept: Bool { node.type.keepsOutputs(with: preimage.parameters) }

  func perform() -> JobOutcome {
    var outcome = JobOutcome(
      stage: node.name, key: key, result: .failed(StageFailure(.interrupted, "interrupted")),
      reasons: reasons ?? [])
    // It may have waited for its turn while someone asked to stop.
    if resources.cancellation.isCancelled { return outcome }
    if leaseWatch == nil {
      resources.sink.send(.stageStarted(name: node.name))
    } else {
      resources.cache.actions.refresh(key)
    }
    if let record = lookUp(&outcome.reasons) {
      resources.early.giveUp(node.name)
      outcome.result = .hit(record)
      return outcome
    }
    switch turn() {
    case .theirs(let job): outcome.result = .elsewhere(job)
    case .mine(let lease):
      defer { lease?.giveBack() }
      if lease != nil, let record = finishedMeanwhile(&outcome.reasons) {
        outcome.result = .hit(record)
      } else {
        compute(&outcome, lease)
      }
    }
    return outcome
  }

  private enum Turn {
    case mine(Lease?)
    /// Another runner's; the job is the one to ask again.
    case theirs(StageJob)
  }

  private func turn() -> Turn {
    // Work that is done again wherever it is wanted is not worth waiting for.
    if !isKept { return .mine(nil) }
    let leases = resources.cache.leases
    var job = self
    if var watch = leaseWatch {
      switch watch.look(patience: leases.patience) {
      case .held:
        job.leaseWatch = watch
        return .theirs(job)
      case .free: break
      case .stuck: return .mine(nil)
      }
    }
    if let lease = leases.take(key) { return .mine(lease) }
    var watch = LeaseWatch(leases.path(of: key))
    // What is void and cannot be taken away keeps nobody from working.
    if watch.look(patience: leases.patience) == .stuck { return .mine(nil) }
    job.leaseWatch = watch
    return .theirs(job)
  }

  /// The record of what was computed meanwhile; nil where there is none, or it may not be used.
  private func lookUp(_ found: inout [RunReason]) -> ActionRecord? {
    // What the plan found unusable stays so until it is computed again.
    if reasons != nil { return nil }
    switch resources.lookup.answer(for: node, preimage: preimage, key: key) {
    case .hit(let record):
      resources.cache.actions.markUsed(key)
      return record
    case .miss(let reasons):
      found = reasons
      return nil
    }
  }

  /// It may have been finished, and its lease given back, between the look and the lease.
  private func finishedMeanwhile(_ found: inout [RunReason]) -> ActionRecord? {
    resources.cache.actions.refresh(key)
    guard case .found = resources.cache.actions.record(of: key) else { return nil }
    return lookUp(&found)
  }

  private func compute(_ outcome: inout JobOutcome, _ lease: Lease?) {
    let stopwatch = Clock.stopwatch()
    outcome.started = Clock.timestamp()
    do {
      // A lease that others know of was just written. Work that is not kept is over before it would matter.
      if isKept && lease?.isKnown != true {
        try mapped { try resources.cache.objects.checkWritable() }
      }
      var log = StageLog(
        reasons: outcome.reasons.map(\.description), host: Machine.hostName,
        processors: Machine.processorCount, threads: resources.threads, gathering: 0, keeping: 0,
        attempts: 0)
      let (work, kept) = try produce(&outcome.decoded, &log)
      outcome.started = work.started
      let product = work.product
      var record = ActionRecord(
        preimage: preimage, outputs: kept.outputs, facts: product.facts, notes: product.notes,
        started: work.started, duration: work.duration, runID: resources.runID,
        toolVersion: resources.toolVersion, log: log)
      if let boot = resources.cache.actions.boot, !kept.stamps.isEmpty {
        record.objects = ObjectStamps(boot: boot, stamps: kept.stamps)
      }
      try mapped { try resources.cache.actions.commit(record, as: key) }
      outcome.result = .ran(record, values: product.outputs)
    } catch let error as ValueSource.Unreadable {
      outcome.result = .unreadable(error.reference, error.reason)
    } catch let failure as StageFailure {
      outcome.result = .failed(failure)
    } catch is CancellationError {
      outcome.result = .failed(StageFailure(.interrupted, "stage \(node.name): interrupted"))
    } catch {
      outcome.result = .failed(
        StageFailure(
          .failed, "stage \(node.name) (\(node.type.name)): \(error)",
          remedy: "this should not happen: please report it"))
    }
    outcome.duration = Clock.stopwatch() - stopwatch
  }
}
