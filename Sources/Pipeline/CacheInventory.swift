// What a cache holds, by the type of stage that made it.

extension PipelineCache {
  /// The finished stages of one type.
  public struct Holding: Sendable, Hashable, Codable {
    public var stageType: String
    public var recordCount: Int
    /// Of the objects that its records name; one that several records name counts for each of them.
    public var byteCount: Int
    /// Seconds that the work took, all records together.
    public var duration: Double
    /// When the newest of them was computed: ISO 8601, UTC.
    public var newest: String
  }

  /// Finished stages by type, in the order of the types' names.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where the folder cannot be read.
  public func holdings() throws(StageFailure) -> [Holding] {
    var found: [String: Holding] = [:]
    for record in try records() {
      let type = record.preimage.stageType
      var holding =
        found[type]
        ?? Holding(stageType: type, recordCount: 0, byteCount: 0, duration: 0, newest: "")
      holding.recordCount += 1
      holding.byteCount += record.outputs.values.reduce(0) { $0 + $1.byteCount }
      holding.duration += record.duration
      holding.newest = max(holding.newest, record.started)
      found[type] = holding
    }
    return found.values.sorted { $0.stageType < $1.stageType }
  }
}
