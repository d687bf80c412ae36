// What a run found, in words: numbers with their errors, assumptions, warnings, and where things lie.
import Pipeline

struct RunSummary {
  let report: RunReport
  let outputs: [PublishedFile]
  let folder: String
  /// What to say of files of an earlier run; nil where there are none.
  let earlier: String?
  /// What the files took the place of; nil where there was nothing, or the same run's.
  let replaced: String?

  func printAll() {
    printFacts()
    printNotes(.assumption, heading: "Assumed:")
    printNotes(.warning, heading: "Beware:")
    printOutputs()
    printTotals()
  }

  private func printFacts() {
    let width = report.stages.map(\.name.count).max() ?? 0
    for stage in report.stages where stage.succeeded {
      for fact in stage.facts { print("\(stage.name.padding(to: width))  \(fact.text)") }
    }
  }

  private func printNotes(_ kind: Note.Kind, heading: String) {
    let notes = report.stages.filter(\.succeeded).flatMap { stage in
      stage.notes.filter { $0.kind == kind }.map { "  \(stage.name): \($0.text)" }
    }
    if notes.isEmpty { return }
    print(heading)
    for note in notes { print(note) }
  }

  private func printOutputs() {
    let figures = outputs.filter { $0.path.hasPrefix("figures/") }
    if outputs.contains(where: { $0.path == "result.h5" }) { print("Result:  \(folder)/result.h5") }
    if !figures.isEmpty {
      print("Figures: " + figures.map { "\(folder)/\($0.path)" }.joined(separator: "\n         "))
    }
    if let replaced {
      print(
        "Replaced: the results of \(replaced) in \(folder); to have both, run that again with another --output (what"
          + " the cache holds of it is not computed anew)")
    }
  }

  private func printTotals() {
    let failed = report.stages.count - report.ranCount - report.hitCount
    if failed > 0 {
      print("Not complete: \(failed) of \(report.stages.count) stages were not done.")
    }
    if let earlier { print(earlier) }
    if report.interruptedBySignal != nil {
      print("The same command goes on where this one stopped.")
    }
    var parts = ["\(report.ranCount) computed", "\(report.hitCount) from the cache"]
    if failed > 0 { parts.append("\(failed) not done") }
    let all = report.hitCount == report.stages.count ? "everything from the cache" : nil
    print(
      "\(report.pipeline): \(all ?? parts.joined(separator: ", ")), \(seconds(report.duration))")
  }
}
