// From the events of a run to its report, and from events to the lines of a log and back.
internal import FoundationEssentials

/// What the events of a run add up to. The report that a run returns and the one that is read from
/// its log are formed here, by the same steps from the same events.
public struct RunHistory: Sendable {
  private var header: RunHeader?
  private var inputs: [InputReport] = []
  private var stages: [String: StageReport] = [:]
  private var cacheNotes: [Note] = []
  private var ending: RunEnding?

  public init() {}

  /// Takes in the next event.
  public mutating func absorb(_ event: RunEvent) {
    switch event {
    case .runStarted(let header): self.header = header
    case .inputFound(let input): inputs.append(input)
    case .stageFinished(let report): stages[report.name] = report
    case .cacheNoted(let note): cacheNotes.append(note)
    case .runFinished(let ending): self.ending = ending
    case .stagePlanned, .stageStarted, .stageProgress: break
    }
  }

  /// nil before the first event; of a run that has no end yet, what there is.
  public var report: RunReport? {
    guard let header else { return nil }
    return RunReport(
      runID: header.runID, pipeline: header.pipeline, toolVersion: header.toolVersion,
      started: header.started, ended: ending?.ended ?? header.started,
      duration: ending?.duration ?? 0, stages: header.stages.compactMap { stages[$0] },
      inputs: inputs, results: header.results, cacheNotes: cacheNotes,
      interruptedBySignal: ending?.interruptedBySignal)
  }
}

/// The events of a run as lines of JSON, one object each; how much of a stage is done is left out.
public struct EventLog: Sendable {
  /// Of the first line.
  public static let schema = "dpc-events/1"

  /// What was told, as it will be written: nobody may ever ask for it.
  private enum Entry {
    case told(Line)
    case written(String)

    /// With its line break.
    var text: String {
      switch self {
      case .told(let line): EventLog.text(of: line)
      case .written(let text): text
      }
    }
  }

  private var entries: [Entry] = []

  /// Each line with its break.
  public var text: String { entries.map(\.text).joined() }

  /// Where each line stands on the disk at once, from the first stage that is begun on.
  private let logFile: EventLogFile?
  private var isOnDisk = false
  /// Whether its stages are runs, which are begun where nothing is to do too.
  private let isOfMany: Bool

  /// - Parameter logFile: Where each line is written on the disk at once, once a stage was begun; nil: the log is in
  ///   memory alone.
  public init(logFile: EventLogFile? = nil) { self.init(logFile: logFile, isOfMany: false) }

  init(logFile: EventLogFile?, isOfMany: Bool) {
    self.logFile = logFile
    self.isOfMany = isOfMany
  }

  /// Takes the logFile away, once the log was written to its place in the record of the run.
  public func removeFile() { logFile?.remove() }

  /// One line of the log: what does not belong to its event is absent.
  private struct Line: Codable {
    var event: String
    /// ISO 8601, UTC: when it was told.
    var time: String
    var schema: String?
    var header: RunHeader?
    var input: InputReport?
    var stage: String?
    var plan: String?
    var report: StageReport?
    var note: Note?
    var ending: RunEnding?

    init(_ event: String) {
      self.event = event
      time = Clock.timestamp()
    }
  }

  /// Appends the event.
  public mutating func append(_ event: RunEvent) {
    guard let line = Self.line(event) else { return }
    entries.append(.told(line))
    if isOnDisk {
      let text = Self.text(of: line)
      entries[entries.count - 1] = .written(text)
      logFile?.append(text)
    } else if case .stageStarted = event, !isOfMany {
      beginFile()
    }
  }

  /// Has all lines so far written on the disk, and each further one at once.
  mutating func beginFile() {
    guard let logFile, !isOnDisk else { return }
    isOnDisk = true
    entries = entries.map { .written($0.text) }
    logFile.append(text)
  }

  private static func text(of line: Line) -> String {
    // Plain values of our own cannot fail to be encoded.
    guard let bytes = try? RecordJSON.bytes(of: line, isLine: true) else { return "" }
    return String(decoding: bytes, as: UTF8.self) + "\n"
  }

  private static func line(_ event: RunEvent) -> Line? {
    var line: Line
    switch event {
    case .runStarted(let header):
      line = Line("run-started")
      line.schema = schema
      line.header = header
    case .inputFound(let input):
      line = Line("input-found")
      line.input = input
    case .stagePlanned(let step):
      line = Line("stage-planned")
      line.stage = step.stage
      line.plan = step.description
    case .stageStarted(let name):
      line = Line("stage-started")
      line.stage = name
    case .stageProgress: return nil
    case .stageFinished(let report):
      line = Line("stage-finished")
      line.stage = report.name
      line.report = report
    case .cacheNoted(let note):
      line = Line("cache-noted")
      line.note = note
    case .runFinished(let ending):
      line = Line("run-finished")
      line.ending = ending
    }
    return line
  }

  /// The report of the run whose log this is.
  ///
  /// - Parameter text: The lines of a log.
  /// - Returns: nil where the log does not begin with the start of a run in a form that is known.
  /// - Throws: the decoder's error for a line that is none of a log.
  public static func report(from text: String) throws -> RunReport? {
    var history = RunHistory()
    for (index, text) in text.split(separator: "\n").enumerated() {
      let line = try RecordJSON.value(Line.self, from: text.utf8)
      if index == 0, line.schema != schema { return nil }
      if let header = line.header { history.absorb(.runStarted(header)) }
      if let input = line.input { history.absorb(.inputFound(input)) }
      if let report = line.report { history.absorb(.stageFinished(report)) }
      if let note = line.note { history.absorb(.cacheNoted(note)) }
      if let ending = line.ending { history.absorb(.runFinished(ending)) }
    }
    return history.report
  }

  /// How far the run had come whose log ends in the middle.
  ///
  /// - Parameter text: The lines of a log, the last of which may be broken off.
  /// - Returns: nil where the log has no beginning in a form that is known, or has its end.
  static func cutOff(in text: String) -> CutOffRun? {
    var run: CutOffRun?
    // A stage whose result vanished is computed again, and finishes twice.
    var finished: Set<String> = []
    for text in text.split(separator: "\n") {
      guard let line = try? RecordJSON.value(Line.self, from: text.utf8) else { continue }
      if line.ending != nil { return nil }
      if let header = line.header, line.schema == schema {
        run = CutOffRun(
          runID: header.runID, started: header.started, stageCount: header.stages.count,
          finishedCount: 0, atWork: [])
      } else if let stage = line.stage, line.plan == nil {
        run?.atWork.removeAll { $0 == stage }
        if line.report == nil {
          run?.atWork.append(stage)
          finished.remove(stage)
        } else {
          finished.insert(stage)
        }
        run?.finishedCount = finished.count
      }
    }
    return run
  }
}
