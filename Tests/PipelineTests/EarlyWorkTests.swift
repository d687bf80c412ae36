// Stages that begin while their file is digested: done once, published only for the file that they read.
import Digest
import Foundation
import Glibc
import Synchronization
import Testing
import WorkSharing

@testable import Pipeline

struct EarlyWorkTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  /// A file that ends with a number, so large that a thread begins before it is digested, and so old that its stamp
  /// tells of changes.
  private func file(_ number: Int, size: Int = 64 << 20) throws -> String {
    let path = scratch.path + "/number.bin"
    try Self.write(number, to: path, size: size)
    Thread.sleep(forTimeInterval: 2.1)
    return path
  }

  private static let digits = 16

  private static func write(_ number: Int, to path: String, size: Int) throws {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.truncate(atOffset: UInt64(size - digits))
    let text = "\(number)"
    try handle.write(
      contentsOf: Data((String(repeating: " ", count: digits - text.utf8.count) + text).utf8))
    try handle.close()
  }

  private static func number(_ context: StageContext) throws -> Double {
    let handle = try #require(FileHandle(forReadingAtPath: context.file("file")?.path ?? ""))
    defer { try? handle.close() }
    try handle.seek(toOffset: try handle.seekToEnd() - UInt64(digits))
    let text = String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    return Double(text.trimmingCharacters(in: .whitespaces)) ?? .nan
  }

  private func reading(
    _ name: String = "reading", _ work: @escaping @Sendable (StageContext) throws -> Double
  ) -> Operation {
    var operation = Operation(name, inputs: [], tally: toy.tally) { ["value": try work($0)] }
    operation.mayBeginEarly = true
    return operation
  }

  private func runner(_ path: String, _ type: Operation) throws -> PipelineRunner {
    var runner = try scratch.runner(
      [
        node("read", type, files: ["file": "numbers"]), node("sign", toy.sign, from: ["a": "read"]),
      ],
      results: ["sign"], inputs: ["numbers": path])
    runner.occupyEarlyThread = {
      occupyThread()
      return true
    }
    return runner
  }

  private func early(_ runner: PipelineRunner) -> EarlyWork {
    EarlyWork(runner.graph, RunCancellation(), occupyThread: runner.occupyEarlyThread) { _, _ in }
  }

  /// The stage waits for the digest, which waits for the stage: neither would end alone.
  @Test("A stage is at work while its file is digested, and knows the digest once there is one")
  func beginsEarly() throws {
    let path = try file(6)
    let begun = DispatchSemaphore(value: 0)
    let known = Mutex("")
    let runner = try runner(
      path,
      reading { context in
        begun.signal()
        let digest = context.file("file")?.digest ?? ""
        known.withLock { $0 = digest }
        return try Self.number(context)
      })
    let early = early(runner)
    let stamp = try FileSystem.stamp(of: path)
    let digest = SHA256Digest(of: [1])
    let found = try early.during(digestOf: "numbers", path: path, stamp: stamp) {
      _ throws(SystemError) in
      begun.wait()
      return digest
    }
    #expect(found == digest)
    occupyThread()
    defer { vacateThread() }
    let left = try #require(early.take("read"))
    #expect((left.product.outputs["value"] as? Number)?.value == 6)
    #expect(left.stamps == ["numbers": stamp])
    #expect(known.withLock { $0 } == digest.hex)
    #expect(early.take("read") == nil)
    // It takes a value of any size: it waits for the key of what feeds it.
    #expect(early.take("sign") == nil)
    early.end()
  }

  /// The digest does not go on before the stage has said where it stands: neither would end alone.
  @Test("A stage that follows the digest reads what was passed, and all once the digest has ended")
  func follows() throws {
    let path = try file(6)
    let size = 64 << 20
    let (asks, reached) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let order = Mutex<[String]>([])
    let runner = try runner(
      path,
      reading { context in
        let file = try #require(context.file("file"))
        file.follow(through: 0)
        asks.signal()
        file.follow(through: 0.5)
        order.withLock { $0.append("half") }
        reached.signal()
        file.follow(through: 1)
        order.withLock { $0.append("whole") }
        return try Self.number(context)
      })
    let early = early(runner)
    _ = try early.during(
      digestOf: "numbers", path: path, stamp: try FileSystem.stamp(of: path)
    ) { hasPassed throws(SystemError) in
      asks.wait()
      order.withLock { $0.append("a byte less than half") }
      hasPassed(size / 2 - 1)
      // Long enough that a stage that does not wait comes first.
      Thread.sleep(forTimeInterval: 0.05)
      order.withLock { $0.append("passes half") }
      hasPassed(size / 2)
      reached.wait()
      order.withLock { $0.append("ends") }
      return SHA256Digest(of: [1])
    }
    occupyThread()
    defer { vacateThread() }
    #expect((early.take("read")?.product.outputs["value"] as? Number)?.value == 6)
    #expect(
      order.withLock { $0 } == ["a byte less than half", "passes half", "half", "ends", "whole"])
    early.end()
  }

  @Test("What was done early is not done again, and is what it would have been")
  func once() async throws {
    let path = try file(-6)
    let runner = try runner(path, reading { try Self.number($0) })
    let report = await runner.run()
    #expect(report.exitCode == 0 && report.ranCount == 2)
    #expect(try runner.number("sign", in: report) == -1)
    #expect(toy.tally["read"] == 1)
    #expect(report["read"]?.key == (try self.runner(path, reading { _ in 0 })).plan()["read"]?.key)
    let started = try #require(report["read"]?.started)
    #expect(started >= report.started && started <= report.ended)
  }

  @Test("What is in the cache is given up: a stage that would never end does not hold the run")
  func givenUp() async throws {
    let path = try file(6)
    #expect(await (try runner(path, reading { try Self.number($0) })).run().ranCount == 2)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
    try await Task.sleep(for: .seconds(2.1))
    let endless = try runner(
      path,
      reading { context in
        while true {
          try context.checkCancellation()
          Thread.sleep(forTimeInterval: 0.001)
        }
      })
    let report = await endless.run()
    #expect(report.hitCount == 2)
    #expect(report["read"]?.facts.map(\.text) == ["value = 6.0"])
  }

  /// The stage changes the file when the run has digested and planned, which goes on when that is done.
  @Test(
    "What a file held for a moment after it was digested is not published",
    arguments: [true, false])
  func changed(isChangedBack: Bool) async throws {
    let path = try file(6)
    let tally = toy.tally
    let (planned, changed) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let runner = try runner(
      path,
      reading { context in
        if tally["read"] > 1 { return try Self.number(context) }
        planned.wait()
        try Self.write(7, to: path, size: Self.digits)
        let value = try Self.number(context)
        if isChangedBack { try Self.write(6, to: path, size: 64 << 20) }
        changed.signal()
        return value
      })
    let report = await runner.run { event in
      guard case .stagePlanned(let step) = event, step.stage == "read" else { return }
      planned.signal()
      // Without end only where the stage did not begin early: then it does all this in its turn.
      _ = changed.wait(timeout: .now() + 20)
    }
    if isChangedBack {
      #expect(try runner.number("read", in: report) == 6)
      #expect(tally["read"] == 2)
    } else {
      #expect(report["read"]?.failure?.category == .inputRefused)
      #expect(scratch.files(in: "objects").isEmpty)
    }
  }

  @Test("A stage that fails early fails in the run, with its own words")
  func failing() async throws {
    let runner = try runner(
      try file(6),
      reading { _ in throw StageFailure(.failed, "not this number", remedy: "take another") })
    let report = await runner.run()
    #expect(
      report["read"]?.failure == StageFailure(.failed, "not this number", remedy: "take another"))
    #expect(report["sign"]?.outcome == .blocked(by: ["read"]))
  }

  @Test("Small files, stages that may not and threads that are not free begin nothing early")
  func notEarly() throws {
    func begun(_ path: String, _ runner: PipelineRunner) throws -> Bool {
      let early = early(runner)
      _ = try early.during(
        digestOf: "numbers", path: path, stamp: try FileSystem.stamp(of: path)
      ) { _ throws(SystemError) in SHA256Digest(of: []) }
      early.end()
      return toy.tally["read"] > 0
    }
    let small = try file(6, size: EarlyWork.smallestFile - 1)
    #expect(try !begun(small, try runner(small, reading { _ in 0 })))
    let large = try file(6)
    var late = reading { _ in 0 }
    late.mayBeginEarly = false
    #expect(try !begun(large, try runner(large, late)))
    var busy = try runner(large, reading { _ in 0 })
    busy.occupyEarlyThread = { false }
    #expect(try !begun(large, busy))
  }
}
