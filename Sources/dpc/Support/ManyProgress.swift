// What many runs show while they go on: a board that stays small, or a few lines where nobody looks.
import Foundation
import Pipeline
import ShownText
import Synchronization

/// Turns the events of many runs into progress on standard error.
final class ManyProgress: Sendable {
  private let style: ProgressStyle
  private let board: Mutex<ManyBoard>
  private let work = Mutex(WorkUnderWay())

  init(_ style: ProgressStyle, total: Int) {
    self.style = style == .auto ? (Terminal.isInteractive ? .board : .plain) : style
    board = Mutex(ManyBoard(total: total))
  }

  func handle(_ event: ManyEvent) {
    if case .instance(let key, let event) = event {
      work.withLock { $0.absorb(event, instance: key) }
    }
    switch style {
    case .board:
      let text = board.withLock { board in
        board.absorb(event)
        return board.redrawn(event, columns: Terminal.columns)
      }
      if let text { Terminal.write(text) }
    case .plain:
      let line = board.withLock { board in
        board.absorb(event)
        return board.line(event)
      }
      if let line { Terminal.printError(line) }
    case .json: writeJSON(event)
    case .auto, .none: break
    }
  }

  var lastWords: String { style.lastWords }

  /// Says that the runs were asked to stop, and what they still wait for.
  func tellStopping() {
    let words = work.withLock { $0.awaited() }
    switch style {
    case .board:
      Terminal.write(board.withLock { $0.cleared() })
      Interruption.tell(words)
    case .json: JSONLines.print(["event": "stopping", "message": Interruption.words(words)])
    case .plain, .auto, .none: Interruption.tell(words)
    }
  }

  private func writeJSON(_ event: ManyEvent) {
    switch event {
    case .started(let header):
      JSONLines.print(["event": "runs-started", "instances": header.stages.count])
    case .instanceStarted(let key):
      JSONLines.print(["event": "instance-started", "instance": key])
    case .instance(let key, let event): JSONLines.write(event, nil, instance: key)
    case .instanceFinished(let report):
      var object: [String: Any] = [
        "event": "instance-finished", "instance": report.key, "outcome": report.outcome.rawValue,
        "exit_code": Int(report.exitCode),
      ]
      object["message"] = report.failures.first?.failure.message
      JSONLines.print(object)
    case .finished(let report):
      JSONLines.print([
        "event": "runs-finished", "run": report.runID, "duration": report.duration,
        "exit_code": Int(report.exitCode),
      ])
    }
  }
}

/// The state of many runs, and how it is drawn in a handful of lines.
struct ManyBoard {
  private struct Work {
    var stage = ""
    var fraction = 0.0
  }

  private let total: Int
  private let begun = Date()
  private var counts: [InstanceReport.Outcome: Int] = [:]
  private var atWork: [String: Work] = [:]
  /// Order in which they began.
  private var working: [String] = []
  /// Seconds, the longest first.
  private var slowest: [(key: String, duration: Double)] = []
  private var failures: [(key: String, text: String)] = []
  private var drawnLines = 0
  private var lastDrawn = Date.distantPast

  init(total: Int) { self.total = total }

  private var finished: Int { counts.values.reduce(0, +) }
  private func count(_ outcome: InstanceReport.Outcome) -> Int { counts[outcome] ?? 0 }

  mutating func absorb(_ event: ManyEvent) {
    switch event {
    case .instanceStarted(let key):
      atWork[key] = Work()
      working.append(key)
    case .instance(let key, .stageStarted(let name)): atWork[key] = Work(stage: name)
    case .instance(let key, .stageProgress(let name, let fraction)):
      atWork[key] = Work(stage: name, fraction: fraction)
    case .instanceFinished(let report): finish(report)
    case .started, .instance, .finished: break
    }
  }

  private mutating func finish(_ report: InstanceReport) {
    counts[report.outcome, default: 0] += 1
    atWork[report.key] = nil
    working.removeAll { $0 == report.key }
    if let duration = report.run?.duration {
      slowest.append((report.key, duration))
      slowest.sort { ($0.duration, $1.key) > ($1.duration, $0.key) }
      slowest.removeLast(max(0, slowest.count - 3))
    }
    if let failure = report.failures.first {
      let stage = failure.stage.map { $0 + ": " } ?? ""
      failures.append((report.key, Shown.printable(stage + failure.failure.message)))
    }
  }

  // MARK: On a terminal

  /// The board in place of the last one; nil where it was drawn a moment ago.
  mutating func redrawn(_ event: ManyEvent, columns: Int) -> String? {
    let now = Date()
    var isUrgent = now.timeIntervalSince(lastDrawn) > 0.1
    if case .finished = event { isUrgent = true }
    if !isUrgent { return nil }
    let lines = lines(columns: columns, now: now)
    var text = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : ""
    for line in lines { text += "\u{1B}[2K\(line)\n" }
    // Lines of a longer board before.
    if drawnLines > lines.count {
      let rest = drawnLines - lines.count
      text += String(repeating: "\u{1B}[2K\n", count: rest) + "\u{1B}[\(rest)A"
    }
    drawnLines = lines.count
    lastDrawn = now
    return text
  }

  /// What takes the board away, to make room for a line that stays above the next one.
  mutating func cleared() -> String {
    defer { drawnLines = 0 }
    return drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A\u{1B}[J" : ""
  }

  /// Six lines at most, however many runs there are, none longer than a line of the terminal.
  func lines(columns: Int, now: Date) -> [String] {
    let width = max(20, columns - 1)
    var lines = [heading(now: now), bar(width: min(width, 60))]
    let work = working.prefix(4).map { key -> String in
      let work = atWork[key] ?? Work()
      let share = work.fraction > 0 ? " \(Int(min(work.fraction, 1) * 100)) %" : ""
      return work.stage.isEmpty ? key : "\(key) \(work.stage)\(share)"
    }
    if !work.isEmpty { lines.append("at work  " + work.joined(separator: ", ")) }
    if finished > 3 {
      let slow = slowest.map { "\($0.key) \(seconds($0.duration))" }
      lines.append("slowest  " + slow.joined(separator: ", "))
    }
    if let last = failures.last {
      let others = failures.dropLast().suffix(3).map(\.key)
      let more = others.isEmpty ? "" : "; before it \(others.joined(separator: ", "))"
      lines.append("failed   \(last.key) \(last.text)\(more)")
    }
    return lines.map { String($0.prefix(width)) }
  }

  private func heading(now: Date) -> String {
    var parts = ["\(finished) of \(total)"]
    for outcome in [InstanceReport.Outcome.partial, .failed, .interrupted] where count(outcome) > 0
    {
      parts.append("\(count(outcome)) \(outcome.rawValue)")
    }
    let elapsed = now.timeIntervalSince(begun)
    if finished > 0, elapsed > 0 {
      let rate = Double(finished) / elapsed
      parts.append(rate >= 1 ? "\(tenths(rate)) a second" : "\(tenths(rate * 60)) a minute")
      if finished < total {
        parts.append("\(seconds((Double(total - finished) / rate).rounded())) left")
      }
    }
    return parts.joined(separator: ", ")
  }

  private func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private func bar(width: Int) -> String {
    let done = total > 0 ? finished * width / total : width
    return String(repeating: "█", count: done) + String(repeating: "░", count: width - done)
  }

  // MARK: In a pipe

  /// A line for each tenth that is finished; the reasons of failures stand in the summary.
  func line(_ event: ManyEvent) -> String? {
    guard case .instanceFinished = event,
      total <= 10
        || finished * 10 / total
          > (finished - 1) * 10 / total
    else { return nil }
    var text = "[\(finished)/\(total)] \(count(.done)) done"
    for outcome in [InstanceReport.Outcome.partial, .failed, .interrupted] where count(outcome) > 0
    {
      text += ", \(count(outcome)) \(outcome.rawValue)"
    }
    return text
  }
}
