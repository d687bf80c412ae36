// A plan explained: fields, first causes and the cost to expect.
import Foundation
import Testing

@testable import Pipeline

struct ExplanationTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func runner(factor: Double, text: String) throws -> PipelineRunner {
    try scratch.runner(
      [
        node("read", toy.read, files: ["file": "numbers"]),
        node("scaled", toy.scale, ["factor": factor], from: ["a": "read"]),
        node("sign", toy.sign, from: ["a": "scaled"]),
        node("other", toy.constant, ["value": 1]),
      ], inputs: ["numbers": try scratch.write(text, to: "numbers.txt")])
  }

  @Test("each field that differs is told with both values, and each chain with its first cause")
  func differences() async throws {
    _ = await (try runner(factor: 10, text: "6")).run()
    let explained = try runner(factor: 12.5, text: "6").plan().explanation()
    let stages = Dictionary(uniqueKeysWithValues: explained.stages.map { ($0.stage, $0) })
    let scaled = try #require(stages["scaled"])
    #expect(
      scaled.differences
        == [FieldDifference(field: "parameters.factor", before: "10", after: "12.5")])
    #expect(scaled.causes == [.init(stage: "scaled", reason: "factor 10 -> 12.5")])
    let sign = try #require(stages["sign"])
    #expect(sign.reasons == ["scaled because factor 10 -> 12.5"])
    #expect(sign.causes == scaled.causes)
    #expect(sign.differences.isEmpty && sign.key == nil)
    #expect(stages["read"]?.decision == .hit && stages["read"]?.computed?.byteCount == 11)
    let causes = explained.causes
    #expect(causes.map(\.stages) == [["scaled", "sign"]])
  }

  @Test("another input is told by the digests of both contents")
  func files() async throws {
    _ = await (try runner(factor: 10, text: "6")).run()
    let explained = try runner(factor: 10, text: "-6").plan().explanation()
    let difference = try #require(
      explained.stages.first { $0.stage == "read" }?.differences.first)
    #expect(difference.field == "files.file")
    #expect(
      difference.before
        == "sha256:e7f6c011776e8db7cd330b54174fd76f7d0216b612387a5ffcfb81e6f0919683")
    #expect(difference.after?.hasPrefix("sha256:") == true)
    #expect(explained.causes.map(\.stages) == [["read", "scaled", "sign"]])
  }

  @Test("a run on another input in between: held against the last run on the input at hand")
  func alternating() async throws {
    _ = await (try runner(factor: 10, text: "6")).run()
    _ = await (try runner(factor: 10, text: "-6")).run()
    let first = try runner(factor: 12, text: "6").plan().explanation()
    let scaled = try #require(first.stages.first { $0.stage == "scaled" })
    #expect(scaled.reasons == ["factor 10 -> 12"])
    #expect(scaled.differences.map(\.field) == ["parameters.factor"])
    // What no run has had is held against the last of all.
    _ = await (try runner(factor: 12, text: "6")).run()
    let third = try runner(factor: 10, text: "8").plan().explanation()
    #expect(third.stages.first { $0.stage == "read" }?.differences.map(\.field) == ["files.file"])
    #expect(scratch.files(in: "latest").count == 3)
  }

  @Test("held against the nearest of the last runs, not the latest")
  func nearest() async throws {
    func runner(_ factor: Double, _ value: Double) throws -> PipelineRunner {
      try scratch.runner([
        node("constant", toy.constant, ["value": value]),
        node("scaled", toy.scale, ["factor": factor], from: ["a": "constant"]),
        node("sum", toy.add, from: ["a": "scaled", "b": "constant"]),
      ])
    }
    _ = await (try runner(10, 1)).run()
    _ = await (try runner(20, 2)).run()
    let back = try runner(10.5, 1).plan().explanation()
    #expect(
      back.stages.map(\.reasons) == [
        [], ["factor 10 -> 10.5"], ["scaled because factor 10 -> 10.5"],
      ])
    #expect(back.stages.map { $0.differences.map(\.before) } == [[], ["10"], []])
    // Of two that differ in as many fields, the later.
    let other = try runner(10, 3).plan().explanation()
    #expect(other.stages.map(\.reasons).first == ["value 2 -> 3"])
    // What was taken from the cache was done last.
    _ = await (try runner(10, 1)).run()
    #expect(try runner(10, 3).plan().explanation().stages.map(\.reasons).first == ["value 1 -> 3"])
  }

  @Test("a stage's last eight actions are remembered, and none whose record went")
  func memory() async throws {
    func runner(_ value: Double) throws -> PipelineRunner {
      try scratch.runner([node("constant", toy.constant, ["value": value])])
    }
    var report: RunReport?
    for value in 1...12 { report = await (try runner(Double(value))).run() }
    let last = try #require(report?["constant"]?.key)
    let known = try #require(scratch.cache.actions.latest(of: "toy", on: [:]))
    #expect(known.actions(of: "constant").count == 8 && known.keys["constant"] == last)
    try FileManager.default.removeItem(atPath: scratch.cache.actions.path(of: last))
    #expect(try runner(13).plan().explanation().stages.first?.reasons == ["value 11 -> 13"])
    scratch.cache.actions.dropDanglingLatest()
    #expect(
      scratch.cache.actions.latest(of: "toy", on: [:])?.actions(of: "constant")
        == Array(known.actions(of: "constant").dropFirst()))
  }

  @Test("the cost to expect is that of the last time, else the mean of the type, else unknown")
  func costs() async throws {
    let nothing = try runner(factor: 10, text: "6").plan().explanation().expected
    #expect(nothing.unknown.count == 4 && nothing.byteCount == 0)
    let report = await (try runner(factor: 10, text: "6")).run()
    let explained = try runner(factor: 11, text: "6").plan().explanation()
    let expected = try #require(explained.stages.first { $0.stage == "scaled" }?.expected)
    #expect(expected.isOwn && expected.byteCount == 12)
    #expect(expected.duration == report["scaled"]?.duration)
    // "scaled" leaves 12 bytes, "sign" 11.
    #expect(explained.expected.byteCount == 23 && explained.expected.unknown.isEmpty)
    let renamed = try scratch.runner([node("new", toy.constant, ["value": 3])])
    let mean = try #require(renamed.plan().explanation().stages.first?.expected)
    #expect(!mean.isOwn && mean.recordCount == 1 && mean.byteCount == 11)
  }

  @Test("JSON carries all of it and reads back the same")
  func json() async throws {
    _ = await (try runner(factor: 10, text: "6")).run()
    let explained = try runner(factor: 11, text: "6").plan().explanation()
    let data = try JSONEncoder().encode(explained)
    #expect(try JSONDecoder().decode(PlanExplanation.self, from: data) == explained)
  }
}
