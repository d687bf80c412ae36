// Leases: who computes keeps others from computing it too, and nobody waits for the dead.
import Digest
import Foundation
import Synchronization
import Testing

@testable import Pipeline

struct LeaseTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private var leases: Leases { scratch.cache.leases }
  private let key = ActionKey(SHA256Digest(of: [1]))

  /// A lease of a process that is no more, or of another machine.
  private func plant(_ key: ActionKey, place: String? = nil, boot: String = Clock.boot ?? "") throws
  {
    try FileSystem.makeFolder(FileSystem.parent(of: leases.path(of: key)))
    let own = TemporaryName.make().split(separator: "-")
    let text = "\(place ?? String(own[0]))-7fffffff-\(own[2])\n\(boot)\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: leases.path(of: key)))
  }

  private func check(
    _ watch: inout LeaseWatch, isHeld: Bool, patience: Double = Leases.patience,
    _ location: SourceLocation = #_sourceLocation
  ) {
    let found = watch.look(patience: patience)
    #expect(found == (isHeld ? .held : .free), sourceLocation: location)
  }

  @Test("a lease is one's own until it is given back")
  func own() throws {
    let lease = try #require(leases.take(key))
    #expect(leases.take(key) == nil)
    #expect(leases.take(ActionKey(SHA256Digest(of: [2]))) != nil)
    var watch = LeaseWatch(leases.path(of: key))
    check(&watch, isHeld: true)
    #expect(try scratch.cache.contents().leaseCount == 2)
    lease.giveBack()
    #expect(leases.take(key) != nil)
    #expect(scratch.files(in: "tmp").isEmpty)
  }

  @Test("one that was given to another meanwhile is not taken from it")
  func foreign() throws {
    let lease = try #require(leases.take(key))
    try plant(key)
    lease.giveBack()
    #expect(FileManager.default.fileExists(atPath: leases.path(of: key)))
  }

  @Test("the dead, another start of the machine and what cannot be understood hold nothing")
  func void() throws {
    try plant(key)
    var watch = LeaseWatch(leases.path(of: key))
    check(&watch, isHeld: false)
    #expect(leases.take(key) != nil)

    let other = ActionKey(SHA256Digest(of: [3]))
    let live = try #require(leases.take(other))
    let path = leases.path(of: other)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let renamed = text.split(separator: "\n")[0] + "\nanother start\n"
    try Data(renamed.utf8).write(to: URL(fileURLWithPath: path))
    var later = LeaseWatch(path)
    check(&later, isHeld: false)
    live.giveBack()

    for garbage in ["", "garbage\n", "\n\n"] {
      try Data(garbage.utf8).write(to: URL(fileURLWithPath: path))
      var watch = LeaseWatch(path)
      check(&watch, isHeld: false)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test("one of another machine holds while it is touched, whatever the clocks say, and no longer")
  func heartbeat() throws {
    try plant(key, place: "01234567", boot: "elsewhere")
    let path = leases.path(of: key)
    var watch = LeaseWatch(path)
    for year in [1970.0, 2100] {
      let date = Date(timeIntervalSince1970: (year - 1970) * 31_556_952)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
      // However long ago the last look was: something has changed since.
      check(&watch, isHeld: true, patience: 0.5)
      Thread.sleep(forTimeInterval: 0.6)
    }
    check(&watch, isHeld: false, patience: 0.5)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("a holder touches all that it holds every few seconds, until it holds none")
  func touching() async throws {
    let leases = leases
    let held = try (8...9).map { try #require(leases.take(ActionKey(SHA256Digest(of: [$0])))) }
    func stamps() throws -> [Date?] {
      try leases.paths().map {
        try FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date
      }
    }
    let taken = try stamps()
    #expect(taken.count == 2 && !taken.contains(nil))
    // Others may keep the threads of tasks busy for a while.
    for _ in 0..<40 where try stamps() == taken { try await Task.sleep(for: .seconds(0.5)) }
    let touched = try stamps()
    #expect(zip(taken, touched).allSatisfy { $0 != $1 }, "\(taken), \(touched)")
    leases.token.withdraw()
    let last = try stamps()
    try await Task.sleep(for: .seconds(Leases.beat + 1))
    #expect(try stamps() == last)
    for lease in held { lease.giveBack() }
    #expect(try leases.paths().isEmpty)
  }

  @Test("what is swept up: leases of the dead, not those of the living or of other machines")
  func sweep() throws {
    let live = try #require(leases.take(key))
    let keys = (5...7).map { ActionKey(SHA256Digest(of: [$0])) }
    try plant(keys[0])
    try plant(keys[1], place: "01234567")
    try plant(keys[2], place: "01234567")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -90_000)],
      ofItemAtPath: leases.path(of: keys[2]))
    leases.sweep()
    #expect(try leases.paths() == [leases.path(of: key), leases.path(of: keys[1])].sorted())
    live.giveBack()
  }

  /// Runners that know nothing of each other, as processes on several machines would be.
  private func together(_ count: Int, _ work: Operation, threads: Int = 1) async throws
    -> [RunReport]
  {
    let runners = try (0..<count).map { _ in
      try scratch.runner([node("a", work, ["value": 2])], threads: threads)
    }
    return await withTaskGroup(of: RunReport.self) { group in
      for runner in runners { group.addTask { await runner.run() } }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  @Test("sixteen runners at once on one cache do the work once")
  func together() async throws {
    let slow = Operation("slow", inputs: [], tally: toy.tally) { context in
      usleep(300_000)
      return ["value": context.number("value") ?? 0]
    }
    let reports = try await together(16, slow)
    #expect(reports.allSatisfy { $0.exitCode == 0 })
    #expect(toy.tally["a"] == 1)
    #expect(reports.count { $0["a"]?.outcome == .ran } == 1)
    #expect(scratch.files(in: "leases").isEmpty)
  }

  @Test("where the one at work fails or the lease is of the dead, another does the work")
  func failing() async throws {
    let failing = Operation("failing", inputs: [], tally: toy.tally) { _ in
      usleep(50_000)
      throw StageFailure(.failed, "no")
    }
    let reports = try await together(3, failing)
    #expect(reports.allSatisfy { $0["a"]?.failure?.message == "no" })
    #expect(toy.tally["a"] == 3)

    let runner = try scratch.runner([node("b", toy.constant, ["value": 5])])
    let planned = try #require(runner.plan()["b"]?.key)
    try plant(planned)
    #expect(await runner.run().exitCode == 0)
    #expect(toy.tally["b"] == 1)
  }

  @Test("a request to stop ends the waiting for another")
  func stopped() async throws {
    let runner = try scratch.runner([node("b", toy.constant, ["value": 5])])
    try plant(try #require(runner.plan()["b"]?.key), place: "01234567")
    let cancellation = RunCancellation()
    let report = await runner.run(cancellation: cancellation) { event in
      if case .stageStarted = event { cancellation.cancel() }
    }
    #expect(report["b"]?.outcome == .cancelled)
    #expect(toy.tally.total == 0)
  }

  @Test("while one of many waits for another runner, the others are done")
  func otherWork() async throws {
    // The other machine is known to be alive, however long this test may take.
    var cache = scratch.cache
    cache.leases.patience = .infinity
    let runners = try (1...12).map { index in
      (
        key: "k\(index)",
        runner: PipelineRunner(
          graph: try PipelineGraph(
            name: "toy", inputPaths: [:],
            stages: [node("a", toy.constant, ["value": Double(index)])], results: []),
          codecs: [NumberCodec()], cache: cache, toolVersion: "toy 1")
      )
    }
    // The first four are another machine's just now.
    for (_, runner) in runners.prefix(4) {
      try plant(try #require(runner.plan()["a"]?.key), place: "01234567")
    }
    let many = ManyRunner(pipeline: "toy", toolVersion: "toy 1", runners: runners, threads: 1)
    let order = Mutex<[String]>([])
    let leases = leases
    let report = await many.run(cancellation: RunCancellation()) { event in
      guard case .instanceFinished(let report) = event else { return }
      let count = order.withLock {
        $0.append(report.key)
        return $0.count
      }
      // The other machine is done, and left nothing.
      if count == 8 { for path in (try? leases.paths()) ?? [] { try? FileSystem.remove(path) } }
    } finish: { index, run, _, _ in
      InstanceReport(key: runners[index].key, run: run, outputs: [], trouble: nil)
    }
    #expect(report.exitCode == 0)
    #expect(Set(order.withLock { $0 }.prefix(8)) == Set((5...12).map { "k\($0)" }))
  }
}
