// What many runs found, in words: how many there are of each kind, and each reason once.
import Foundation
import Pipeline

struct ManySummary {
  let report: ManyReport
  let outputs: [PublishedFile]
  let folder: String
  /// Keys of folders that belong to no run of this manifest any more.
  let leftovers: [String]
  /// Keys of runs that left nothing, and whose folders hold what earlier ones left.
  let unrenewed: [String]
  /// What to say of files of an earlier run that belong to all; nil where there are none.
  let earlier: String?

  /// More reasons than these nobody reads; the table has all of them.
  private static let groupLimit = 12

  func printAll(_ isVerbose: Bool) {
    printNotes(.assumption, heading: "Assumed:")
    printNotes(.warning, heading: "Beware:")
    for (name, what) in [
      ("summary.csv", "Table:   "), ("summary.h5", "         "), ("walls.csv", "Walls:   "),
      ("contact-sheet.png", "Sheet:   "),
    ] where outputs.contains(where: { $0.path == name }) {
      print("\(what)\(folder)/\(name)")
    }
    if let line = KeyList.leftovers(leftovers, in: folder) { print(line) }
    if let earlier { print(earlier) }
    if let line = KeyList.unrenewed(unrenewed, of: report.instances.count, in: folder) {
      print(line)
    }
    printTotals()
    // Where both streams go to one place, the failures stand last, in sight.
    fflush(nil)
    printFailures(isVerbose)
    for note in Set(report.instances.flatMap { $0.run?.cacheNotes ?? [] }.map(\.text)).sorted() {
      Terminal.printError(note)
    }
  }

  private func printTotals() {
    let stages = report.instances.compactMap(\.run)
    let computed = stages.reduce(0) { $0 + $1.ranCount }
    let cached = stages.reduce(0) { $0 + $1.hitCount }
    if report.interruptedBySignal != nil {
      print("The same command goes on where this one stopped.")
    }
    var parts = ["\(report.count(.done)) of \(report.instances.count) done"]
    for outcome in [InstanceReport.Outcome.partial, .failed, .interrupted, .skipped] {
      let count = report.count(outcome)
      if count > 0 { parts.append("\(count) \(outcome.rawValue)") }
    }
    print(
      "\(report.pipeline): \(parts.joined(separator: ", ")); stages: \(computed) computed,"
        + " \(cached) from the cache; \(seconds(report.duration))")
  }

  // MARK: Groups

  /// Texts with the keys of the instances that say so, the most frequent first.
  private static func grouped(_ texts: [(text: String, key: String)]) -> [(String, [String])] {
    var order: [String] = []
    var keys: [String: [String]] = [:]
    for (text, key) in texts {
      if keys[text] == nil { order.append(text) }
      keys[text, default: []].append(key)
    }
    return order.enumerated().sorted {
      (-(keys[$0.element]?.count ?? 0), $0.offset) < (-(keys[$1.element]?.count ?? 0), $1.offset)
    }.map { ($0.element, keys[$0.element] ?? []) }
  }

  /// What runs say alike: in the same words, or in words that differ in their numbers only.
  struct AlikeNotes {
    /// As the first of them has it.
    let text: String
    /// Of those that say exactly this, and of those with other numbers.
    private(set) var same: [String] = []
    private(set) var others: [String] = []

    fileprivate mutating func add(_ text: String, _ key: String) {
      if text == self.text { same.append(key) } else { others.append(key) }
    }

    /// - Parameter total: How many runs there are.
    func line(of total: Int) -> String {
      let same = KeyList.text(same, of: total)
      return others.isEmpty
        ? "\(text)  (\(same))"
        : "\(text)  (\(same); \(KeyList.text(others, of: total)) with other numbers)"
    }
  }

  /// Notes of many runs, what most of them say first; two of one run are two, however alike.
  ///
  /// - Parameter notes: By run in order, each with its key.
  static func alike(_ notes: [(text: String, key: String)]) -> [AlikeNotes] {
    struct Kind: Hashable {
      var words: String
      /// Among those of one run.
      var index: Int
    }
    var order: [Kind] = []
    var groups: [Kind: AlikeNotes] = [:]
    var seen: [String: Int] = [:]
    // Made once: to make it takes longer than to use it.
    let number = /-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?/
    for (text, key) in notes {
      let words = text.replacing(number, with: "#")
      let kind = Kind(words: words, index: seen["\(key) \(words)", default: 0])
      seen["\(key) \(words)", default: 0] += 1
      if groups[kind] == nil { order.append(kind) }
      groups[kind, default: AlikeNotes(text: text)].add(text, key)
    }
    let found = order.compactMap { groups[$0] }
    func count(_ group: AlikeNotes) -> Int { group.same.count + group.others.count }
    return found.enumerated().sorted {
      (-count($0.element), $0.offset) < (-count($1.element), $1.offset)
    }.map(\.element)
  }

  private func printNotes(_ kind: Note.Kind, heading: String) {
    let texts = report.instances.flatMap { instance in
      (instance.run?.stages ?? []).filter(\.succeeded).flatMap { stage in
        stage.notes.filter { $0.kind == kind }.map {
          (text: "\(stage.name): \(common($0.text, instance))", key: instance.key)
        }
      }
    }
    let groups = Self.alike(texts)
    if groups.isEmpty { return }
    print(heading)
    for group in groups.prefix(Self.groupLimit) {
      print("  \(group.line(of: report.instances.count))")
    }
    if groups.count > Self.groupLimit {
      print("  and \(groups.count - Self.groupLimit) more, in each folder's provenance/run.json")
    }
  }

  /// A failure of one run.
  struct Refusal {
    var key: String
    var stage: String?
    var failure: StageFailure
    /// The run's files by the names of its inputs.
    var inputs: [String: String]
  }

  /// A text without what only this instance has in it: its files and its key.
  private func common(_ text: String, _ instance: InstanceReport) -> String {
    Self.common(text, Self.files(instance))
  }

  private static func common(_ text: String, _ inputs: [String: String]) -> String {
    inputs.sorted { $0.key < $1.key }.reduce(text) { text, input in
      input.value.isEmpty ? text : text.replacingOccurrences(of: input.value, with: "$\(input.key)")
    }
  }

  private static func files(_ instance: InstanceReport) -> [String: String] {
    Dictionary((instance.run?.inputs ?? []).map { ($0.name, $0.path) }, uniquingKeysWith: { $1 })
  }

  private func printFailures(_ isVerbose: Bool) {
    let failures = report.instances.flatMap { instance in
      instance.failures.map {
        Refusal(
          key: instance.key, stage: $0.stage, failure: $0.failure, inputs: Self.files(instance))
      }
    }
    for complaint in Self.complaints(failures, of: report.instances.count, isVerbose) {
      complaint.report()
    }
  }

  /// One complaint for each reason, however many have it.
  static func complaints(
    _ failures: [Refusal], of total: Int, _ isVerbose: Bool
  ) -> [CommandFailure] {
    var sample: [String: CommandFailure] = [:]
    var texts: [(text: String, key: String)] = []
    var wordings: [String: Set<String>] = [:]
    var remedies: [String: Set<String?>] = [:]
    for refusal in failures {
      let stage = refusal.stage.map { $0 + ": " } ?? ""
      let own = refusal.failure.message
      let text = stage + common(own, refusal.inputs)
      if sample[text] == nil {
        sample[text] = CommandFailure(refusal.failure, isVerbose: isVerbose)
      }
      wordings[text, default: []].insert(stage + own)
      remedies[text, default: []].insert(refusal.failure.remedy)
      texts.append((text, refusal.key))
    }
    return grouped(texts).compactMap { text, keys in
      guard var failure = sample[text] else { return nil }
      // A reason with one file in it, however many have it, names the file.
      let words = wordings[text]?.count == 1 ? wordings[text]?.first ?? text : text
      // What is done about one file is not done about another.
      if failure.remedy?.contains("--input") == true || (remedies[text]?.count ?? 0) > 1 {
        failure.remedy =
          "check the path; that of a swept input stands under foreach or in its table"
      }
      failure.message = "\(KeyList.text(keys, of: total)): \(words)"
      return failure
    }
  }
}

/// Keys as a reader wants them: all of few, the first of many.
enum KeyList {
  private static let shown = 4

  /// What to say of folders whose rows are gone; nil where there are none.
  static func leftovers(_ keys: [String], in folder: String) -> String? {
    if keys.isEmpty { return nil }
    return "Left by earlier runs and no longer asked for, in \(folder): \(text(keys, of: 0))"
      + " (nothing is removed)"
  }

  /// What to say of runs that left nothing where earlier ones had; nil where there are none.
  static func unrenewed(_ keys: [String], of total: Int, in folder: String) -> String? {
    if keys.isEmpty { return nil }
    return "Still of earlier runs, since these left nothing, in \(folder): \(text(keys, of: total))"
      + " (provenance/ in each tells of which run, provenance/failed-run of one that failed)"
  }

  static func text(_ keys: [String], of total: Int) -> String {
    if keys.count == total && total > 1 { return "all \(total)" }
    if keys.count <= shown { return keys.joined(separator: ", ") }
    return keys.prefix(shown - 1).joined(separator: ", ") + " and \(keys.count - shown + 1) more"
  }
}
