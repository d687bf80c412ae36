// Many runs over one cache: failures apart, nothing done twice, one log from which all is formed.
import Digest
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Pipeline

struct ManyRunnerTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  /// A pipeline `shared -> own -> result`; only `own` differs.
  private func runner(
    _ factor: Double, shared: Operation? = nil, own: Operation? = nil, threads: Int = 1
  ) throws -> PipelineRunner {
    try scratch.runner(
      [
        node("shared", shared ?? toy.constant, ["value": 6]),
        node("own", own ?? toy.divide, ["factor": factor], from: ["a": "shared", "b": "divisor"]),
        node("divisor", toy.constant, ["value": factor]),
      ], results: ["own"], threads: threads)
  }

  private func many(
    _ factors: [Double], threads: Int = 1, maxFailures: Int? = nil, shared: Operation? = nil,
    own: Operation? = nil, cancellation: RunCancellation = RunCancellation(),
    onEvent: @escaping @Sendable (ManyEvent) -> Void = { _ in }
  ) async throws -> ManyReport {
    let runners = try factors.map {
      (key: "f\($0)", runner: try runner($0, shared: shared, own: own, threads: threads))
    }
    let many = ManyRunner(
      pipeline: "toy", toolVersion: "toy 1", runners: runners, threads: threads,
      maxFailures: maxFailures)
    return await many.run(cancellation: cancellation, onEvent: onEvent) { index, run, log, _ in
      #expect((try? EventLog.report(from: log.text)) == run)
      return InstanceReport(key: runners[index].key, run: run, outputs: [], trouble: nil)
    }
  }

  @Test(
    "a failure stays with its own run, and what runs share is computed once", arguments: [1, 4])
  func apart(threads: Int) async throws {
    let report = try await many([1, 0, 2, 3], threads: threads)
    #expect(report.instances.map(\.key) == ["f1.0", "f0.0", "f2.0", "f3.0"])
    #expect(report.instances.map(\.outcome) == [.done, .failed, .done, .done])
    #expect(report.instances[1].failures.map(\.failure.message) == ["cannot divide by zero"])
    #expect(report.exitCode == 3)
    #expect(toy.tally["shared"] == 1)
    #expect(toy.tally["own"] == 4)
    let again = try await many([1, 2], threads: threads)
    #expect(again.exitCode == 0)
    #expect(again.instances.allSatisfy { $0.run?.hitCount == 3 })
  }

  @Test("while one only waits for the disk, another has its thread")
  func resting() async throws {
    let finished = Tally()
    let slow = Operation("slow", inputs: [], tally: toy.tally) { context in
      ["value": context.number("value") ?? 0]
    }
    let runners = try (0..<6).map {
      (
        key: "k\($0)", runner: try scratch.runner([node("a", slow, ["value": Double($0)])])
      )
    }
    let many = ManyRunner(pipeline: "toy", toolVersion: "toy 1", runners: runners, threads: 1)
    let report = await many.run(cancellation: RunCancellation(), onEvent: { _ in }) {
      index, run, _, rests in
      if index == 0 {
        rests()
        // All others are done while this one waits, for half a minute at most: with its thread they could not be.
        for _ in 0..<30_000 where finished.total < 5 { usleep(1000) }
        #expect(finished.total == 5)
      } else {
        finished.count("k\(index)")
      }
      return InstanceReport(key: runners[index].key, run: run, outputs: [], trouble: nil)
    }
    #expect(report.exitCode == 0)
    #expect(report.instances.map(\.key) == runners.map(\.key))
  }

  @Test("equal work that is asked for at the same time is done once", arguments: [2, 4])
  func atTheSameTime(threads: Int) async throws {
    let slow = Operation("slow", inputs: [], tally: toy.tally) { context in
      usleep(100_000)
      return ["value": context.number("value") ?? 0]
    }
    let report = try await many([1, 2, 3, 4], threads: threads, shared: slow)
    #expect(report.exitCode == 0)
    #expect(toy.tally["shared"] == 1)
  }

  @Test("runs go on side by side when there are threads for it, and never more stages than those")
  func sideBySide() async throws {
    for threads in [1, 2] {
      let rendezvous = Rendezvous()
      let own = Operation("own", inputs: ["a", "b"]) { context in
        rendezvous.wait(for: threads)
        return ["value": try context.value("b") + Double(threads)]
      }
      // Other numbers each time, so that nothing comes from the cache.
      let factors = (1...5).map { Double(10 * threads + $0) }
      let report = try await many(factors, threads: threads, own: own)
      #expect(report.exitCode == 0)
      #expect(rendezvous.most == threads)
    }
  }

  @Test(
    "after so many failures no other run is begun", arguments: [(1, 3...3), (2, 1...3), (3, 0...0)])
  func maxFailures(limit: Int, skipped: ClosedRange<Int>) async throws {
    // How many runs are under way when the second fails depends on how busy the machine is.
    let report = try await many([0, -0.0, 1, 2, 3], maxFailures: limit)
    #expect(report.count(.failed) == 2)
    #expect(skipped.contains(report.count(.skipped)))
    #expect(report.count(.done) == 3 - report.count(.skipped))
    #expect(report.exitCode == (report.count(.done) == 0 ? 1 : 3))
  }

  @Test("a request to stop begins no other run and is what the whole ends with")
  func stopped() async throws {
    let cancellation = RunCancellation()
    let report = try await many([1, 2, 3, 4, 5], cancellation: cancellation) { event in
      if case .instanceFinished = event { cancellation.cancel(signal: SIGTERM) }
    }
    #expect(report.instances[0].outcome == .done)
    #expect(report.count(.skipped) >= 3)
    #expect(report.exitCode == 143)
    #expect(toy.tally["own"] <= 2)
  }

  @Test(
    "the exit code of every mixture",
    arguments: [
      ([0, 0], 0), ([0, 1], 3), ([3, 1], 3), ([1, 1], 1), ([1, 4], 4), ([4, 4], 4), ([0, 5], 5),
    ] as [([Int32], Int32)])
  func exitCodes(codes: [Int32], whole: Int32) async throws {
    var report = try await many([1, 2])
    for (index, code) in codes.enumerated() {
      report.instances[index].exitCode = code
      report.instances[index].outcome = code == 0 ? .done : code == 3 ? .partial : .failed
    }
    #expect(report.exitCode == whole)
  }

  @Test("the log of all is that of a run whose stages are the runs")
  func log() async throws {
    let log = Mutex(
      ManyLog(
        pipeline: "toy",
        parameters: ["f0.0": ["own.factor": ResolvedParameter(.number(0), origin: .matrix)]]))
    let report = try await many([1, 0, 2], maxFailures: 1) { event in
      log.withLock { $0.absorb(event) }
    }
    let whole = try #require(log.withLock { $0.report })
    #expect(try EventLog.report(from: log.withLock { $0.log.text }) == whole)
    #expect(whole.runID == report.runID)
    #expect(whole.stages.map(\.name) == ["f1.0", "f0.0", "f2.0"])
    #expect(whole["f1.0"]?.outcome == .ran)
    #expect(whole["f0.0"]?.failure?.message == "cannot divide by zero")
    #expect(whole["f0.0"]?.parameters["own.factor"]?.origin == .matrix)
  }

  @Test("plans of many open an input that they share once, and tell equal reasons together")
  func plans() async throws {
    let path = try scratch.write("6", to: "numbers.txt")
    // A file from the future is young: nothing is remembered of it, each look would read it.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: 3600)], ofItemAtPath: path)
    let graphs = try (1...5).map { index in
      (
        key: "k\(index)",
        graph: try PipelineGraph(
          name: "toy/k\(index)", inputPaths: ["numbers": path],
          stages: [
            node("read", toy.read, files: ["file": "numbers"]),
            node("own", toy.scale, ["factor": Double(index)], from: ["a": "read"]),
          ], results: ["own"])
      )
    }
    let watch = inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))
    defer { close(watch) }
    try #require(inotify_add_watch(watch, path, UInt32(IN_OPEN | IN_CLOSE_NOWRITE)) >= 0)
    let many = ManyPlans(graphs, cache: scratch.cache, threads: 1)
    var buffer = [UInt8](repeating: 0, count: 4096)
    // Opened and closed: an event has 16 bytes, and only equal ones in a row are told as one.
    #expect(read(watch, &buffer, buffer.count) == 32)
    #expect(many.plans.map(\.key) == ["k1", "k2", "k3", "k4", "k5"])
    let causes = SharedCause.groups(many.explanations())
    #expect(causes.count == 1)
    #expect(causes.first?.instances == ["k1", "k2", "k3", "k4", "k5"])
    #expect(causes.first?.stages == ["read", "own"])
    #expect(causes.first?.reason == "no record")
  }

  @Test("a stage that is nearly done is not stopped, one that is not is", arguments: [0.7, 0.8])
  func nearlyDone(fraction: Double) async throws {
    let cancellation = RunCancellation()
    let long = Operation("long", inputs: []) { context in
      context.progress(fraction)
      cancellation.cancel()
      try context.checkCancellation()
      return ["value": 1]
    }
    let runner = try scratch.runner([
      node("a", long), node("b", toy.sign, from: ["a": "a"]),
    ])
    let report = await runner.run(cancellation: cancellation)
    #expect(report["a"]?.outcome == (fraction > 0.75 ? .ran : .cancelled))
    #expect(report["b"]?.outcome == .cancelled)
    #expect(report.exitCode == 130)
  }

  @Test("a log of another form is no log of ours")
  func foreignLog() throws {
    #expect(try EventLog.report(from: "") == nil)
    #expect(try EventLog.report(from: "{\"event\":\"run-started\",\"time\":\"\"}\n") == nil)
    #expect(throws: (any Error).self) { try EventLog.report(from: "no JSON\n") }
  }

  /// Nested, empty and escaped content.
  private struct Content: Codable, Equatable {
    var list = [[1, 2], []]
    var none: [String: Int] = [:]
    var text = "two\nlines, \"quoted\", \u{e4}"
    var inner = ["a": ["b": [3.5]]]
  }

  @Test("a sealed file is the JSON of an object that holds the value and the digest of its JSON")
  func sealedBytes() throws {
    struct Sealed: Encodable {
      var checksum: String
      var value = Content()
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let digest = SHA256Digest(of: Array(try encoder.encode(Content()))).hex
    let expected = Array(try encoder.encode(Sealed(checksum: digest))) + [UInt8(ascii: "\n")]
    let sealed = try CacheJSON.seal(Content())
    #expect(String(decoding: sealed, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    #expect(try CacheJSON.unseal(Content.self, from: sealed) == Content())
  }

  @Test("blanks that mean nothing cannot be changed in a sealed file")
  func seal() throws {
    let sealed = try CacheJSON.seal(["a": [1, 2], "b": [Int]()])
    #expect(try CacheJSON.unseal([String: [Int]].self, from: sealed) == ["a": [1, 2], "b": []])
    for (index, byte) in sealed.enumerated() {
      var longer = sealed
      longer.insert(UInt8(ascii: " "), at: index)
      #expect(throws: CacheJSON.Damage.self) {
        try CacheJSON.unseal([String: [Int]].self, from: longer)
      }
      if byte == UInt8(ascii: "\n") {
        longer.insert(UInt8(ascii: " "), at: index)
        #expect(throws: CacheJSON.Damage.self) {
          try CacheJSON.unseal([String: [Int]].self, from: longer)
        }
      }
    }
  }
}
