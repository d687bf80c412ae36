// The log of a stage as text and as JSON: when, where and how it was computed, and what it had to say.
import DPCStages
import Foundation
import Pipeline

/// What is on record of the stages of one run or of many.
struct StageLogText {
  private let pipeline: String
  private let cache: PipelineCache
  private let entries: [(instance: String?, entry: StageOnRecord)]

  /// - Parameters:
  ///   - pipeline: Its name.
  ///   - cache: Where records and what programs wrote are kept.
  ///   - plans: Of each run, by its key where there are many.
  ///   - stage: Which stage is meant; nil: all.
  init(
    _ pipeline: String, _ cache: PipelineCache, _ plans: [(key: String?, plan: PipelinePlan)],
    stage: String?
  ) {
    self.pipeline = pipeline
    self.cache = cache
    entries = plans.flatMap { key, plan in
      plan.onRecord(stage).map { (instance: key, entry: $0) }
    }
  }

  /// The layout of the JSON.
  private struct Document: Encodable {
    let schema = "dpc-stage-logs/1"
    let pipeline: String
    let stages: [Stage]

    struct Stage: Encodable {
      let instance: String?
      let stage: String
      let isPresent: Bool
      let record: ActionRecord
      let output: String?
    }
  }

  func printAll(_ format: OutputFormat) throws {
    if format == .json {
      return try printJSON(
        Document(
          pipeline: pipeline,
          stages: try entries.map { instance, entry in
            Document.Stage(
              instance: instance, stage: entry.stage, isPresent: entry.isPresent,
              record: entry.record, output: try StageLogs.text(of: entry.record, in: cache))
          }))
    }
    for (instance, entry) in entries {
      for line in try lines(entry, instance) { print(line) }
    }
    if entries.isEmpty { print("nothing of it was finished yet") }
  }

  private func lines(_ entry: StageOnRecord, _ instance: String?) throws -> [String] {
    let record = entry.record
    let name = (instance.map { "\($0) " } ?? "") + entry.stage
    var lines = [
      "\(name) (\(record.preimage.stageType), algorithm version"
        + " \(record.preimage.algorithmVersion))"
        + (entry.isPresent ? "" : ": the last one; what is asked for now was not computed yet"),
      "  begun \(record.started), \(seconds(record.duration)) of work, run \(record.runID),"
        + " dpc \(record.toolVersion)",
    ]
    let log = record.log
    if !log.reasons.isEmpty { lines.append("  because \(log.reasons.joined(separator: "; "))") }
    lines.append(
      "  on \(log.host), \(log.processors) processors, \(log.threads) stages at once;"
        + " \(seconds(log.gathering)) for inputs, \(seconds(log.keeping)) to keep the result"
        + (log.attempts > 1 ? "; done \(log.attempts) times, since an input was touched" : ""))
    lines += record.facts.map { "  found: \($0.text)" }
    lines += record.notes.map { "  \($0.kind.rawValue): \($0.text)" }
    if let output = try StageLogs.text(of: record, in: cache) {
      lines.append("  the program wrote" + (output.isEmpty ? " nothing" : ":"))
      if !output.isEmpty {
        lines += output.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
          "  | \($0)"
        }
      }
    }
    return lines
  }
}
