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

  /// Each with its line break.
  public private(set) var text = ""

  /// Where each line stands on the disk at once.
  private let trail: EventTrail?

  /// - Parameter trail: Where each line is written on the disk at once; nil: the log is in memory alone.
  public init(trail: EventTrail? = nil) { self.trail = trail }

  /// Takes the trail away, once the log was written to its place in the record of the run.
  public func removeTrail() { trail?.remove() }

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
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    // Plain values of our own cannot fail to be encoded.
    guard let data = try? encoder.encode(line) else { return }
    let text = String(decoding: data, as: UTF8.self) + "\n"
    self.text += text
    trail?.append(text)
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

  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return decoder
  }

  /// The report of the run whose log this is.
  ///
  /// - Parameter text: The lines of a log.
  /// - Returns: nil where the log does not begin with the start of a run in a form that is known.
  /// - Throws: the decoder's error for a line that is none of a log.
  public static func report(from text: String) throws -> RunReport? {
    let decoder = Self.decoder
    var history = RunHistory()
    for (index, text) in text.split(separator: "\n").enumerated() {
      let line = try decoder.decode(Line.self, from: Data(text.utf8))
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
    let decoder = Self.decoder
    var run: CutOffRun?
    for text in text.split(separator: "\n") {
      guard let line = try? decoder.decode(Line.self, from: Data(text.utf8)) else { continue }
      if line.ending != nil { return nil }
      if let header = line.header, line.schema == schema {
        run = CutOffRun(
          runID: header.runID, started: header.started, stageCount: header.stages.count,
          finishedCount: 0, atWork: [])
      } else if let stage = line.stage, line.plan == nil {
        run?.atWork.removeAll { $0 == stage }
        if line.report == nil { run?.atWork.append(stage) } else { run?.finishedCount += 1 }
      }
    }
    return run
  }
}
