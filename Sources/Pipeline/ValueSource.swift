// Values that are not in memory: read from the cache, or formed again where they were not kept.
internal import Digest

/// What the stages of a graph have left, and how to get at it.
struct ValueSource: Sendable {
  /// An object that cannot be read as a value.
  struct Unreadable: Error {
    var reference: OutputReference
    var reason: RunReason
  }

  let graph: PipelineGraph
  let cache: PipelineCache
  /// By the name of the kind.
  let codecs: [String: any ValueCodec]
  let files: InputFiles
  /// By stage and port, of the stages that succeeded.
  let outputs: [String: [String: OutputRecord]]
  /// By stage, where they are known: their records tell how the objects were left.
  var keys: [String: ActionKey] = [:]

  /// - Throws: ``Unreadable``; ``StageFailure`` where there is no such value, or where a stage that is
  ///   done once more fails.
  func value(of reference: OutputReference) throws -> any StageValue {
    guard let output = outputs[reference.stage]?[reference.port] else {
      throw StageFailure(.failed, "\(reference): there is no such result")
    }
    return try output.isKept ? read(reference, output) : formed(reference)
  }

  private func read(
    _ reference: OutputReference, _ output: OutputRecord
  ) throws -> any StageValue {
    let port = reference.port
    guard let codec = codecs[output.kind] else {
      let words = "there is no way to read values of kind '\(output.kind)'"
      throw Unreadable(
        reference: reference, reason: .objectUnreadable(port: port, reason: words))
    }
    let path = cache.objects.path(of: output.digest)
    let stamp = try? FileSystem.stamp(of: path)
    do {
      return try codec.decode(from: path, files: files)
    } catch let failure as StageFailure where failure.category != .failed {
      throw failure
    } catch {
      let words = (error as? StageFailure)?.message ?? "\(error)"
      // It may have been believed on its stamp, which a disk keeps that forgets bytes.
      let reason = cache.objects.readState(of: output.digest).reason(port: port, path: path)
      // Whoever found that out first had it computed again.
      if reason == nil, (try? FileSystem.stamp(of: path)) != stamp {
        return try read(reference, output)
      }
      throw Unreadable(
        reference: reference, reason: reason ?? .objectUnreadable(port: port, reason: words))
    }
  }

  /// Does the work of a stage that keeps nothing once more, without a record of it.
  private func formed(_ reference: OutputReference) throws -> any StageValue {
    guard let node = graph[reference.stage] else {
      throw StageFailure(.failed, "\(reference): there is no such stage")
    }
    var inputs: [String: any StageValue] = [:]
    for (port, source) in node.inputs { inputs[port] = try value(of: source) }
    let context = StageContext(
      stageName: node.name, parameters: node.parameters.mapValues(\.value),
      inputs: consume inputs)
    let product = try node.type.run(context)
    guard let value = product.outputs[reference.port] else {
      throw StageFailure(.failed, "\(reference): there is no such result")
    }
    return value
  }

  /// Objects that would have to be read for a value, and which of them are not what they were.
  func damage(under reference: OutputReference) -> StageFailure? {
    guard let output = outputs[reference.stage]?[reference.port] else { return nil }
    if output.isKept {
      if let key = keys[reference.stage], case .found(let record) = cache.actions.record(of: key),
        cache.actions.isAsLeft(reference.port, of: record)
      {
        return nil
      }
      let state = cache.objects.state(of: output.digest)
      if state == .intact { return nil }
      return StageFailure(
        .machine,
        "\(reference): its object in the cache is \(state)"
          + " (\(cache.objects.path(of: output.digest)))",
        remedy: "run again: it will be computed again")
    }
    for source in (graph[reference.stage]?.inputs ?? [:]).values {
      if let failure = damage(under: source) { return failure }
    }
    return nil
  }
}
