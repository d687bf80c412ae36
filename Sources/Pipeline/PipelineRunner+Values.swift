// The values of a finished run: from memory, from the cache, or formed again.
internal import Digest

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
  /// - Throws: ``StageFailure``, where the stage left nothing or an object is damaged meanwhile.
  public func value(
    of reference: OutputReference, in report: RunReport
  ) throws(StageFailure) -> any StageValue {
    guard let output = report[reference.stage]?.outputs[reference.port], codecs[output.kind] != nil
    else { throw StageFailure(.failed, "\(reference): there is no such result") }
    if let value = shelf[output] { return value }
    let source = ValueSource(
      graph: graph, cache: cache, codecs: codecs, files: Self.inputFiles(report.inputs),
      outputs: Dictionary(
        report.stages.map { ($0.name, $0.outputs) }, uniquingKeysWith: { first, _ in first }),
      keys: Dictionary(
        report.stages.compactMap { stage in stage.key.map { (stage.name, $0) } },
        uniquingKeysWith: { first, _ in first }))
    if let damage = source.damage(under: reference) { throw damage }
    do {
      let value = try source.value(of: reference)
      shelf.keep(value, output)
      return value
    } catch let error as ValueSource.Unreadable {
      throw StageFailure(.failed, "\(error.reference): cannot be read: \(error.reason)")
    } catch {
      throw (error as? StageFailure)
        ?? StageFailure(.failed, "\(reference): cannot be formed again: \(error)")
    }
  }

  /// Lets go of the values that are still in memory; they can be had again from the cache.
  public func releaseValues() { shelf.empty() }
}
