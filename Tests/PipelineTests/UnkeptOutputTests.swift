// Stages whose outputs are handed on in memory and formed again where they are wanted.
import Digest
import Foundation
import Testing

@testable import Pipeline

/// An operation that is quicker than reading its result back.
private struct Unkept: StageType {
  let base: Operation
  init(_ base: Operation) { self.base = base }

  var name: String { "quick-" + base.name }
  var summary: String { base.summary }
  var algorithmVersion: Int { base.algorithmVersion }
  var parameters: [ParameterSpecification] { base.parameters }
  var inputs: [InputPort] { base.inputs }
  var outputs: [OutputPort] { base.outputs }
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }
  func run(_ context: StageContext) throws -> StageProduct { try base.run(context) }
}

struct UnkeptOutputTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  /// two -> (doubled -> tripled, neither kept) -> last = 12 * factor
  private func stages(factor: Double = 1) -> [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("doubled", Unkept(toy.scale), ["factor": 2], from: ["a": "two"]),
      node("tripled", Unkept(toy.scale), ["factor": 3], from: ["a": "doubled"]),
      node("last", toy.scale, ["factor": factor], from: ["a": "tripled"]),
    ]
  }

  @Test("what is not kept leaves a record and no object, and counts as finished")
  func warm() async throws {
    let cold = await (try scratch.runner(stages(), results: ["tripled", "last"])).run()
    #expect(cold.exitCode == 0 && cold.ranCount == 4)
    #expect(scratch.files(in: "objects").count == 2)
    #expect(scratch.files(in: "records").count == 4)
    #expect(cold["tripled"]?.outputs["value"]?.isKept == false)
    #expect(cold["tripled"]?.outputs["value"]?.byteCount == 0)
    let runner = try scratch.runner(stages(), results: ["tripled", "last"])
    let warm = await runner.run()
    #expect((warm.ranCount, warm.hitCount) == (0, 4))
    #expect(toy.tally.total == 4)
    #expect(warm["tripled"]?.facts == [Fact("value", text: "value = 12.0", value: 12)])
    #expect(try scratch.cache.verify().isSound)
    #expect(try scratch.cache.verify().incompleteRecordCount == 0)
  }

  @Test("a value that was not kept is there right after the run, and formed again later")
  func values() async throws {
    let runner = try scratch.runner(stages(), results: ["tripled"])
    let report = await runner.run()
    #expect(try runner.number("tripled", in: report) == 12)
    #expect(toy.tally["tripled"] == 1)
    let later = try scratch.runner(stages(), results: ["tripled"])
    let warm = await later.run()
    #expect(try later.number("tripled", in: warm) == 12)
    // Until it is let go it need not be formed once more.
    #expect(try later.number("tripled", in: warm) == 12)
    #expect((toy.tally["two"], toy.tally["doubled"], toy.tally["tripled"]) == (1, 2, 2))
    later.releaseValues()
    #expect(try later.number("tripled", in: warm) == 12)
    #expect((toy.tally["two"], toy.tally["doubled"], toy.tally["tripled"]) == (1, 3, 3))
    // The object at the beginning of the chain is gone: so is the value.
    try FileManager.default.removeItem(atPath: try scratch.object("two", in: warm))
    let last = try scratch.runner(stages(), results: ["tripled"])
    #expect(throws: StageFailure.self) { try last.number("tripled", in: warm) }
  }

  @Test("a stage that wants such a value has it formed again; only its own work is reported")
  func wanted() async throws {
    _ = await (try scratch.runner(stages())).run()
    let runner = try scratch.runner(stages(factor: 5))
    let plan = runner.plan()
    #expect((plan.hitCount, plan.runCount) == (3, 1))
    #expect(plan["last"]?.description == "last because factor 1 -> 5")
    let report = await runner.run()
    #expect(report.exitCode == 0 && report.cacheNotes.isEmpty)
    #expect((report.ranCount, report.hitCount) == (1, 3))
    #expect(try runner.number("last", in: report) == 60)
    #expect((toy.tally["two"], toy.tally["doubled"], toy.tally["tripled"]) == (1, 2, 2))
    // The same action stands for the same value: nothing below is computed twice.
    let back = await (try scratch.runner(stages())).run()
    #expect((back.ranCount, back.hitCount) == (0, 4))
  }

  @Test("an object on the way to such a value that cannot be read is computed again")
  func unreadable() async throws {
    _ = await (try scratch.runner(stages())).run()
    let failures = Tally()
    failures.count("decode")
    let sick = try scratch.runner(stages(factor: 5), codec: NumberCodec(failures: failures))
    let report = await sick.run()
    #expect(report.exitCode == 0, "\(report.failures)")
    #expect(report["two"]?.outcome == .ran && report["last"]?.outcome == .ran)
    #expect(report.cacheNotes.count == 1)
    #expect(try sick.number("last", in: report) == 60)
  }

  @Test("an action that is not kept has another name for each key and port")
  func names() throws {
    let key = ActionKey(SHA256Digest(of: [1]))
    let other = ActionKey(SHA256Digest(of: [2]))
    let names = [
      OutputRecord(unkept: "a", of: key, kind: "number"),
      OutputRecord(unkept: "b", of: key, kind: "number"),
      OutputRecord(unkept: "a", of: other, kind: "number"),
    ].map(\.digest)
    #expect(Set(names).count == 3)
    #expect(!names.contains(key.digest))
  }

  @Test("records of kept outputs are what they were before outputs could be left out")
  func recordFormat() throws {
    let digest = SHA256Digest(of: [1])
    let kept = OutputRecord(digest: digest, byteCount: 3, kind: "number")
    let text = { (record: OutputRecord) in
      String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
    }
    #expect(try !text(kept).contains("isKept"))
    let old = Data("{\"digest\":\"\(digest)\",\"byteCount\":3,\"kind\":\"number\"}".utf8)
    #expect(try JSONDecoder().decode(OutputRecord.self, from: old) == kept)
    var left = kept
    left.isKept = false
    #expect(try text(left).contains("\"isKept\":false"))
    #expect(
      try JSONDecoder().decode(OutputRecord.self, from: JSONEncoder().encode(left)) == left)
  }
}
