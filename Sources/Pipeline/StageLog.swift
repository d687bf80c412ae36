// How the work of a stage went: kept with its record, and told again whenever the stage is asked about.

/// The circumstances of a computation, for people; part of no key, and nothing depends on it.
public struct StageLog: Sendable, Hashable, Codable {
  /// Why it was not taken from the cache.
  public var reasons: [String]
  /// The machine that did it.
  public var host: String
  /// How many processors that machine has.
  public var processors: Int
  /// How many stages the run could do at once.
  public var threads: Int
  /// Seconds until its inputs were there: read from the cache, or formed again.
  public var gathering: Double
  /// Seconds until its outputs were written and digested, after the work.
  public var keeping: Double
  /// How often the work was done: more than once where an input file was touched meanwhile.
  public var attempts: Int
}

/// What is on record of a stage.
public struct StageOnRecord: Sendable {
  public var stage: String
  /// Whether the record is that of the stage as it stands now, not of the last one under its name.
  public var isPresent: Bool
  public var record: ActionRecord
}

extension PipelinePlan {
  /// The record of each stage: the one that is taken from the cache, else the last under the stage's name.
  ///
  /// - Parameter stage: nil: all stages, in the graph's order.
  /// - Returns: Nothing of stages that were never finished.
  public func onRecord(_ stage: String? = nil) -> [StageOnRecord] {
    steps.filter { stage == nil || $0.stage == stage }.compactMap { step in
      if case .hit(let record) = step.decision {
        return StageOnRecord(stage: step.stage, isPresent: true, record: record)
      }
      return lookup.latest[step.stage].map {
        StageOnRecord(stage: step.stage, isPresent: false, record: $0)
      }
    }
  }
}

extension PipelineCache {
  /// The value of an output on record.
  ///
  /// - Parameters:
  ///   - output: Of a record.
  ///   - codec: That of its kind.
  /// - Returns: nil where there is no object, or one with other bytes.
  /// - Throws: the codec's error.
  public func value(of output: OutputRecord, codec: any ValueCodec) throws -> (any StageValue)? {
    guard output.isKept, objects.state(of: output.digest) == .intact else { return nil }
    do {
      return try codec.decode(from: objects.path(of: output.digest), files: InputFiles([]))
    } catch {
      // A memo may have told what it was, on a disk that forgets bytes.
      if objects.readState(of: output.digest) == .damaged { return nil }
      throw error
    }
  }
}
