// The values of a finished run: from memory, from the cache, or formed again.
internal import Digest

extension PipelineRunner {
  /// The value at an output of a finished run.
  ///
  /// What this runner has just computed is still in memory, what was kept is read from the cache, and
  /// what was not kept is formed again from what feeds its stage.
  ///
  /// - Parameters:
  ///   - reference: An output of a stage that succeeded.
  ///   - report: The run's.
  /// - Throws: ``StageFailure``, where the stage left nothing or an object is damaged meanwhile.
  public func value(
    of reference: OutputReference, in report: RunReport
  ) throws(StageFailure) -> any StageValue {
    guard let output = report[reference.stage]?.outputs[reference.port],
      let codec = codecs[output.kind]
    else { throw StageFailure(.failed, "\(reference): there is no such result") }
    if let value = shelf[output] { return value }
    if !output.isKept { return try formed(reference, output, in: report) }
    let path = cache.objects.path(of: output.digest)
    let state = cache.objects.state(of: output.digest)
    if state != .intact {
      throw StageFailure(
        .machine, "\(reference): its object in the cache is \(state) (\(path))",
        remedy: "run again: it will be computed again")
    }
    do {
      return try codec.decode(from: path, files: Self.inputFiles(report.inputs))
    } catch {
      throw (error as? StageFailure)
        ?? StageFailure(.failed, "\(reference): cannot read \(path): \(error)")
    }
  }

  /// Does the work of a stage that keeps nothing once more, without a record of it.
  private func formed(
    _ reference: OutputReference, _ output: OutputRecord, in report: RunReport
  ) throws(StageFailure) -> any StageValue {
    guard let node = graph[reference.stage] else {
      throw StageFailure(.failed, "\(reference): there is no such stage")
    }
    var inputs: [String: any StageValue] = [:]
    for (port, source) in node.inputs { inputs[port] = try value(of: source, in: report) }
    let product: StageProduct
    do {
      product = try node.type.run(
        StageContext(
          stageName: node.name, parameters: node.parameters.mapValues(\.value), inputs: inputs))
    } catch {
      throw (error as? StageFailure)
        ?? StageFailure(.failed, "stage \(node.name) (\(node.type.name)): \(error)")
    }
    guard let value = product.outputs[reference.port] else {
      throw StageFailure(.failed, "\(reference): there is no such result")
    }
    shelf.keep(value, output)
    return value
  }
}
