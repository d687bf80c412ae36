// The cache under stress: damage, half-written files, folders that cannot be written.
import Digest
import Foundation
import Testing

@testable import Pipeline

struct PipelineCacheTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func stages(factor: Double = 10) -> [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": factor], from: ["a": "two"]),
      node("sign", toy.sign, from: ["a": "scaled"]),
    ]
  }

  @Test("an object is read-only, stands under its digest and holds the codec's bytes")
  func layout() async throws {
    let report = await (try scratch.runner(stages())).run()
    let path = try scratch.object("scaled", in: report)
    let hex = try #require(report["scaled"]?.outputs["value"]?.digest).hex
    #expect(path == scratch.path + "/cache/v1/objects/\(hex.prefix(2))/\(hex.dropFirst(2))")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "number 20.0\n")
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o444)
    #expect(report["scaled"]?.outputs["value"]?.byteCount == 12)
    #expect(scratch.files(in: "tmp").isEmpty)
    #expect(scratch.files(in: "records").count == 3)
  }

  @Test("a damaged object is named and computed again", arguments: ["flip", "truncate", "empty"])
  func damagedObject(damage: String) async throws {
    let runner = try scratch.runner(stages())
    let first = await runner.run()
    let path = try scratch.object("scaled", in: first)
    try scratch.overwrite(path) { data in
      switch damage {
      case "flip": data[7] ^= 1
      case "truncate": data.removeLast()
      default: data.removeAll()
      }
    }
    #expect(
      runner.plan()["scaled"]?.description
        == "scaled because output object 'value' is corrupt (\(path))")
    let second = await runner.run()
    #expect(second.exitCode == 0)
    #expect(second["scaled"]?.outcome == .ran)
    #expect(second["sign"]?.outcome != .ran)
    #expect(second.cacheNotes.count == 1)
    #expect(
      second.cacheNotes.first?.text
        == "cache: stage scaled: output object 'value' is corrupt (\(path)); it is computed again")
    #expect(try runner.number("scaled", in: second) == 20)
    let third = await runner.run()
    #expect(third.ranCount == 0)
    #expect(third.cacheNotes.isEmpty)
  }

  @Test("a result whose object was damaged since the run is refused, not read")
  func damagedAfterRun() async throws {
    let runner = try scratch.runner(stages())
    let report = await runner.run()
    let path = try scratch.object("scaled", in: report)
    try scratch.overwrite(path) { $0[7] ^= 1 }
    let failure = try #require(throws: StageFailure.self) {
      try runner.number("scaled", in: report)
    }
    #expect(failure.category == .machine)
    #expect(failure.message == "scaled.value: its object in the cache is corrupt (\(path))")
    let none = try #require(throws: StageFailure.self) { try runner.number("none", in: report) }
    #expect(none.message == "none.value: there is no such result")
  }

  @Test("a missing object is computed again, without a warning")
  func missingObject() async throws {
    let runner = try scratch.runner(stages())
    let path = try scratch.object("sign", in: await runner.run())
    try FileManager.default.removeItem(atPath: path)
    #expect(
      runner.plan()["sign"]?.description
        == "sign because output object 'value' is missing (\(path))")
    let report = await runner.run()
    #expect(report["sign"]?.outcome == .ran)
    #expect(report.ranCount == 1)
    #expect(report.cacheNotes.isEmpty)
  }

  @Test("a garbled record is a miss with a word about it")
  func garbledRecord() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    for path in scratch.files(in: "records") { try scratch.overwrite(path) { $0.removeLast(30) } }
    for path in scratch.files(in: "latest") { try scratch.overwrite(path) { $0.removeAll() } }
    let report = await runner.run()
    #expect(report.exitCode == 0)
    #expect(report["two"]?.outcome == .ran)
    #expect(report.ranCount == 3)
    #expect(report.cacheNotes.count == 3)
    #expect(report.cacheNotes.allSatisfy { $0.text.contains("its record is unreadable") })
    #expect(await runner.run().ranCount == 0)
  }

  @Test("a record in another's place is not believed")
  func misplacedRecord() async throws {
    let runner = try scratch.runner([
      node("two", toy.constant, ["value": 2]), node("five", toy.constant, ["value": 5]),
    ])
    let first = await runner.run()
    let records = try ["two", "five"].map { name in
      scratch.cache.actions.path(of: try #require(first[name]?.key))
    }
    let five = try Data(contentsOf: URL(fileURLWithPath: records[1]))
    try scratch.overwrite(records[0]) { $0 = five }
    let second = await runner.run()
    #expect(second["two"]?.outcome == .ran)
    #expect(try runner.number("two", in: second) == 2)
  }

  @Test("an intact object that cannot be read as a value sends its stage back to work, once")
  func unreadableValue() async throws {
    _ = await (try scratch.runner(stages())).run()
    let failures = Tally()
    failures.count("decode")
    let sick = try scratch.runner(stages(factor: 11), codec: NumberCodec(failures: failures))
    let report = await sick.run()
    #expect(report.exitCode == 0)
    #expect(report["two"]?.outcome == .ran)
    #expect(report["two"]?.reasons == ["output object 'value' is unreadable (sick codec)"])
    #expect(try sick.number("scaled", in: report) == 22)
    #expect(report.cacheNotes.count == 1)
  }

  /// Permissions do not bind the superuser, so the folder is one that nobody can make.
  @Test("a cache that cannot be made is the machine's failure, told before any work is done")
  func impossibleFolder() async throws {
    let runner = try scratch.runner(stages(), cachePath: "/dev/null/cache")
    let report = await runner.run()
    #expect(report.exitCode == 5)
    #expect(toy.tally.total == 0)
    let failure = try #require(report["two"]?.failure)
    #expect(failure.category == .machine)
    #expect(
      failure.message
        == "cache: cannot make the folder /dev/null/cache/v1/tmp: Not a directory")
    #expect(failure.remedy == "choose a cache folder that can be written to (--cache)")
    #expect(report["sign"]?.outcome == .blocked(by: ["two"]))
  }

  @Test("a disk that is full while a result is written is the machine's failure")
  func fullDisk() throws {
    let full = StageFailure(
      .machine, "cache: cannot write /c/v1/tmp/x: No space left on device",
      remedy: "free some space, or choose another cache folder (--cache)")
    #expect(
      PipelineCache.failure(
        SystemError(operation: "write", path: "/c/v1/tmp/x", code: ENOSPC), in: "/c/v1")
        == full)
    // /dev/full takes no byte: the write itself is what reports it.
    let descriptor = open("/dev/full", O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let error = try #require(throws: SystemError.self) {
      try FileSystem.write([1], to: descriptor, "/dev/full")
    }
    #expect(error.code == ENOSPC)
  }

  @Test("a cache without a place to write serves a run that needs nothing new")
  func readOnlyCache() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    // A file where the folder for temporary files would be: nothing can be written any more.
    try FileManager.default.removeItem(atPath: scratch.path + "/cache/v1/tmp")
    _ = try scratch.write("", to: "cache/v1/tmp")
    let warm = await runner.run()
    #expect(warm.exitCode == 0)
    #expect(warm.hitCount == 3)
    #expect(try runner.number("scaled", in: warm) == 20)
    let changed = await (try scratch.runner(stages(factor: 3), results: ["two", "scaled"])).run()
    #expect(changed["two"]?.succeeded == true)
    #expect(changed["scaled"]?.failure?.category == .machine)
    #expect(changed.exitCode == 5)
  }

  @Test("what a killed run left half-written is swept up after a day, not before")
  func sweep() async throws {
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/cache/v1/tmp", withIntermediateDirectories: true)
    let old = try scratch.write("half", to: "cache/v1/tmp/old")
    let new = try scratch.write("half", to: "cache/v1/tmp/new")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -90_000)], ofItemAtPath: old)
    #expect(await (try scratch.runner(stages())).run().exitCode == 0)
    #expect(scratch.files(in: "tmp") == [new])
  }

  @Test("an object that another run is just moving to its place is not swept up")
  func sweepBesideAnother() throws {
    let objects = scratch.cache.objects
    let file = try objects.newFile()
    try file.write([1, 2, 3])
    // Its last state before it is moved: complete, and as old as every object.
    try FileSystem.setModified(file.path, to: ObjectStore.modified)
    try scratch.runner(stages()).cache.sweep()
    let (output, stamp) = try objects.publish(file, kind: "toy")
    #expect(output.byteCount == 3 && stamp?.size == 3)
  }
}
