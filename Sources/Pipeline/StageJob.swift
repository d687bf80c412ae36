// One stage's turn: look it up, gather its inputs, do its work, keep what it leaves.
internal import Digest
internal import Synchronization

/// What all stages of a run share.
struct RunResources: Sendable {
  let lookup: StageLookup
  /// By the name of the kind.
  let codecs: [String: any ValueCodec]
  let inputFiles: InputFiles
  let watch: InputWatch
  let shelf: ValueShelf
  let sink: EventSink
  let cancellation: RunCancellation
  let runID: String
  let toolVersion: String

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
    /// An object on the way to an input, found intact, cannot be read as a value.
    case unreadable(OutputReference, String)
    case failed(StageFailure)
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

  func perform() -> JobOutcome {
    var outcome = JobOutcome(
      stage: node.name, key: key, result: .failed(StageFailure(.interrupted, "interrupted")),
      reasons: reasons ?? [])
    // It may have waited for its turn while someone asked to stop.
    if resources.cancellation.isCancelled { return outcome }
    resources.sink.send(.stageStarted(name: node.name))
    if reasons == nil {
      switch resources.lookup.answer(for: node, preimage: preimage, key: key) {
      case .hit(let record):
        resources.cache.actions.markUsed(key)
        outcome.result = .hit(record)
        return outcome
      case .miss(let reasons): outcome.reasons = reasons
      }
    }
    let stopwatch = Clock.stopwatch()
    let started = Clock.timestamp()
    outcome.started = started
    do {
      try mapped { try resources.cache.objects.checkWritable() }
      let (product, outputs, duration) = try produce(&outcome.decoded)
      let record = ActionRecord(
        preimage: preimage, outputs: outputs, facts: product.facts, notes: product.notes,
        started: started, duration: duration, runID: resources.runID,
        toolVersion: resources.toolVersion)
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
    return outcome
  }

  /// An input that is touched this often while it is read never stands still.
  private static let attempts = 3

  /// Does the work and stores what it leaves; again where an input file was touched meanwhile: it may
  /// have been changed and changed back.
  private func produce(
    _ decoded: inout [OutputReference: any StageValue]
  ) throws -> (product: StageProduct, outputs: [String: OutputRecord], duration: Double) {
    var touched = ""
    for _ in 0..<Self.attempts {
      let before = try resources.watch.confirm(inputNames)
      let stopwatch = Clock.stopwatch()
      try gatherInputs(&decoded)
      let product = try run()
      let duration = Clock.stopwatch() - stopwatch
      if let outputs = try publish(product, stamps: before, &touched) {
        return (product, outputs, duration)
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

/// How far a stage has come: one that is nearly done is not stopped, for its work would be lost.
private final class StageExtent: Sendable {
  private static let nearlyDone = 750
  private let thousandths = Atomic(0)

  func reach(_ fraction: Double) {
    let clipped = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    thousandths.store(Int(clipped * 1000), ordering: .relaxed)
  }

  var isNearlyDone: Bool { thousandths.load(ordering: .relaxed) >= Self.nearlyDone }
}
