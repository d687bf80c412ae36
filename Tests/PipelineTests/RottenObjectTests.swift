// Objects whose bytes a disk forgot without a trace in their stamps: believed until they cannot be read.
import Digest
import Foundation
import Testing

@testable import Pipeline

struct RottenObjectTests {
  let scratch: Scratch
  let toy: Arithmetic

  init() throws { self.init(scratch: try Scratch(), toy: Arithmetic()) }

  private init(scratch: Scratch, toy: Arithmetic) {
    self.scratch = scratch
    self.toy = toy
  }

  private var stages: [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("six", toy.scale, ["factor": 3], from: ["a": "two"]),
      node("ten", toy.scale, ["factor": 5], from: ["a": "two"]),
    ]
  }

  /// Takes the number out of an object and leaves it the stamp that its record holds.
  private func rot(_ stage: String, in report: RunReport, _ runner: PipelineRunner) throws {
    let path = try scratch.object(stage, in: report)
    try scratch.overwrite(path) { $0 = Data(repeating: UInt8(ascii: "?"), count: $0.count) }
    try FileSystem.setModified(path, to: ObjectStore.modified)
    let key = try #require(report[stage]?.key)
    guard case .found(var record) = runner.cache.actions.record(of: key) else {
      Issue.record("there is no record")
      return
    }
    record.objects?.stamps["value"] = try FileSystem.stamp(of: path)
    try runner.cache.actions.commit(record, as: key)
  }

  @Test("a result that cannot be read when the run is over is computed again, with a word")
  func result() async throws {
    let first = try scratch.runner(stages)
    let before = await first.run()
    try rot("six", in: before, first)
    let path = try scratch.object("six", in: before)
    let runner = try scratch.runner(stages)
    let report = await runner.run()
    #expect(report.foundEverything)
    #expect(try runner.number("six", in: report) == 6)
    #expect(try runner.number("ten", in: report) == 10)
    #expect((toy.tally["two"], toy.tally["six"], toy.tally["ten"]) == (1, 2, 1))
    #expect(
      runner.lateNotes.map(\.text) == [
        "cache: stage six: output object 'value' is corrupt (\(path)); it is computed again"
      ])
    #expect(try scratch.cache.verify().isSound)
    let again = try scratch.runner(stages)
    let hits = await again.run()
    #expect(hits.hitCount == 3)
    #expect(try again.number("six", in: hits) == 6)
    #expect(again.lateNotes.isEmpty)
  }

  @Test("what is under the result has rotted too: all of it is computed again")
  func chain() async throws {
    let first = try scratch.runner(stages)
    let before = await first.run()
    for stage in ["two", "six"] { try rot(stage, in: before, first) }
    let runner = try scratch.runner(stages)
    let report = await runner.run()
    #expect(report.hitCount == 3)
    #expect(try runner.number("six", in: report) == 6)
    #expect(runner.lateNotes.count == 2)
    #expect(try scratch.cache.verify().isSound)
  }

  /// The slower of two readers finds the object gone, since the faster has removed it: whoever is heard first, the damage
  /// is told, once. Rounds, for which of them comes first is chance.
  @Test(
    "stages side by side that cannot read their input have it computed once", arguments: [1, 4])
  func inputs(threads: Int) async throws {
    for round in 1...(threads == 1 ? 1 : 100) {
      let (scratch, toy) = (try Scratch(), Arithmetic())
      let other = RottenObjectTests(scratch: scratch, toy: toy)
      let first = try scratch.runner([node("two", toy.constant, ["value": 2])])
      let before = await first.run()
      try other.rot("two", in: before, first)
      let path = try scratch.object("two", in: before)
      let runner = try scratch.runner(other.stages, threads: threads)
      let report = await runner.run()
      #expect(report.exitCode == 0, "round \(round): \(report.failures)")
      #expect(toy.tally["two"] == 2)
      #expect(try runner.number("six", in: report) == 6)
      #expect(try runner.number("ten", in: report) == 10)
      #expect(
        report.cacheNotes.map(\.text) == [
          "cache: stage two: output object 'value' is corrupt (\(path)); it is computed again"
        ], "round \(round)")
      #expect(try scratch.cache.verify().isSound)
    }
  }

  @Test("an object that holds what its name says and cannot be read stays, and is a failure")
  func sickCodec() async throws {
    let first = try scratch.runner(stages)
    let before = await first.run()
    let failures = Tally()
    failures.count("decode")
    let runner = try scratch.runner(stages, codec: NumberCodec(failures: failures))
    let report = await runner.run()
    let failure = #expect(throws: StageFailure.self) { try runner.number("six", in: report) }
    #expect(
      failure?.message
        == "six.value: cannot be read: output object 'value' is unreadable (sick codec)")
    #expect(FileManager.default.fileExists(atPath: try scratch.object("six", in: before)))
    #expect(try runner.number("six", in: report) == 6)
  }
}
