// What is no file of the cache in the place of one: named, with what to do, and never waited for.
import Foundation
import Glibc
import Testing

@testable import Pipeline

struct CacheObstacleTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private var stages: [StageNode] { [node("two", toy.constant, ["value": 2])] }

  private func object() async throws -> String {
    try scratch.object("two", in: await (try scratch.runner(stages)).run())
  }

  private func remedy(of path: String) -> String {
    "remove \(path): the cache did not put it there"
  }

  @Test("a folder in the place of an object is named, and shall be removed")
  func folder() async throws {
    let path = try await object()
    try FileSystem.remove(path)
    try FileSystem.makeFolder(path + "/inner")
    let report = await (try scratch.runner(stages)).run()
    let failure = try #require(report["two"]?.failure)
    #expect(report.exitCode == 5)
    #expect(failure.message == "cache: cannot write \(path): Is a directory")
    #expect(failure.remedy == remedy(of: "it"))
    for use in uses {
      let failure = #expect(throws: StageFailure.self) { try use() }
      #expect(failure?.message == "cache: cannot read \(path): Is a directory")
      #expect(failure?.remedy == remedy(of: "it"))
    }
  }

  @Test("a file in the place of a folder of objects is named, and shall be removed")
  func file() async throws {
    let folder = FileSystem.parent(of: try await object())
    try FileSystem.removeFolder(folder)
    try FileSystem.write([1], toNew: folder)
    let report = await (try scratch.runner(stages)).run()
    let failure = try #require(report["two"]?.failure)
    #expect(failure.message == "cache: cannot make the folder \(folder): Not a directory")
    #expect(failure.remedy == remedy(of: "it"))
    try FileSystem.remove(folder)
    #expect(await (try scratch.runner(stages)).run().exitCode == 0)
  }

  @Test("a file in the place of a folder above is told apart from the path that it bars")
  func fileAbove() async throws {
    let objects = FileSystem.parent(of: FileSystem.parent(of: try await object()))
    try FileSystem.removeFolder(objects)
    try FileSystem.write([1], toNew: objects)
    let failure = await (try scratch.runner(stages)).run()["two"]?.failure
    #expect(failure?.remedy == remedy(of: objects))
  }

  @Test("a link that leads to itself is named by whoever counts, and replaced by whoever computes")
  func loop() async throws {
    let path = try await object()
    try FileSystem.remove(path)
    #expect(symlink(path, path) == 0)
    for use in uses {
      let failure = #expect(throws: StageFailure.self) { try use() }
      #expect(failure?.message.contains(path) == true)
      #expect(failure?.remedy == remedy(of: "it"))
    }
    #expect(await (try scratch.runner(stages)).run().exitCode == 0)
    #expect(try scratch.cache.verify().isSound)
  }

  @Test("a pipe in the place of a record, an object or a memo is never waited for")
  func pipe() async throws {
    let path = try await object()
    let record = try #require(scratch.files(in: "records").first)
    for path in [path, record] {
      try FileSystem.remove(path)
      #expect(mkfifo(path, 0o600) == 0)
      let failure = #expect(throws: StageFailure.self) { try scratch.cache.verify() }
      #expect(failure?.message == "cache: cannot read \(path): it is no regular file")
      #expect(failure?.remedy == remedy(of: "it"))
      let report = await (try scratch.runner(stages)).run()
      #expect(report.exitCode == 0)
      #expect(report.cacheNotes.first?.text.contains("it is no regular file") == true)
      #expect(try scratch.cache.verify().isSound)
    }
  }

  @Test("outside of the cache nothing is to be removed, and permissions are another matter")
  func elsewhere() {
    let choose = "choose a cache folder that can be written to (--cache)"
    for (path, code) in [
      ("/dev/null/v1", ENOTDIR), ("/c/v1/objects/ab/cd", EACCES), ("/c/v1/tmp", EROFS),
    ] {
      let error = SystemError(operation: "write", path: path, code: code)
      #expect(PipelineCache.failure(error, in: "/dev/null/v1").remedy == choose)
    }
  }

  @Test("too many open files are no reason to choose another folder")
  func openFiles() {
    let error = SystemError(operation: "write", path: "/c/v1/tmp/x", code: EMFILE)
    #expect(
      PipelineCache.failure(error, in: "/c/v1").remedy
        == "allow more open files (ulimit -n) and run again")
  }

  /// What looks at every object.
  private var uses: [() throws -> Void] {
    let cache = scratch.cache
    return [
      { _ = try cache.contents() }, { _ = try cache.verify() },
      { _ = try cache.collect(PipelineCache.CollectionRules()) },
    ]
  }
}
