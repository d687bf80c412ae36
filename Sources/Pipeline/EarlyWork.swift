// Stages that begin while their input file is still being digested, on a thread that is free meanwhile.
internal import Digest
internal import Dispatch
internal import Synchronization
internal import WorkSharing

/// What a stage left before the content of its input file was known.
struct EarlyProduct: Sendable {
  var product: StageProduct
  /// Of the input files, by name, before anything was read.
  var stamps: [String: FileStamp]
  /// ISO 8601, UTC.
  var started: String
  /// Seconds.
  var duration: Double
}

/// Work begun without a key. A digest takes one thread from the beginning of a file to its end, and a stage that only
/// reads the file need not wait for it: what it leaves is published like any other once its key is known, where the
/// file's stamp is still what it was before. What turns out to be in the cache is given up.
///
/// Stages go one after the other, as long as the digest takes; the run does the rest.
final class EarlyWork: Sendable {
  /// A stage that was begun.
  private final class Begun: Sendable {
    let isGivenUp = Atomic(false)
    let isAwaited = Atomic(false)
    let ending = DispatchGroup()
    let product = Mutex<EarlyProduct?>(nil)
  }

  private struct State {
    /// Inputs whose digests are being formed.
    var open: Set<String> = []
    /// By name.
    var begun: [String: Begun] = [:]
    var hasEnded = false
  }

  /// Bytes: a smaller file is digested before another thread has begun.
  static let smallestFile = 4 << 20

  private let graph: PipelineGraph
  private let cancellation: RunCancellation
  private let reportProgress: @Sendable (_ stage: String, _ fraction: Double) -> Void
  private let state = Mutex(State())
  private let occupyThread: @Sendable () -> Bool
  private let threads = DispatchGroup()

  /// - Parameters:
  ///   - occupyThread: Occupies a thread of the process, where one is free.
  ///   - reportProgress: Called for a stage that the run waits for, from any thread.
  init(
    _ graph: PipelineGraph, _ cancellation: RunCancellation,
    occupyThread: @escaping @Sendable () -> Bool,
    reportProgress: @escaping @Sendable (_ stage: String, _ fraction: Double) -> Void
  ) {
    self.graph = graph
    self.cancellation = cancellation
    self.occupyThread = occupyThread
    self.reportProgress = reportProgress
  }

  /// Forms an input's digest by `body`, and begins the stages that need nothing else, where a thread is free.
  ///
  /// - Parameter body: Says how many bytes it has passed; what reads much of the file follows it
  ///   (``InputFile/follow(through:)``), since two readers in two places keep a disk from reading either fast.
  func during(
    digestOf name: String, path: String, stamp: FileStamp,
    _ body: (_ hasPassed: (_ byteCount: Int) -> Void) throws(SystemError) -> SHA256Digest
  ) throws(SystemError) -> SHA256Digest {
    guard stamp.size >= Self.smallestFile, !nodes(of: name).isEmpty,
      occupyThread()
    else { return try body { _ in } }
    let pending = PendingDigest(ofSize: stamp.size)
    state.withLock { _ = $0.open.insert(name) }
    DispatchQueue(label: "early").async(group: threads) {
      self.work(InputFile(name: name, path: path, content: pending), stamp)
      vacateThread()
    }
    defer { state.withLock { _ = $0.open.remove(name) } }
    do throws(SystemError) {
      let digest = try body(pending.pass)
      pending.resolve(digest.hex)
      return digest
    } catch {
      pending.resolve("")
      giveUp { _ in true }
      throw error
    }
  }

  /// Whether the run shall stop, a digest that is being formed too.
  var isCancelled: Bool { cancellation.isCancelled }

  /// Gives up the stages that are in the cache.
  func keep(_ plan: PipelinePlan) {
    giveUp { stage in
      if case .run = plan[stage]?.decision { false } else { true }
    }
  }

  func giveUp(_ stage: String) { giveUp { $0 == stage } }

  /// What the stage left, once; waits where it is at work. nil where it was not begun, or failed.
  func take(_ stage: String) -> EarlyProduct? {
    guard let begun = state.withLock({ $0.begun.removeValue(forKey: stage) }) else { return nil }
    begun.isAwaited.store(true, ordering: .relaxed)
    // Whoever only waits leaves its thread to the work.
    vacateThread()
    begun.ending.wait()
    WorkSharing.occupyThread()
    return begun.product.withLock { product in
      defer { product = nil }
      return product
    }
  }

  /// Gives up what nobody took, and waits until no thread is at it.
  func end() {
    state.withLock { $0.hasEnded = true }
    giveUp { _ in true }
    threads.wait()
  }

  private func giveUp(_ isUnwanted: (String) -> Bool) {
    state.withLock { state in
      for (stage, begun) in state.begun where isUnwanted(stage) {
        begun.isGivenUp.store(true, ordering: .relaxed)
        state.begun[stage] = nil
      }
    }
  }

  /// The stages that need this input alone and may begin early, in an order in which each follows what feeds it.
  private func nodes(of input: String) -> [StageNode] {
    var names: Set<String> = []
    return graph.stages.filter { node in
      let isFed = node.inputs.values.allSatisfy { names.contains($0.stage) }
      guard node.type.mayBeginEarly, isFed, node.fileParameters.values.allSatisfy({ $0 == input }),
        !(node.inputs.isEmpty && node.fileParameters.isEmpty)
      else { return false }
      names.insert(node.name)
      return true
    }
  }

  private func work(_ file: InputFile, _ stamp: FileStamp) {
    var values: [OutputReference: any StageValue] = [:]
    for node in nodes(of: file.name) {
      guard let begun = begin(node, file.name) else { return }
      defer { begun.ending.leave() }
      guard let product = run(node, file, values, begun, stamp) else { return }
      for (port, value) in product.product.outputs {
        values[OutputReference(stage: node.name, port: port)] = value
      }
      if !begun.isGivenUp.load(ordering: .relaxed) { begun.product.withLock { $0 = product } }
    }
  }

  /// nil once the digest is known: the run itself is at work by then.
  private func begin(_ node: StageNode, _ input: String) -> Begun? {
    state.withLock { state in
      if !state.open.contains(input) || state.hasEnded || cancellation.isCancelled { return nil }
      let begun = Begun()
      begun.ending.enter()
      state.begun[node.name] = begun
      return begun
    }
  }

  private func run(
    _ node: StageNode, _ file: InputFile, _ values: [OutputReference: any StageValue],
    _ begun: Begun, _ stamp: FileStamp
  ) -> EarlyProduct? {
    let progress = StageProgress()
    let name = node.name
    let context = StageContext(
      stageName: name, parameters: node.parameters.mapValues(\.value),
      inputs: node.inputs.compactMapValues { values[$0] },
      fileParameters: node.fileParameters.mapValues { _ in file },
      reportProgress: { [reportProgress] fraction in
        progress.reach(fraction)
        if begun.isAwaited.load(ordering: .relaxed) { reportProgress(name, fraction) }
      },
      isCancelled: { [cancellation] in
        begun.isGivenUp.load(ordering: .relaxed)
          || cancellation.isCancelled && !progress.isNearlyDone
      })
    let started = Clock.timestamp()
    let stopwatch = Clock.stopwatch()
    // Why it failed is told by the run, which does it again.
    guard let product = try? node.type.run(context) else { return nil }
    return EarlyProduct(
      product: product, stamps: [file.name: stamp], started: started,
      duration: Clock.stopwatch() - stopwatch)
  }
}
