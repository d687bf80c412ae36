// Looking after a cache: counting, verifying, clearing, and removing what is old.
import Foundation
import Testing

@testable import Pipeline

struct CacheMaintenanceTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func stages() -> [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": 10], from: ["a": "two"]),
      node("sign", toy.sign, from: ["a": "scaled"]),
    ]
  }

  @Test("verify finds what is damaged and removes it on demand; the next run computes it again")
  func verify() async throws {
    let runner = try scratch.runner(stages())
    let first = await runner.run()
    let sound = try scratch.cache.verify()
    #expect(sound.isSound)
    #expect((sound.objectCount, sound.recordCount) == (3, 3))
    let contents = try scratch.cache.contents()
    #expect((contents.objectCount, contents.recordCount) == (3, 3))
    #expect(
      try scratch.cache.records().map(\.preimage.stageType).sorted()
        == ["constant", "scale", "sign"])
    #expect(
      contents.byteCount == first.stages.compactMap { $0.outputs["value"]?.byteCount }.reduce(0, +))
    let path = try scratch.object("scaled", in: first)
    try scratch.overwrite(path) { $0[0] ^= 4 }
    let record = scratch.cache.actions.path(of: try #require(first["two"]?.key))
    try scratch.overwrite(record) { $0[40] ^= 4 }
    let damaged = try scratch.cache.verify()
    #expect(damaged.damagedObjects == [path])
    #expect(damaged.damagedRecords == [record])
    #expect(damaged.incompleteRecordCount == 1)
    #expect(try scratch.cache.verify(isRepairing: true) == damaged)
    #expect(try scratch.cache.verify().isSound)
    #expect(await runner.run().ranCount == 2)
  }

  @Test("clear removes what the cache holds and nothing else")
  func clear() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    let other = try scratch.write("mine", to: "cache/v1/notes.txt")
    try scratch.cache.clear()
    #expect(try scratch.cache.contents() == .init(objectCount: 0, byteCount: 0, recordCount: 0))
    #expect(FileManager.default.fileExists(atPath: other))
    #expect(await runner.run().ranCount == 3)
    try PipelineCache(path: scratch.path + "/never").clear()
  }

  @Test("results older than an age go, with the objects that only they name")
  func removeOldResults() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    let kept = try scratch.cache.removeResults(olderThan: 3600)
    #expect(kept.objectCount == 0)
    #expect(await runner.run().ranCount == 0)
    // Ages below zero reach into the future: everything is older than that.
    let removed = try scratch.cache.removeResults(olderThan: -3600)
    #expect(removed.objectCount == 3)
    #expect(await runner.run().ranCount == 3)
  }
}
