// One stage's turn: look it up, gather its inputs, do its work, keep what it leaves.
internal import Digest

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

  private var isKept: Bool { node.type.keepsOutputs(with: preimage.parameters) }

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

  /// An input that is touched this often while it is read never stands still.
  private static let attempts = 3

  /// Does the work and stores what it leaves; again where an input file was touched meanwhile: it may
  /// have been changed and changed back.
  private func produce(
    _ decoded: inout [OutputReference: any StageValue], _ log: inout StageLog
  ) throws -> (work: Work, kept: Kept) {
    var touched = ""
    for attempt in 1...Self.attempts {
      let before = try resources.watch.confirm(inputNames)
      let work = try early(before) ?? now(&decoded, &log)
      let end = Clock.stopwatch()
      if let kept = try publish(work.product, stamps: before, &touched) {
        log.keeping = Clock.stopwatch() - end
        log.attempts = attempt
        return (work, kept)
      }
      // What was read from the file on the way may be what it held for a moment.
      decoded = [:]
      inputs.empty()
    }
    throw resources.watch.unstable(touched)
  }

  /// What a stage left, when it began, and how many seconds it took.
  private typealias Work = (product: StageProduct, started: String, duration: Double)

  /// What was done while the input was digested; nil where nothing was, or where the file was touched since.
  private func early(_ stamps: [String: FileStamp]) -> Work? {
    guard let early = resources.early.take(node.name), early.stamps == stamps else { return nil }
    return (early.product, early.started, early.duration)
  }

  private func now(
    _ decoded: inout [OutputReference: any StageValue], _ log: inout StageLog
  ) throws -> Work {
    let started = Clock.timestamp()
    let stopwatch = Clock.stopwatch()
    try gatherInputs(&decoded)
    log.gathering = Clock.stopwatch() - stopwatch
    return (try run(), started, Clock.stopwatch() - stopwatch)
  }

  /// Reads input values that are not in memory from the cache, or forms them again.
  private func gatherInputs(_ decoded: inout [OutputReference: any StageValue]) throws {
    for (port, reference) in node.inputs.sorted(by: { $0.key < $1.key }) where inputs[port] == nil {
      let value = try decoded[reference] ?? source.value(of: reference)
      decoded[reference] = value
      inputs[port] = value
    }
  }

  private func run() throws -> StageProduct {
    var files: [String: InputFile] = [:]
    for (key, name) in node.fileParameters {
      guard case .file(let file) = resources.lookup.inputs[name] else { continue }
      files[key] = InputFile(name: name, path: file.path, digest: file.digest.hex)
    }
    let name = node.name
    let (sink, cancellation) = (resources.sink, resources.cancellation)
    let progress = StageProgress()
    let scratch = ScratchFolder(resources.cache.objects)
    defer { scratch.remove() }
    return try node.type.run(
      StageContext(
        stageName: name, parameters: preimage.parameters, inputs: inputs, fileParameters: files,
        reportProgress: { fraction in
          progress.reach(fraction)
          sink.send(.stageProgress(name: name, fraction: fraction))
        },
        isCancelled: { cancellation.isCancelled && !progress.isNearlyDone },
        makeScratchFolder: { try scratch.path() }))
  }

  /// What a stage left, by port.
  private struct Kept {
    var outputs: [String: OutputRecord] = [:]
    /// Of the objects among them.
    var stamps: [String: FileStamp] = [:]
  }

  /// Stores every output; nothing appears among the objects unless all of them could be written
  /// and the input files are still what they were.
  ///
  /// - Returns: nil where an input, which is `touched`, has another stamp.
  private func publish(
    _ product: StageProduct, stamps: [String: FileStamp], _ touched: inout String
  ) throws -> Kept? {
    let objects = resources.cache.objects
    var files: [(port: String, kind: String, file: ObjectFile)] = []
    var kept = Kept()
    // What has been moved to its place is no longer there; what is left belongs to a failure.
    defer { for file in files { try? FileSystem.remove(file.file.path) } }
    for port in preimage.outputs {
      guard let value = product.outputs[port], let kind = outputKinds[port],
        let codec = resources.codecs[kind]
      else {
        throw StageFailure(
          .failed,
          "stage \(node.name) (\(node.type.name)) left nothing that can be kept at its output"
            + " '\(port)'", remedy: "this should not happen: please report it")
      }
      if !isKept {
        kept.outputs[port] = OutputRecord(unkept: port, of: key, kind: kind)
        continue
      }
      let file = try mapped { try objects.newFile() }
      files.append((port, kind, file))
      try mapped { try codec.encode(value, to: file) }
    }
    let present = try resources.watch.confirm(inputNames)
    if let name = present.keys.sorted().first(where: { present[$0] != stamps[$0] }) {
      touched = name
      return nil
    }
    for (port, kind, file) in files {
      let (output, stamp) = try mapped { try objects.publish(file, kind: kind) }
      kept.outputs[port] = output
      kept.stamps[port] = stamp
    }
    files = []
    return kept
  }

  /// Runs a step that writes to the cache; its failures are the machine's.
  private func mapped<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as SystemError {
      throw PipelineCache.failure(error, in: resources.cache.root)
    }
  }
}
