// Looks stages up in the cache: what they would be keyed by, and whether that was computed before.
internal import Digest

/// Keys and cached results of a graph's stages, over inputs digested once.
struct StageLookup: Sendable {
  enum InputState: Sendable {
    case file(DigestedFile)
    case refused(StageFailure)

    /// nil where the file cannot be read.
    fileprivate var digest: SHA256Digest? {
      if case .file(let file) = self { return file.digest }
      return nil
    }
  }

  /// What the cache knows of an action.
  enum Answer {
    case hit(ActionRecord)
    case miss([RunReason])
  }

  let graph: PipelineGraph
  let cache: PipelineCache
  /// By input name.
  let inputs: [String: InputState]
  let latest: LatestRecords

  /// - Parameters:
  ///   - known: Input files by path, as far as they were digested already.
  ///   - early: What may begin while files are digested.
  init(
    graph: PipelineGraph, cache: PipelineCache, known: [String: InputState],
    early: EarlyWork?
  ) {
    self.graph = graph
    self.cache = cache
    var inputs: [String: InputState] = [:]
    for name in Set(graph.stages.flatMap(\.fileParameters.values)) {
      let path = graph.inputPaths[name]
      inputs[name] = path.flatMap { known[$0] } ?? Self.digest(name, path, cache, early)
    }
    self.inputs = inputs
    latest = LatestRecords(cache.actions, of: graph.name, on: Self.digests(of: inputs))
  }

  /// The inputs' digests by name, of those that can be read.
  var inputDigests: [String: String] { Self.digests(of: inputs) }

  private static func digests(of inputs: [String: InputState]) -> [String: String] {
    inputs.compactMapValues(\.digest?.hex)
  }

  /// - Parameter isOneOfMany: The input has a file for each of many runs, which no argument names.
  static func digest(
    _ name: String, _ path: String?, _ cache: PipelineCache, _ early: EarlyWork? = nil,
    isOneOfMany: Bool = false
  ) -> InputState {
    guard let path else {
      return .refused(
        StageFailure(
          .inputRefused, "input '\(name)': no file is given for it",
          remedy: "name it under inputs: or with --input \(name)=FILE"))
    }
    do {
      return .file(try cache.digests.digest(of: path, early: early.map { ($0, name) }))
    } catch {
      if error.isCancelled {
        return .refused(
          StageFailure(.interrupted, "input '\(name)': interrupted while it was digested"))
      }
      return .refused(
        StageFailure(
          input: name, error,
          orElse: isOneOfMany
            ? "check the path; that of a swept input stands under foreach or in its table" : nil))
    }
  }

  var inputReports: [InputReport] {
    inputs.sorted { $0.key < $1.key }.map { name, state in
      let path = graph.inputPaths[name] ?? ""
      switch state {
      case .file(let file):
        return InputReport(name: name, path: path, digest: file.digest, size: file.stamp.size)
      case .refused(let failure): return InputReport(name: name, path: path, failure: failure)
      }
    }
  }

  /// The first input file of the stage that cannot be read, as a failure.
  func refusal(of node: StageNode) -> StageFailure? {
    for (_, name) in node.fileParameters.sorted(by: { $0.key < $1.key }) {
      if case .refused(let failure) = inputs[name] { return failure }
    }
    return nil
  }

  /// The stage's preimage as far as the outputs that feed it are known, and the ports that are not.
  func preimage(
    of node: StageNode, outputs: (OutputReference) -> OutputRecord?
  ) -> (preimage: ActionPreimage, unknownPorts: Set<String>) {
    var contents: [String: InputContent] = [:]
    var unknown: Set<String> = []
    for (port, source) in node.inputs {
      if let output = outputs(source) {
        contents[port] = InputContent(kind: output.kind, digest: output.digest)
      } else {
        unknown.insert(port)
      }
    }
    let preimage = ActionPreimage(
      stageType: node.type.name, algorithmVersion: node.type.algorithmVersion,
      parameters: node.parameters.mapValues(\.value), inputs: contents,
      files: node.fileParameters.compactMapValues { name in
        if case .file(let file) = inputs[name] { file.digest } else { nil }
      },
      outputs: node.type.outputs.map(\.name))
    return (preimage, unknown)
  }

  /// A hit needs a readable record and every object that it names, intact.
  func answer(for node: StageNode, preimage: ActionPreimage, key: ActionKey) -> Answer {
    switch cache.actions.record(of: key) {
    case .none: return .miss(reasonsSinceNearest(node, preimage, unknownPorts: []))
    case .unreadable(let reason): return .miss([.recordUnreadable(reason)])
    case .found(let record):
      guard Set(record.outputs.keys) == Set(preimage.outputs) else {
        return .miss([.recordUnreadable("\(cache.actions.path(of: key)): it lacks outputs")])
      }
      let damage = record.outputs.sorted { $0.key < $1.key }.compactMap { port, output in
        output.isKept && !cache.actions.isAsLeft(port, of: record)
          ? reason(port, output.digest) : nil
      }
      if !damage.isEmpty { return .miss(damage) }
      cache.actions.noteTaken(record, key)
      return .hit(record)
    }
  }

  private func reason(_ port: String, _ digest: SHA256Digest) -> RunReason? {
    cache.objects.state(of: digest).reason(port: port, path: cache.objects.path(of: digest))
  }

  /// What differs from the nearest of the stage's last records, where the cache knows one.
  private func reasonsSinceNearest(
    _ node: StageNode, _ preimage: ActionPreimage, unknownPorts: Set<String>
  ) -> [RunReason] {
    guard
      let nearest = latest.nearest(of: node.name, to: preimage, ignoring: unknownPorts)
    else { return unknownPorts.isEmpty ? [.noRecord] : [] }
    let phrases = preimage.differences(from: nearest.preimage, ignoring: unknownPorts)
    return phrases.isEmpty ? (unknownPorts.isEmpty ? [.noRecord] : []) : [.changed(phrases)]
  }

  /// Plans one stage after those that feed it.
  func step(for node: StageNode, after planned: [String: PlanStep]) -> PlanStep {
    var step = PlanStep(stage: node.name, type: node.type.name, decision: .run([.noRecord]))
    if let failure = refusal(of: node) {
      step.decision = .blocked(.failure(failure))
      return step
    }
    let feeders = Set(node.inputs.values.map(\.stage)).sorted().compactMap { planned[$0] }
    let blockers = Set(feeders.flatMap(Self.blockers)).sorted()
    if !blockers.isEmpty {
      step.decision = .blocked(.upstream(blockers))
      return step
    }
    let (preimage, unknown) = preimage(of: node) { source in
      if case .hit(let record) = planned[source.stage]?.decision {
        record.outputs[source.port]
      } else {
        nil
      }
    }
    let upstream = feeders.compactMap { feeder -> RunReason? in
      guard case .run(let reasons) = feeder.decision, let first = reasons.first else { return nil }
      return .upstream(stage: feeder.stage, because: first)
    }
    guard unknown.isEmpty else {
      step.decision = .run(
        reasonsSinceNearest(node, preimage, unknownPorts: unknown) + upstream)
      return step
    }
    do {
      let key = try preimage.key()
      step.preimage = preimage
      step.key = key
      switch answer(for: node, preimage: preimage, key: key) {
      case .hit(let record): step.decision = .hit(record)
      case .miss(let reasons): step.decision = .run(reasons)
      }
    } catch {
      step.decision = .blocked(.failure(StageFailure(.failed, "stage \(node.name): \(error)")))
    }
    return step
  }

  private static func blockers(_ step: PlanStep) -> [String] {
    switch step.decision {
    case .blocked(.failure): return [step.stage]
    case .blocked(.upstream(let stages)): return stages
    case .hit, .run: return []
    }
  }
}
