// Runs of toy pipelines: what is computed, what is not, and what a report says.
import Foundation
import Pipeline
import Testing

struct PipelineRunnerTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  /// ((2 + 3) * factor, sign of that, sum of 2 and 3 doubled)
  func stages(factor: Double = 10, two: Double = 2) -> [StageNode] {
    [
      node("two", toy.constant, ["value": two]), node("three", toy.constant, ["value": 3]),
      node("sum", toy.add, from: ["a": "two", "b": "three"]),
      node("scaled", toy.scale, ["factor": factor], from: ["a": "sum"]),
      node("sign", toy.sign, from: ["a": "scaled"]),
      node("last", toy.scale, ["factor": 7], from: ["a": "sign"]),
    ]
  }

  @Test("a first run computes everything, a second nothing, and the numbers are right")
  func coldAndWarm() async throws {
    let runner = try scratch.runner(stages(), results: ["scaled", "last"])
    let cold = await runner.run()
    #expect(cold.exitCode == 0)
    #expect(cold.ranCount == 6)
    #expect(try runner.number("scaled", in: cold) == 50)
    #expect(try runner.number("last", in: cold) == 7)
    let warm = await runner.run()
    #expect(warm.exitCode == 0)
    #expect((warm.ranCount, warm.hitCount) == (0, 6))
    #expect(toy.tally.total == 6)
    #expect(try runner.number("scaled", in: warm) == 50)
    #expect(
      warm["scaled"]?.outcome
        == .hit(computedByRunID: cold.runID, at: cold["scaled"]?.started ?? ""))
    #expect(warm["scaled"]?.facts == [Fact("value", text: "value = 50.0", value: 50)])
    #expect(warm["scaled"]?.notes == [Note(.information, "by scale")])
    #expect(warm["scaled"]?.preimage == cold["scaled"]?.preimage)
  }

  @Test("one parameter changed reruns that stage and what lies below, and early cutoff stops it")
  func earlyCutoff() async throws {
    _ = await (try scratch.runner(stages())).run()
    let runner = try scratch.runner(stages(factor: 20))
    let plan = runner.plan()
    #expect(plan["scaled"]?.description == "scaled because factor 10 -> 20")
    #expect(plan["sign"]?.description == "sign because scaled because factor 10 -> 20")
    #expect(plan["last"]?.description == "last because sign because scaled because factor 10 -> 20")
    let report = await runner.run()
    #expect(report["sum"]?.outcome != .ran)
    #expect(report["scaled"]?.outcome == .ran)
    #expect(report["scaled"]?.reasons == ["factor 10 -> 20"])
    #expect(report["sign"]?.outcome == .ran)
    // The sign is what it was, so what follows it is not computed again.
    #expect(report["last"]?.outcome != .ran)
    #expect(toy.tally["last"] == 1)
    #expect(try runner.number("scaled", in: report) == 100)
  }

  @Test("a miss is explained against what the stage did last, a hit included")
  func explainedAgainstLast() async throws {
    for factor in [10.0, 20, 10] { _ = await (try scratch.runner(stages(factor: factor))).run() }
    #expect(toy.tally["scaled"] == 2)
    let plan = try scratch.runner(stages(factor: 30, two: 4)).plan()
    #expect(plan["two"]?.description == "two because value 2 -> 4")
    #expect(plan["three"]?.description == "three: cached")
    #expect(plan["sum"]?.description == "sum because two because value 2 -> 4")
    #expect(
      plan["scaled"]?.description
        == "scaled because factor 10 -> 30 and sum because two because value 2 -> 4")
    let fresh = try Scratch()
    #expect(
      try fresh.runner(stages()).plan()["sum"]?.description
        == "sum because three because no record and two because no record")
  }

  @Test("a failed stage blocks what lies below it and nothing else")
  func isolation() async throws {
    let runner = try scratch.runner(
      [
        node("one", toy.constant, ["value": 1]), node("zero", toy.constant, ["value": 0]),
        node("bad", toy.divide, from: ["a": "one", "b": "zero"]),
        node("below", toy.sign, from: ["a": "bad"]),
        node("lower", toy.sign, from: ["a": "below"]),
        node("good", toy.divide, from: ["a": "zero", "b": "one"]),
      ], results: ["lower", "good"])
    let report = await runner.run()
    #expect(
      report["bad"]?.outcome
        == .failed(StageFailure(.failed, "cannot divide by zero", remedy: "do not")))
    #expect(report["below"]?.outcome == .blocked(by: ["bad"]))
    #expect(report["lower"]?.outcome == .blocked(by: ["bad"]))
    #expect(report["good"]?.outcome == .ran)
    #expect(report.exitCode == 3)
    #expect(report.producedResults == ["good"])
    let again = await runner.run()
    #expect(again["bad"]?.failure != nil)
    #expect(toy.tally["bad"] == 2)
  }

  @Test("nothing produced is 1, nothing produced from a refused input is 4")
  func exitCodes() async throws {
    let failing = [
      node("zero", toy.constant), node("bad", toy.divide, from: ["a": "zero", "b": "zero"]),
    ]
    #expect(await (try scratch.runner(failing, results: ["bad"])).run().exitCode == 1)
    let reading = [
      node("read", toy.read, files: ["file": "numbers"]),
      node("below", toy.sign, from: ["a": "read"]),
    ]
    let runner = try scratch.runner(
      reading, results: ["below"], inputs: ["numbers": scratch.path + "/absent"])
    let report = await runner.run()
    #expect(report.exitCode == 4)
    #expect(
      report["read"]?.failure?.message
        == "input 'numbers': cannot open \(scratch.path)/absent: No such file or directory")
    #expect(report["below"]?.outcome == .blocked(by: ["read"]))
    #expect(toy.tally["read"] == 0)
    let both = try scratch.runner(
      reading + [node("fine", toy.constant, ["value": 1])], results: ["below", "fine"],
      inputs: ["numbers": scratch.path + "/absent"])
    #expect(await both.run().exitCode == 3)
  }

  @Test("two stages that are the same action compute once", arguments: [1, 2])
  func sameAction(threads: Int) async throws {
    let runner = try scratch.runner(
      [
        node("a", toy.constant, ["value": 4]), node("b", toy.constant, ["value": 4]),
        node("sum", toy.add, from: ["a": "a", "b": "b"]),
      ], threads: threads)
    let report = await runner.run()
    #expect(toy.tally["a"] + toy.tally["b"] == 1)
    #expect(report["a"]?.key == report["b"]?.key)
    #expect(try runner.number("sum", in: report) == 8)
    #expect(report.exitCode == 0)
  }

  @Test("ports are told apart: inputs are never sorted")
  func swappedPorts() async throws {
    func stages(_ a: String, _ b: String) -> [StageNode] {
      [
        node("two", toy.constant, ["value": 2]), node("eight", toy.constant, ["value": 8]),
        node("ratio", toy.divide, from: ["a": a, "b": b]),
      ]
    }
    let first = try scratch.runner(stages("two", "eight"))
    #expect(try first.number("ratio", in: await first.run()) == 0.25)
    let second = try scratch.runner(stages("eight", "two"))
    #expect(
      second.plan()["ratio"]?.description == "ratio because input 'a' changed, input 'b' changed")
    #expect(try second.number("ratio", in: await second.run()) == 4)
  }

  private static func digest(_ stage: StageReport) -> String {
    stage.outputs["value"].map { "\($0.digest)" } ?? ""
  }

  @Test("the same bytes for one thread and for two")
  func threadCount() async throws {
    var contents: [[String]] = []
    for threads in [1, 2] {
      let scratch = try Scratch()
      let runner = try scratch.runner(stages(), threads: threads)
      let report = await runner.run()
      #expect(report.exitCode == 0)
      contents.append(
        report.stages.map {
          "\($0.key?.description ?? "") \(Self.digest($0))"
        })
      #expect(scratch.files(in: "objects").count == Set(contents[0].map { $0.suffix(64) }).count)
    }
    #expect(contents[0] == contents[1])
  }

  @Test("an output of several ports is stored port by port")
  func severalOutputs() async throws {
    let runner = try scratch.runner([
      node("number", toy.constant, ["value": 2.75]),
      node("parts", toy.split, from: ["a": "number"]),
      node("sum", toy.add, from: ["a": "parts.whole", "b": "parts.rest"]),
    ])
    let report = await runner.run()
    #expect(try runner.number("parts", "whole", in: report) == 2)
    #expect(try runner.number("parts", "rest", in: report) == 0.75)
    #expect(try runner.number("sum", in: report) == 2.75)
  }

  @Test("a raised algorithm version runs the stage again and says so")
  func algorithmVersion() async throws {
    _ = await (try scratch.runner(stages())).run()
    var newer = toy
    newer.addVersion = 2
    let changed = stages().map {
      $0.name == "sum" ? node("sum", newer.add, from: ["a": "two", "b": "three"]) : $0
    }
    let plan = try scratch.runner(changed).plan()
    #expect(plan["sum"]?.description == "sum because algorithm version 1 -> 2")
    #expect((plan.hitCount, plan.runCount) == (2, 4))
  }
}
