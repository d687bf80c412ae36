// The log of a run on the disk while it goes on, and what the next one makes of it.
import Foundation
import Testing

@testable import Pipeline

struct EventLogFileTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func names() throws -> [String] { try FileSystem.names(in: scratch.path) }

  private let header = RunHeader(
    runID: "ab", pipeline: "toy", toolVersion: "toy 1", started: "2026-03-01T12:00:00.000Z",
    stages: ["a", "b", "c"], results: [])

  private func finished(_ stage: String) -> RunEvent {
    .stageFinished(StageReport(node(stage, Arithmetic().constant), outcome: .ran))
  }

  /// The file as a process that is no more would have called it.
  private func orphan(_ text: String) throws {
    let own = TemporaryName.make().split(separator: "-")
    // No process has this number: it is beyond what the system gives.
    _ = try scratch.write(text, to: "unfinished-\(own[0])-7fffffff-\(own[2]).jsonl")
  }

  @Test(
    "from the first stage on each line is on the disk as soon as it is told, and the file goes when the run is filed"
  )
  func lines() throws {
    let logFile = EventLogFile(in: scratch.path)
    var log = EventLog(logFile: logFile)
    log.append(.runStarted(header))
    log.append(finished("b"))
    #expect(try names().isEmpty, "nothing was begun")
    log.append(.stageStarted(name: "a"))
    let name = try #require(try names().first)
    #expect(name.hasPrefix("unfinished-") && name.hasSuffix(".jsonl"))
    #expect(try String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8) == log.text)
    for event in [finished("a"), .stageStarted(name: "c")] {
      log.append(event)
      #expect(try String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8) == log.text)
    }
    #expect(log.text.split(separator: "\n").count == 5)
    // Another run at the same time leaves it alone.
    #expect(EventLogFile.takeCutOff(in: scratch.path) == nil)
    #expect(EventLogFile.isAnyAtWork(in: scratch.path))
    #expect(try names() == [name])
    log.removeFile()
    #expect(try names().isEmpty)
    #expect(!EventLogFile.isAnyAtWork(in: scratch.path))
    #expect(logFile.failure == nil)
  }

  @Test("the next run tells how far one that was cut off had come, a broken last line or not")
  func cutOff() throws {
    var log = EventLog()
    for event in [
      RunEvent.runStarted(header), .stageStarted(name: "a"), .stageStarted(name: "b"),
      finished("a"), .stageStarted(name: "c"),
    ] { log.append(event) }
    for tail in ["", "{\"event\":\"stage-fin"] {
      try orphan(log.text + tail)
      #expect(!EventLogFile.isAnyAtWork(in: scratch.path))
      let run = try #require(EventLogFile.takeCutOff(in: scratch.path))
      #expect(run.started == header.started && run.runID == "ab")
      #expect(run.stageCount == 3 && run.finishedCount == 1)
      #expect(run.atWork == ["b", "c"])
      #expect(try names() == [EventLogFile.cutOffFile])
      #expect(
        try String(contentsOfFile: scratch.path + "/cut-off.jsonl", encoding: .utf8)
          == log.text + tail)
    }
    // The next run has nothing to tell, and takes nothing away.
    #expect(EventLogFile.takeCutOff(in: scratch.path) == nil)
    #expect(try names() == [EventLogFile.cutOffFile])
  }

  @Test("a stage that is computed twice is one stage, and at work the second time")
  func computedTwice() throws {
    var log = EventLog()
    for event in [
      RunEvent.runStarted(header), .stageStarted(name: "a"), finished("a"),
      .stageStarted(name: "b"), finished("b"), .stageStarted(name: "a"),
    ] { log.append(event) }
    let again = try #require(EventLog.cutOff(in: log.text))
    #expect(again.finishedCount == 1 && again.atWork == ["a"])
    log.append(finished("a"))
    let done = try #require(EventLog.cutOff(in: log.text))
    #expect(done.finishedCount == 2 && done.atWork.isEmpty)
  }

  @Test("a log without a beginning, and one that has its end, tell nothing and do not stay")
  func nothingToTell() throws {
    var log = EventLog()
    log.append(.runStarted(header))
    log.append(
      .runFinished(RunEnding(ended: header.started, duration: 1, interruptedBySignal: nil)))
    for text in ["", "{\"event\":\"run-sta", log.text] {
      try orphan(text)
      #expect(EventLogFile.takeCutOff(in: scratch.path) == nil)
      #expect(try names().isEmpty)
    }
  }

  @Test("a folder that takes no file is refused by name")
  func refused() throws {
    let failure = #expect(throws: StageFailure.self) {
      try EventLogFile(in: scratch.path + "/none").checkWritable()
    }
    #expect(failure?.category == .machine)
    #expect(failure?.message.contains(scratch.path + "/none") == true)
  }
}
