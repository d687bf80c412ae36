// A plan explained: field by field since the nearest run, down to the first cause, and what it will cost.
internal import Digest

/// One field of an action that is not what it was.
public struct FieldDifference: Sendable, Hashable, Codable {
  /// Such as `parameters.rotation_deg`, `files.file`, `inputs.field`, `algorithmVersion`.
  public var field: String
  /// nil where it is new.
  public var before: String?
  /// nil where it is gone.
  public var after: String?
}

extension ActionPreimage {
  /// Every field that differs from `old`, in the order of the key's items; files and inputs by the
  /// digests of their content. Empty exactly when the two are the same action.
  ///
  /// - Parameters:
  ///   - old: The earlier action.
  ///   - unknownPorts: Ports whose content is not known yet; they are left out.
  public func fieldDifferences(
    from old: ActionPreimage, ignoring unknownPorts: Set<String>
  ) -> [FieldDifference] {
    var found: [FieldDifference] = []
    func compare(_ field: String, _ before: String?, _ after: String?) {
      if before != after {
        found.append(FieldDifference(field: field, before: before, after: after))
      }
    }
    func compare<Value: Equatable>(
      _ section: String, _ before: [String: Value], _ after: [String: Value],
      _ text: (Value) -> String
    ) {
      // Values of another type may read the same: 1 and 1.0 are two parameters and one text.
      for key in Set(before.keys).union(after.keys).sorted() where before[key] != after[key] {
        found.append(
          FieldDifference(
            field: "\(section).\(key)", before: before[key].map(text), after: after[key].map(text)))
      }
    }
    compare("schemaVersion", "\(old.schemaVersion)", "\(schemaVersion)")
    compare("stageType", old.stageType, stageType)
    compare("algorithmVersion", "\(old.algorithmVersion)", "\(algorithmVersion)")
    compare("parameters", old.parameters, parameters) { $0.description }
    compare("files", old.files, files) { "sha256:\($0.hex)" }
    let known = { (ports: [String: InputContent]) in
      ports.filter { !unknownPorts.contains($0.key) }
    }
    compare("inputs", known(old.inputs), known(inputs)) { "\($0.kind) sha256:\($0.digest.hex)" }
    compare("outputs", old.outputs.joined(separator: ", "), outputs.joined(separator: ", "))
    return found
  }
}

/// What a stage is expected to cost, from runs that are on record.
public struct ExpectedCost: Sendable, Hashable, Codable {
  /// Seconds.
  public var duration: Double
  /// Of what it leaves.
  public var byteCount: Int
  /// How many recorded runs that stands on.
  public var recordCount: Int
  /// Whether these are runs of this stage; otherwise of others of its type, of which it is the mean.
  public var isOwn: Bool
}

/// One stage of a plan, explained.
public struct StageExplanation: Sendable, Hashable, Codable {
  public enum Decision: String, Sendable, Codable { case hit, run, blocked }

  /// A stage in which something changed, and what.
  public struct Cause: Sendable, Hashable, Codable {
    public var stage: String
    public var reason: String
  }

  public var stage: String
  /// The stage type's name.
  public var type: String
  public var decision: Decision
  /// nil while an input's content is not known.
  public var key: ActionKey?
  /// Each with the stages that pass it on: "field because thickness_nm 50 -> 52".
  public var reasons: [String]
  /// Where the reasons begin.
  public var causes: [Cause]
  /// Against the nearest of this stage's last records, of which the fewest fields differ; empty where there is none.
  public var differences: [FieldDifference]
  /// Of a stage that is to run; nil where no run of its type is on record.
  public var expected: ExpectedCost?
  /// Of a hit: seconds that the work took, and when it began (ISO 8601, UTC).
  public var computed: Computed?

  public struct Computed: Sendable, Hashable, Codable {
    public var runID: String
    public var started: String
    public var duration: Double
    public var byteCount: Int
  }
}

/// A plan, explained stage by stage in the graph's order.
public struct PlanExplanation: Sendable, Hashable, Codable {
  public var schema = "dpc-explanation/1"
  public var pipeline: String
  public var stages: [StageExplanation]

  /// Stages that begin a chain of reruns, each with all that run because of it.
  public var causes: [(cause: StageExplanation.Cause, stages: [String])] {
    var order: [StageExplanation.Cause] = []
    var affected: [StageExplanation.Cause: [String]] = [:]
    for stage in stages {
      for cause in stage.causes {
        if affected[cause] == nil { order.append(cause) }
        affected[cause, default: []].append(stage.stage)
      }
    }
    return order.map { ($0, affected[$0] ?? []) }
  }

  /// Seconds and bytes that the stages to run are expected to take, one after the other, and the
  /// stages of which nothing is known.
  public var expected: (duration: Double, byteCount: Int, unknown: [String]) {
    var sum = (duration: 0.0, byteCount: 0, unknown: [String]())
    for stage in stages where stage.decision == .run {
      guard let expected = stage.expected else {
        sum.unknown.append(stage.stage)
        continue
      }
      sum.duration += expected.duration
      sum.byteCount += expected.byteCount
    }
    return sum
  }
}
