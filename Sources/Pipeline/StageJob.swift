// One stage's turn: look it up, gather its inputs, do its work, keep what it leaves.
internal import Digest

/// The work of one stage, done synchronously on a thread of its own.
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
        compute(&outcome)
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
    if !node.type.keepsOutputs(with: preimage.parameters) { return .mine(nil) }
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

  private func compute(_ outcome: inout JobOutcome) {
    let stopwatch = Clock.stopwatch()
    let started = Clock.timestamp()
    outcome.started = started
    do {
      try mapped { try resources.cache.objects.checkWritable() }
      var log = StageLog(
        reasons: outcome.reasons.map(\.description), host: Machine.hostName,
        processors: Machine.processorCount, threads: resources.threads, gathering: 0, keeping: 0,
        attempts: 0)
      let (product, outputs, duration) = try produce(&outcome.decoded, &log)
      let record = ActionRecord(
        preimage: preimage, outputs: outputs, facts: product.facts, notes: product.notes,
        started: started, duration: duration, runID: resources.runID,
        toolVersion: resources.toolVersion, log: log)
      try mapped { try resources.cache.actions.commit(record, as: key) }
      resources.cache.actions.setLast(
        key, pipeline: resources.lookup.graph.name, stage: node.name)
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
  ) throws -> (product: StageProduct, outputs: [String: OutputRecord], duration: Double) {
    var touched = ""
    for attempt in 1...Self.attempts {
      let before = try resources.watch.confirm(inputNames)
      let stopwatch = Clock.stopwatch()
      try gatherInputs(&decoded)
      log.gathering = Clock.stopwatch() - stopwatch
      let product = try run()
      let end = Clock.stopwatch()
      if let outputs = try publish(product, stamps: before, &touched) {
        log.keeping = Clock.stopwatch() - end
        log.attempts = attempt
        return (product, outputs, end - stopwatch)
      }
      // What was read from the file on the way may be what it held for a moment.
      decoded = [:]
      inputs.empty()
    }
    throw resources.watch.restless(touched)
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
    let extent = StageExtent()
    let scratch = ScratchFolder(resources.cache.objects)
    defer { scratch.remove() }
    return try node.type.run(
      StageContext(
        stageName: name, parameters: preimage.parameters, inputs: inputs, fileParameters: files,
        reportProgress: { fraction in
          extent.reach(fraction)
          sink.send(.stageProgress(name: name, fraction: fraction))
        },
        isCancelled: { cancellation.isCancelled && !extent.isNearlyDone },
        makeScratchFolder: { try scratch.path() }))
  }

  /// Stores every output; nothing appears among the objects unless all of them could be written
  /// and the input files are still what they were.
  ///
  /// - Returns: nil where an input, which is `touched`, has another stamp.
  private func publish(
    _ product: StageProduct, stamps: [String: FileStamp], _ touched: inout String
  ) throws -> [String: OutputRecord]? {
    let objects = resources.cache.objects
    let isKept = node.type.keepsOutputs(with: preimage.parameters)
    var temporaries: [(port: String, kind: String, path: String)] = []
    var unkept: [String: OutputRecord] = [:]
    // What has been moved to its place is no longer there; what is left belongs to a failure.
    defer { for temporary in temporaries { try? FileSystem.remove(temporary.path) } }
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
        unkept[port] = OutputRecord(unkept: port, of: key, kind: kind)
        continue
      }
      let path = try mapped { try objects.temporaryPath() }
      temporaries.append((port, kind, path))
      try encode(value, with: codec, to: path)
    }
    let present = try resources.watch.confirm(inputNames)
    if let name = present.keys.sorted().first(where: { present[$0] != stamps[$0] }) {
      touched = name
      return nil
    }
    var outputs = unkept
    for (port, kind, path) in temporaries {
      outputs[port] = try mapped { try objects.publish(path, kind: kind) }
    }
    return outputs
  }

  private func encode(
    _ value: any StageValue, with codec: any ValueCodec, to path: String
  ) throws {
    do {
      try codec.encode(value, to: path)
    } catch {
      // A library's error may not tell a full disk: a write of our own does.
      try mapped { try resources.cache.objects.probeSpace() }
      if let failure = error as? StageFailure { throw failure }
      throw StageFailure(
        .machine, "stage \(node.name): cannot write \(path): \(error)",
        remedy: "check the cache folder (--cache)")
    }
  }

  /// Runs a step that writes to the cache; its failures are the machine's.
  private func mapped<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as SystemError { throw PipelineCache.failure(error) }
  }
}
