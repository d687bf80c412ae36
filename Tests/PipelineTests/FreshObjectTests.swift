// Objects that were just written: believed by their stamp, and for how long.
import Digest
import Foundation
import Testing

@testable import Pipeline

struct FreshObjectTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private var stages: [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": 3], from: ["a": "two"]),
    ]
  }

  private func records() throws -> [String] {
    try scratch.files(in: "records").map { try String(contentsOfFile: $0, encoding: .utf8) }
  }

  /// Puts other bytes in an object's place with the stamp that its record holds: whoever takes it has not read it.
  ///
  /// - Returns: The number that now stands there.
  private func plant(in runner: PipelineRunner, _ report: RunReport) throws -> Double {
    let path = try scratch.object("two", in: report)
    try scratch.overwrite(path) { $0[$0.count - 2] = UInt8(ascii: "9") }
    try FileSystem.setModified(path, to: ObjectStore.modified)
    let key = try #require(report["two"]?.key)
    guard case .found(var record) = runner.cache.actions.record(of: key) else {
      Issue.record("there is no record")
      return 0
    }
    record.objects?.stamps["value"] = try FileSystem.stamp(of: path)
    try runner.cache.actions.commit(record, as: key)
    return 2.9
  }

  @Test("a run that follows another reads none of its objects, and no memo")
  func secondRun() async throws {
    let first = try scratch.runner(stages)
    let report = await first.run()
    #expect(scratch.files(in: "memo").isEmpty)
    #expect(try records().allSatisfy { $0.contains("\"objects\"") })
    let planted = try plant(in: first, report)
    let again = try scratch.runner(stages)
    let hits = await again.run()
    #expect(hits.hitCount == 2)
    #expect(try again.number("two", in: hits) == planted)
    #expect(scratch.files(in: "memo").isEmpty)
  }

  @Test("a write is noticed however soon it comes, with the size and the place that there were")
  func changedAtOnce() async throws {
    for _ in 0..<20 {
      let report = await (try scratch.runner(stages)).run()
      try scratch.overwrite(try scratch.object("two", in: report)) { $0[0] ^= 1 }
      let again = await (try scratch.runner(stages)).run()
      #expect(again["two"]?.outcome == .ran)
      #expect(again.cacheNotes.count == 1)
    }
  }

  @Test("after another start of the machine an object is read, whatever its times say")
  func anotherBoot() async throws {
    let first = try scratch.runner(stages, boot: "before")
    let report = await first.run()
    _ = try plant(in: first, report)
    let after = await (try scratch.runner(stages, boot: "after")).run()
    #expect(after["two"]?.outcome == .ran)
    #expect(after.cacheNotes.count == 1)
  }

  @Test("whoever takes it in the same start waits for no disk while the system is still writing it")
  func stillBeingWritten() async throws {
    _ = await (try scratch.runner(stages, boot: "this")).run()
    let reader = try scratch.runner(stages, boot: "this", writingTime: 3_600_000_000_000)
    #expect(await reader.run().hitCount == 2)
    reader.cache.close()
    #expect(try records().allSatisfy { $0.contains("\"boot\" : \"this\"") })
  }

  @Test("whoever takes it later waits for the disk when it is done, not when it looks")
  func synchronized() async throws {
    let first = try scratch.runner(stages, boot: "this")
    let report = await first.run()
    let planted = try plant(in: first, report)
    let reader = try scratch.runner(stages, boot: "this", writingTime: 0)
    #expect(reader.plan().hitCount == 2)
    #expect(await reader.run().hitCount == 2)
    #expect(try records().allSatisfy { $0.contains("\"boot\"") })
    reader.cache.close()
    #expect(try records().allSatisfy { !$0.contains("\"boot\"") && $0.contains("\"stamps\"") })
    #expect(try scratch.cache.verify().damagedRecords.isEmpty)
    // From now on it holds for good.
    let later = try scratch.runner(stages, boot: "later")
    let hits = await later.run()
    #expect(hits.hitCount == 2)
    #expect(try later.number("two", in: hits) == planted)
  }

  @Test("many are waited for side by side, and each is looked at", arguments: [10, 100])
  func manyAtOnce(count: Int) async throws {
    let stages = (0..<count).map { node("s\($0)", toy.constant, ["value": Double($0)]) }
    let report = await (try scratch.runner(stages, boot: "this")).run()
    let reader = try scratch.runner(stages, boot: "this", writingTime: 0)
    #expect(await reader.run().hitCount == count)
    let output = try #require(report["s3"]?.outputs["value"])
    FileSystem.touch(scratch.cache.objects.path(of: output.digest))
    reader.cache.close()
    #expect(try records().count { $0.contains("\"boot\"") } == 1)
    #expect(try records().count == count)
  }

  @Test("what was touched before the disk had it is not remembered for good")
  func touchedBeforeTheDisk() async throws {
    let report = await (try scratch.runner(stages, boot: "this")).run()
    let reader = try scratch.runner(stages, boot: "this", writingTime: 0)
    #expect(await reader.run().hitCount == 2)
    FileSystem.touch(try scratch.object("two", in: report))
    reader.cache.close()
    #expect(try records().count { $0.contains("\"boot\"") } == 1)
  }

  @Test("where the machine does not name its start nothing is believed unread")
  func noBoot() async throws {
    let first = try scratch.runner(stages, boot: nil)
    _ = await first.run()
    #expect(try records().allSatisfy { !$0.contains("\"objects\"") })
    #expect(await (try scratch.runner(stages, boot: nil)).run().hitCount == 2)
  }

  @Test("a record of an earlier version, which holds no stamps, is read as before")
  func earlierVersion() async throws {
    let runner = try scratch.runner(stages)
    let report = await runner.run()
    for stage in report.stages {
      let key = try #require(stage.key)
      guard case .found(var record) = runner.cache.actions.record(of: key) else { continue }
      record.objects = nil
      try runner.cache.actions.commit(record, as: key)
    }
    #expect(try records().allSatisfy { !$0.contains("\"objects\"") })
    #expect(await (try scratch.runner(stages)).run().hitCount == 2)
    try scratch.overwrite(try scratch.object("two", in: report)) { $0[0] ^= 1 }
    #expect(await (try scratch.runner(stages)).run()["two"]?.outcome == .ran)
  }
}
