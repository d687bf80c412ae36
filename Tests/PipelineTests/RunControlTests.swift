// Stopping a run, following it, and the exit code it ends with.
import Foundation
import Synchronization
import Testing

@testable import Pipeline

struct RunControlTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  @Test("a request to stop ends the stage that looks for it and starts no other")
  func cancellation() async throws {
    let cancellation = RunCancellation()
    let stopping = Operation("stopping", inputs: ["a"], tally: toy.tally) { context in
      cancellation.cancel()
      try context.checkCancellation()
      return ["value": 1]
    }
    let runner = try scratch.runner(
      [
        node("a", toy.constant, ["value": 1]), node("b", stopping, from: ["a": "a"]),
        node("c", toy.constant, ["value": 3]), node("d", toy.sign, from: ["a": "b"]),
      ], results: ["a", "d"])
    let report = await runner.run(cancellation: cancellation)
    #expect(report["a"]?.outcome == .ran)
    #expect(report["b"]?.outcome == .cancelled)
    #expect(report["c"]?.outcome == .cancelled)
    #expect(report["d"]?.outcome == .cancelled)
    #expect(report.exitCode == 130)
    #expect(toy.tally["c"] == 0)
    // What was finished is kept: the same command goes on from there.
    #expect(runner.plan().hitCount == 1)
  }

  @Test("a run that shall stop does not go on digesting, and refuses no input for it")
  func digesting() async throws {
    let path = try scratch.write("6", to: "number.txt")
    let runner = try scratch.runner(
      [node("a", toy.read, files: ["file": "number"]), node("b", toy.sign, from: ["a": "a"])],
      inputs: ["number": path])
    let cancellation = RunCancellation()
    cancellation.cancel()
    let report = await runner.run(cancellation: cancellation)
    #expect(report.inputs.map(\.digest) == [nil])
    #expect(report.inputs.map(\.failure?.category) == [.interrupted])
    #expect(report.stages.map(\.outcome) == [.cancelled, .cancelled])
    #expect(report.exitCode == 130)
    #expect(await runner.run().exitCode == 0)
  }

  @Test("SIGTERM ends with 143, and a canceled task stops its run")
  func signals() async throws {
    let runner = try scratch.runner([node("a", toy.constant, ["value": 1])])
    let cancellation = RunCancellation()
    cancellation.cancel(signal: SIGTERM)
    #expect(await runner.run(cancellation: cancellation).exitCode == 143)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await runner.run()
    }
    #expect(await task.value.exitCode == 130)
    #expect(toy.tally.total == 0)
  }

  @Test(
    "events come in order, one at a time, with progress between start and end", arguments: [1, 3])
  func events(threads: Int) async throws {
    let reporting = Operation("reporting", inputs: ["a"]) { context in
      for step in 1...4 { context.progress(Double(step) / 4) }
      return ["value": try context.value("a") + 1]
    }
    let runner = try scratch.runner(
      [
        node("a", toy.constant, ["value": 1]), node("b", reporting, from: ["a": "a"]),
        node("c", reporting, from: ["a": "b"]), node("e", reporting, ["x": 2], from: ["a": "a"]),
      ], threads: threads)
    let seen = Mutex<[String]>([])
    let inside = Mutex(0)
    let report = await runner.run { event in
      inside.withLock { $0 += 1 }
      #expect(inside.withLock { $0 } == 1)
      seen.withLock { $0.append(Self.line(event)) }
      inside.withLock { $0 -= 1 }
    }
    #expect(report.exitCode == 0)
    let lines = seen.withLock { $0 }
    #expect(lines.first == "run of 4")
    #expect(lines.last == "end 0")
    #expect(lines[1...4].sorted() == ["plan a", "plan b", "plan c", "plan e"])
    for name in ["b", "c", "e"] {
      #expect(
        lines.filter { $0.hasSuffix(" " + name) && !$0.hasPrefix("plan") }
          == [
            "start \(name)", "0.25 \(name)", "0.5 \(name)", "0.75 \(name)", "1.0 \(name)",
            "done \(name)",
          ])
    }
  }

  private static func line(_ event: RunEvent) -> String {
    switch event {
    case .runStarted(let header): "run of \(header.stages.count)"
    case .stagePlanned(let step): "plan \(step.stage)"
    case .stageStarted(let name): "start \(name)"
    case .stageProgress(let name, let fraction): "\(fraction) \(name)"
    case .stageFinished(let report): "done \(report.name)"
    case .inputFound(let input): "input \(input.name)"
    case .cacheNoted(let note): "cache \(note.text)"
    case .runFinished(let ending): "end \(ending.interruptedBySignal ?? 0)"
    }
  }

  @Test("independent stages run at the same time when there are threads for it, and else do not")
  func parallel() async throws {
    for threads in [1, 2] {
      let rendezvous = Rendezvous()
      let slow = Operation("slow", inputs: []) { context in
        rendezvous.wait(for: threads)
        return ["value": context.number("value") ?? 0]
      }
      let scratch = try Scratch()
      let stages = (0..<3).map { node("s\($0)", slow, ["value": Double($0)]) }
      #expect(await (try scratch.runner(stages, threads: threads)).run().exitCode == 0)
      #expect(rendezvous.most == threads)
    }
  }

  @Test(
    "of stages that could begin, those begin first that most others wait for, then the deepest, then those that take most"
  )
  func startOrder() async throws {
    let runner = try scratch.runner(
      [
        node("z", toy.constant, ["value": 4]),
        // One follows c, and two follow d; two follow f, one after the other.
        node("a", toy.sign, from: ["a": "z"]), node("c", toy.sign, from: ["a": "z"]),
        node("c1", toy.scale, ["factor": 2], from: ["a": "c"]),
        node("d", toy.scale, ["factor": 3], from: ["a": "z"]),
        node("d1", toy.sign, from: ["a": "d"]),
        node("d2", toy.scale, ["factor": 5], from: ["a": "d"]),
        node("f", toy.scale, ["factor": 7], from: ["a": "z"]),
        node("f1", toy.sign, from: ["a": "f"]),
        node("f2", toy.scale, ["factor": 9], from: ["a": "f1"]),
        // As deep as c1 and d1, and takes two values.
        node("g", toy.add, from: ["a": "d", "b": "z"]),
      ], threads: 1)
    let started = Mutex<[String]>([])
    let report = await runner.run { event in
      if case .stageStarted(let name) = event { started.withLock { $0.append(name) } }
    }
    #expect(report.exitCode == 0)
    #expect(
      started.withLock { $0 } == ["z", "f", "d", "f1", "c", "f2", "g", "c1", "d1", "d2", "a"])
  }

  @Test("a stage that leaves less than it declares, or fails in its own way, is told as a defect")
  func defects() async throws {
    struct Surprise: Error {}
    let silent = Operation("silent", inputs: []) { _ in [:] }
    let surprising = Operation("surprising", inputs: []) { _ in throw Surprise() }
    let report = await (try scratch.runner([node("a", silent), node("b", surprising)])).run()
    #expect(
      report["a"]?.failure?.message
        == "stage a (silent) left nothing that can be kept at its output 'value'")
    #expect(report["b"]?.failure?.message == "stage b (surprising): Surprise()")
    #expect(report["b"]?.failure?.remedy == "this should not happen: please report it")
    #expect(report.exitCode == 1)
    #expect(scratch.files(in: "records").isEmpty)
  }

  @Test("a NaN among the parameters is refused, not computed")
  func notANumber() async throws {
    let report = await (try scratch.runner([node("a", toy.constant, ["value": .nan])])).run()
    #expect(report["a"]?.failure?.category == .failed)
    #expect(toy.tally.total == 0)
  }

  @Test(
    "the exit code of every mixture",
    arguments: [
      ([nil, nil], 0), ([nil, .failed], 3), ([.failed, .failed], 1),
      ([.inputRefused, .inputRefused], 4), ([.inputRefused, .missingPrerequisite], 4),
      ([nil, .inputRefused], 3), ([nil, .missingPrerequisite], 3),
      ([.missingPrerequisite, .missingPrerequisite], 1), ([nil, .machine], 5),
      ([.inputRefused, .machine], 5),
    ] as [([StageFailure.Category?], Int32)])
  func exitCode(outcomes: [StageFailure.Category?], code: Int32) async throws {
    let stages = outcomes.enumerated().map { index, category in
      node(
        "s\(index)",
        Operation("op\(index)", inputs: []) { _ in
          if let category { throw StageFailure(category, "so it is") }
          return ["value": 1]
        })
    }
    let listed = await (try scratch.runner(stages, results: ["s0", "s1"])).run()
    #expect(listed.exitCode == code)
    #expect(await (try scratch.runner(stages)).run().exitCode == code)
  }

  @Test("a report comes back from JSON as it was")
  func codable() async throws {
    let runner = try scratch.runner([
      node("one", toy.constant, ["value": 1.5]), node("zero", toy.constant),
      node("bad", toy.divide, from: ["a": "one", "b": "zero"]),
    ])
    _ = await runner.run()
    let report = await runner.run()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(RunReport.self, from: data) == report)
    #expect(report.started.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    #expect(report.runID.count == 16)
    #expect(Clock.timestamp(1_709_210_096_789_000_000) == Self.day)
  }

  private static let day = "2024-02-29T12:34:56.789Z"

  @Test("A time that was written is read again, and nothing else is; a stage is over so much later")
  func times() async throws {
    let day = Self.day
    #expect(Clock.nanoseconds(of: day) == 1_709_210_096_789_000_000)
    #expect(Clock.nanoseconds(of: Clock.timestamp(0)) == 0)
    for other in [
      "", "now", "2023-02-29T12:34:56.789Z", "2024-02-29 12:34:56.789Z", "2024-2-29T12:34:56.789Z",
      "9999-12-31T00:00:00.000Z", "99999999999-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z",
      "0000-01-01T00:00:00.000Z", "2024-2147483647-01T00:00:00.000Z",
    ] {
      #expect(Clock.nanoseconds(of: other) == nil, "\(other)")
    }
    let run = await (try scratch.runner([node("one", toy.constant, ["value": 1.5])])).run()
    var stage = try #require(run.stages.first)
    stage.started = day
    stage.duration = 4.2128
    #expect(stage.ended == "2024-02-29T12:35:01.001Z")
    for duration in [Double.infinity, .nan, 1e30, nil] {
      stage.duration = duration
      #expect(stage.ended == nil)
    }
  }
}
