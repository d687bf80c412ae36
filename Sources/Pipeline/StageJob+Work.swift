// The work of a stage: gather its inputs, run it, store what it leaves.
internal import Digest

extension StageJob {
  /// An input that is touched this often while it is read never stands still.
  private static let attempts = 3

  /// Does the work and stores what it leaves; again where an input file was touched meanwhile: it may
  /// have been changed and changed back.
  func produce(
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
  typealias Work = (product: StageProduct, started: String, duration: Double)

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
  struct Kept {
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
  func mapped<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as SystemError {
      throw PipelineCache.failure(error, in: resources.cache.root)
    }
  }
}
