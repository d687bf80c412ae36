// What is at work at this moment, and how long it may still take.
import Foundation
import Pipeline

/// The stages at work of one run or of many, each under the name that a user knows it by.
struct WorkUnderWay {
  private struct Work {
    var begun: Date
    var fraction = 0.0
  }

  private var work: [String: Work] = [:]
  /// In the order in which they began.
  private var names: [String] = []

  /// - Parameters:
  ///   - event: Of a run.
  ///   - instance: Which of many runs it is.
  mutating func absorb(_ event: RunEvent, instance: String? = nil) {
    func named(_ stage: String) -> String { instance.map { "\($0) \(stage)" } ?? stage }
    switch event {
    case .stageStarted(let stage):
      let name = named(stage)
      if work.updateValue(Work(begun: Date()), forKey: name) == nil { names.append(name) }
    case .stageProgress(let stage, let fraction):
      work[named(stage)]?.fraction = min(max(fraction, 0), 1)
    case .stageFinished(let report):
      let name = named(report.name)
      if work.removeValue(forKey: name) != nil { names.removeAll { $0 == name } }
    case .runStarted, .inputFound, .stagePlanned, .cacheNoted, .runFinished: break
    }
  }

  /// What a run that was asked to stop still waits for; nil where nothing is at work.
  func awaited() -> String? {
    func isFinishing(_ name: String) -> Bool {
      (work[name]?.fraction ?? 0) >= StageProgress.nearlyDone
    }
    let finishing = names.filter(isFinishing)
    let ending = names.filter { !isFinishing($0) }
    var parts: [String] = []
    if !finishing.isEmpty {
      let words = finishing.prefix(3).map { "\($0) (\(remaining($0)))" }
      parts.append("finishing \(words.joined(separator: ", "))")
    }
    if !ending.isEmpty {
      parts.append("breaking off \(KeyList.text(ending, of: ending.count + 1))")
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// "81 % done, 12 s more".
  private func remaining(_ name: String) -> String {
    guard let work = work[name], work.fraction > 0 else { return "" }
    let rest = Date().timeIntervalSince(work.begun) * (1 / work.fraction - 1)
    return "\(Int(work.fraction * 100)) % done, \(seconds(rest)) more"
  }
}
