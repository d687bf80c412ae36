// Runs that end in the middle: killed, or with a disk that takes no more.
import Foundation
import Pipeline
import Testing

/// A codec that stops in the middle of writing the number 13.
private struct DyingCodec: ValueCodec {
  let kind: PortKind = "number"

  func encode(_ value: any StageValue, to file: ObjectFile) throws {
    if value as? Number == Number(value: 13) {
      try file.write(Array("num".utf8))
      kill(getpid(), SIGKILL)
    }
    try NumberCodec().encode(value, to: file)
  }

  func decode(from path: String, files: InputFiles) throws -> any StageValue {
    try NumberCodec().decode(from: path, files: files)
  }
}

struct CrashTests {
  private static func graph(_ toy: Arithmetic) throws -> PipelineGraph {
    try PipelineGraph(
      name: "toy", inputPaths: [:],
      stages: [
        node("a-six", toy.constant, ["value": 6]), node("b-seven", toy.constant, ["value": 7]),
        node("sum", toy.add, from: ["a": "a-six", "b": "b-seven"]),
        node("sign", toy.sign, from: ["a": "sum"]),
      ], results: ["sum"])
  }

  @Test("killed while it writes an object, the same command goes on from what was finished")
  func killed() async throws {
    let scratch = try Scratch()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = scratch.path as String] in
      let runner = PipelineRunner(
        graph: try Self.graph(Arithmetic()), codecs: [DyingCodec()],
        cache: PipelineCache(path: path + "/cache"), toolVersion: "toy")
      _ = await runner.run()
    }
    #expect(scratch.files(in: "objects").count == 2)
    #expect(scratch.files(in: "records").count == 2)
    // The half of an object, and what the leases are names of.
    #expect(scratch.files(in: "tmp").count == 2)
    #expect(try scratch.cache.verify().isSound)
    let toy = Arithmetic()
    let runner = PipelineRunner(
      graph: try Self.graph(toy), codecs: [NumberCodec()], cache: scratch.cache,
      toolVersion: "toy")
    let report = await runner.run()
    #expect((report.hitCount, report.ranCount) == (2, 2))
    #expect(report.exitCode == 0)
    #expect(report.cacheNotes.isEmpty)
    #expect(try runner.number("sum", in: report) == 13)
  }

  /// The limit on the size of a file stands in for a full disk: it needs no privilege.
  @Test("an object that cannot be written whole is the machine's failure and leaves nothing")
  func writeFails() async throws {
    let scratch = try Scratch()
    await #expect(processExitsWith: .success) { [path = scratch.path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4, rlim_max: 4)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let runner = PipelineRunner(
        graph: try Self.graph(Arithmetic()), codecs: [NumberCodec()],
        cache: PipelineCache(path: path + "/cache"), toolVersion: "toy")
      let report = await runner.run()
      #expect(report.exitCode == 5)
      let failure = try #require(report["a-six"]?.failure)
      #expect(failure.category == .machine)
      #expect(failure.message.hasPrefix("cache: cannot write \(path)/cache/v1/tmp/"))
      #expect(failure.message.hasSuffix(": File too large"))
      #expect(report["sum"]?.outcome == .blocked(by: ["a-six", "b-seven"]))
    }
    #expect(scratch.files(in: "objects").isEmpty)
    #expect(scratch.files(in: "records").isEmpty)
    #expect(scratch.files(in: "tmp").isEmpty)
  }
}
