// What a run shows while it goes on: a board on a terminal, plain lines elsewhere, JSON on demand.
import ArgumentParser
import Foundation
import Pipeline
import ShownText
import Synchronization

enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
  case auto, board, plain, json, none

  /// What is said where the process ends at once, in the form in which progress is told.
  var lastWords: String {
    let words = Interruption.lastWords
    return self == .json ? JSONLines.text(["event": "stopped", "message": words]) ?? words : words
  }
}

/// Turns the events of a run into progress on standard error.
final class Progress: Sendable {
  private let style: ProgressStyle
  private let board: Mutex<Board>
  private let history: Mutex<(log: EventLog, run: RunHistory, work: WorkUnderWay)>

  /// All events so far.
  var log: EventLog { history.withLock { $0.log } }

  /// - Parameters:
  ///   - style: How it is shown.
  ///   - graph: What is run.
  ///   - logFile: Where the log stands meanwhile.
  init(_ style: ProgressStyle, graph: PipelineGraph, logFile: EventLogFile) {
    history = Mutex((EventLog(logFile: logFile), RunHistory(), WorkUnderWay()))
    let fits = graph.stages.count + 2 < Terminal.rows
    self.style =
      style == .auto ? (Terminal.isInteractive && fits ? .board : .plain) : style
    board = Mutex(Board(stages: graph.stages.map { ($0.name, $0.type.name) }))
  }

  func handle(_ event: RunEvent) {
    let report = history.withLock { history in
      history.log.append(event)
      history.run.absorb(event)
      history.work.absorb(event)
      return history.run.report
    }
    switch style {
    case .board: board.withLock { $0.update(event) }
    case .plain: board.withLock { $0.printLine(event) }
    case .json: JSONLines.write(event, report)
    case .auto, .none: break
    }
  }

  var lastWords: String { style.lastWords }

  /// Says that the run was asked to stop, and what it still waits for.
  func tellStopping() {
    let words = history.withLock { $0.work.awaited() }
    switch style {
    case .board: board.withLock { $0.add(Interruption.words(words)) }
    case .json: JSONLines.print(["event": "stopping", "message": Interruption.words(words)])
    case .plain, .auto, .none: Interruption.tell(words)
    }
  }
}

/// The state of every stage, and how it is drawn.
private struct Board {
  private enum State {
    case waiting, running(Double)
    case finished(StageReport)
  }

  private let stages: [(name: String, type: String)]
  private var states: [String: State] = [:]
  private var finished = 0
  /// Stages that were not run.
  private var blocked = BlockedStages()
  private var drawnLines = 0
  private var lastDrawn = Date.distantPast

  init(stages: [(name: String, type: String)]) { self.stages = stages }

  mutating func update(_ event: RunEvent) {
    var isUrgent = true
    switch event {
    case .stageStarted(let name): states[name] = .running(0)
    case .stageProgress(let name, let fraction):
      states[name] = .running(fraction)
      isUrgent = false
    case .stageFinished(let report): states[report.name] = .finished(report)
    case .stagePlanned, .inputFound, .cacheNoted: return
    case .runStarted, .runFinished: break
    }
    if isUrgent || Date().timeIntervalSince(lastDrawn) > 0.05 { draw() }
  }

  /// Writes a line that stays, and the board below it.
  mutating func add(_ line: String) {
    if drawnLines > 0 {
      Terminal.write("\r\u{1B}[\(drawnLines)A\u{1B}[J")
      drawnLines = 0
    }
    Terminal.printError(line)
    draw()
  }

  private mutating func draw() {
    var text = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : ""
    let nameWidth = stages.map(\.name.count).max() ?? 0
    let typeWidth = stages.map(\.type.count).max() ?? 0
    for (name, type) in stages {
      let (symbol, state) = describe(states[name] ?? .waiting)
      let line = "\(name.padding(to: nameWidth))  \(type.padding(to: typeWidth))  \(state)"
      text += "\u{1B}[2K\(symbol) \(line.prefix(max(20, Terminal.columns - 3)))\n"
    }
    drawnLines = stages.count
    lastDrawn = Date()
    Terminal.write(text)
  }

  private func describe(_ state: State) -> (symbol: String, text: String) {
    switch state {
    case .waiting: return (Terminal.styled("·", .dim), "")
    case .running(let fraction):
      let text = fraction > 0 ? "\(Int(min(fraction, 1) * 100)) %" : "running"
      return (Terminal.styled("▸", .cyan), text)
    case .finished(let report): return Self.describe(report)
    }
  }

  /// A finished stage in a few words.
  static func describe(_ report: StageReport) -> (symbol: String, text: String) {
    switch report.outcome {
    case .hit: return (Terminal.styled("✓", .green), "from the cache")
    case .ran: return (Terminal.styled("✓", .green), report.duration.map(seconds) ?? "")
    case .failed(let failure): return (Terminal.styled("✗", .red), Shown.printable(failure.message))
    case .blocked(let stages):
      return (Terminal.styled("-", .yellow), "blocked by \(stages.joined(separator: ", "))")
    case .cancelled: return (Terminal.styled("-", .yellow), "interrupted")
    }
  }

  /// A line for each stage that ended; of those that were not run one at the end.
  mutating func printLine(_ event: RunEvent) {
    if case .runFinished = event {
      for (stages, below) in blocked.groups {
        Terminal.printError(
          "not run, blocked by \(stages.joined(separator: ", ")):"
            + " \(KeyList.text(below, of: 0))")
      }
    }
    guard case .stageFinished(let report) = event else { return }
    finished += 1
    if case .blocked(let stages) = report.outcome {
      return blocked.add(report.name, by: stages)
    }
    let text = Self.describe(report).text
    Terminal.printError(
      "[\(finished)/\(stages.count)] \(report.name) (\(report.type)): \(text)")
  }
}

/// Events as JSON, one object a line.
enum JSONLines {
  /// - Parameters:
  ///   - event: What is told.
  ///   - report: What the events add up to so far.
  ///   - instance: Of which of many runs.
  static func write(_ event: RunEvent, _ report: RunReport?, instance: String? = nil) {
    var object: [String: Any]
    switch event {
    case .runStarted(let header): object = ["event": "run-started", "stages": header.stages.count]
    case .stagePlanned(let step):
      object = ["event": "stage-planned", "stage": step.stage, "plan": step.description]
    case .stageStarted(let name): object = ["event": "stage-started", "stage": name]
    case .stageProgress(let name, let fraction):
      object = ["event": "stage-progress", "stage": name, "fraction": fraction]
    case .stageFinished(let report): object = finished(report)
    case .runFinished(let ending):
      object = ["event": "run-finished", "duration": ending.duration]
      object["run"] = report?.runID
      object["exit_code"] = report.map { Int($0.exitCode) }
    case .inputFound, .cacheNoted: return
    }
    object["instance"] = instance
    print(object)
  }

  private static func finished(_ report: StageReport) -> [String: Any] {
    var object: [String: Any] = [
      "event": "stage-finished", "stage": report.name, "type": report.type,
      "outcome": outcome(report.outcome),
    ]
    object["duration"] = report.duration
    object["key"] = report.key?.description
    object["message"] = report.failure?.message
    return object
  }

  private static func outcome(_ outcome: StageOutcome) -> String {
    switch outcome {
    case .hit: "hit"
    case .ran: "ran"
    case .failed: "failed"
    case .blocked: "blocked"
    case .cancelled: "cancelled"
    }
  }

  static func print(_ object: [String: Any]) {
    if let line = text(object) { Terminal.printError(line) }
  }

  /// One line; nil for what JSON has no form for.
  static func text(_ object: [String: Any]) -> String? {
    let data = try? JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) }
  }
}
