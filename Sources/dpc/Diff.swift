// dpc diff: how two results differ, in how they were made and number by number.
import ArgumentParser
import Foundation
import Pipeline
import STEMData

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two results: parameters, inputs and numbers.",
    discussion: """
      Ends with 0 where chain and numbers agree, 1 where something differs, 4 where a file is no result, \
      5 where the machine cannot read it. Versions are told and do not count.

      Example: dpc diff results/result.h5 again/result.h5
      """)

  @Argument(help: "A result.h5.", completion: .file())
  var first: String

  @Argument(help: "Another result.h5.", completion: .file())
  var second: String

  @Flag(help: "List the datasets that are identical too, as JSON does.")
  var all = false

  @Option(help: OutputFormat.help)
  var format: OutputFormat = .text

  func run() throws {
    let comparison = try Comparison.read(first, second)
    if format == .json {
      try printJSON(Comparison.Document(first, second, comparison))
      if !comparison.isIdentical { ExitStatus.nothingProduced.exit() }
      return
    }
    print("A  \(first)\nB  \(second)")
    Comparison.print(comparison, listingAll: all)
    if comparison.isIdentical {
      print("identical: chain, attributes and \(comparison.datasets.count) datasets")
      return
    }
    print(
      "different: \(Self.count(comparison.chain.count, "entry", "entries")) of the chain,"
        + " \(Self.count(comparison.attributes.count, "attribute", "attributes")),"
        + " \(comparison.differingDatasets.count) of \(comparison.datasets.count) datasets")
    ExitStatus.nothingProduced.exit()
  }

  private static func count(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
  }
}

/// A comparison of results as text and as JSON.
enum Comparison {
  /// The layout of `--format json`.
  struct Document: Encodable {
    let schema = "dpc-difference/1"
    let first: String
    let second: String
    let isIdentical: Bool
    let chain: [ResultChange]
    let attributes: [ResultChange]
    let remarks: [ResultChange]
    let datasets: [Dataset]

    struct Dataset: Encodable {
      let name: String
      let unit: String
      var outcome: String
      /// Of shapes, types, units and texts.
      var words: String?
      var numbers: NumberDifference?

      init(_ dataset: ResultComparison.Dataset) {
        (name, unit, outcome) = (dataset.name, dataset.unit, "different")
        switch dataset.outcome {
        case .identical: outcome = "identical"
        case .onlyInFirst: outcome = "only-in-first"
        case .onlyInSecond: outcome = "only-in-second"
        case .described(let text): words = text
        case .numbers(let difference): numbers = difference
        }
      }
    }

    init(_ first: String, _ second: String, _ comparison: ResultComparison) {
      (self.first, self.second) = (first, second)
      isIdentical = comparison.isIdentical
      (chain, attributes) = (comparison.chain, comparison.attributes)
      remarks = comparison.remarks
      datasets = comparison.datasets.map(Dataset.init)
    }
  }

  static func read(_ first: String, _ second: String) throws(CommandFailure) -> ResultComparison {
    do { return try ResultComparison(first, second) } catch {
      var failure = CommandFailure(error)
      if !error.isMachine {
        failure.remedy =
          NearbyFile.suggestion(for: first) ?? NearbyFile.suggestion(for: second)
          ?? "two result.h5 that dpc wrote are wanted"
      }
      throw failure
    }
  }

  static func print(_ comparison: ResultComparison, listingAll: Bool) {
    section("Chain (A -> B):", comparison.chain.map(\.description))
    section("Attributes (A -> B):", comparison.attributes.map(\.description))
    let shown = listingAll ? comparison.datasets : comparison.differingDatasets
    section("Numbers:", shown.map(line))
    section(
      "Versions and names, which do not count (A -> B):", comparison.remarks.map(\.description))
  }

  private static func section(_ heading: String, _ lines: [String]) {
    if lines.isEmpty { return }
    printLine(heading)
    for line in lines { printLine("  \(line)") }
  }

  private static func line(_ dataset: ResultComparison.Dataset) -> String {
    switch dataset.outcome {
    case .identical: return "\(dataset.name): identical"
    case .onlyInFirst: return "\(dataset.name): only in A"
    case .onlyInSecond: return "\(dataset.name): only in B"
    case .described(let text): return "\(dataset.name): \(text)"
    case .numbers(let difference):
      return "\(dataset.name): " + text(difference, unit: dataset.unit)
    }
  }

  private static func text(_ difference: NumberDifference, unit: String) -> String {
    var parts: [String] = []
    // A mask is a sum of reasons: its largest difference says nothing.
    if difference.precision != .integer, difference.differing > difference.missingOnOneSide {
      let unit = unit.isEmpty ? "" : " \(unit)"
      let place = difference.place.map(String.init).joined(separator: ", ")
      parts.append(
        "largest difference \(difference.largest)\(unit)"
          + (place.isEmpty ? "" : " at [\(place)]") + weight(difference))
    }
    parts.append("\(difference.differing) of \(difference.count) differ")
    if difference.missingOnOneSide > 0 {
      parts.append("\(difference.missingOnOneSide) are NaN on one side only")
    }
    return parts.joined(separator: "; ")
  }

  /// What a difference is beside the numbers themselves.
  private static func weight(_ difference: NumberDifference) -> String {
    if difference.isRounding {
      let format = difference.precision == .float32 ? "single" : "double"
      return ", rounding in the last digit of \(format) precision"
    }
    let part = difference.largest / difference.largestMagnitude
    guard part.isFinite, difference.count > 1 else { return "" }
    return part < 1e-4
      ? String(format: ", %.1e of the largest value", part)
      : String(format: ", %.2g %% of the largest value", 100 * part)
  }
}
