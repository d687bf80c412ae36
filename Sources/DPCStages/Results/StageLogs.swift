// What programs wrote on their standard streams, as it is kept beside their results.
public import Pipeline

/// The logs of `exec` stages on record.
public enum StageLogs {
  /// What the program of a stage wrote, without line breaks at its end.
  ///
  /// - Parameters:
  ///   - record: Of the stage.
  ///   - cache: Where its outputs are kept.
  /// - Returns: nil of a stage without a program, and where the text is no longer kept.
  /// - Throws: `StageFailure` where the object is no log.
  public static func text(of record: ActionRecord, in cache: PipelineCache) throws -> String? {
    guard let output = record.outputs[Exec.logPort], output.kind == PortKind.log.name,
      let codec = stageCodecs.first(where: { $0.kind == .log }),
      let value = try cache.value(of: output, codec: codec) as? LogValue
    else { return nil }
    var text = value.text[...]
    while text.hasSuffix("\n") { text = text.dropLast() }
    return String(text)
  }
}
