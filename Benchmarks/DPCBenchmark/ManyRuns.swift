// Many small acquisitions in one run: cold with one thread and with all, planned and run where all is cached.
internal import ArgumentParser
internal import Foundation
internal import STEMCore
internal import STEMData

/// Writes many small acquisitions, no two alike.
struct AcquisitionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acquisitions", abstract: "Writes many small acquisitions for timing.",
    shouldDisplay: false)

  @Argument var folder: String
  @Option(help: "Side of the frames, px.") var side: Int
  @Option(help: "How many.") var count: Int

  func run() throws {
    for index in 0..<count {
      try BenchmarkAcquisition(side: side, seed: UInt64(1 + index))
        .write(to: "\(folder)/scan-\(1000 + index).h5")
    }
  }
}

extension WholeRuns {
  /// - Parameters:
  ///   - count: How many acquisitions.
  ///   - side: Of each, px.
  func many(count: Int, side: Int, rounds: Int) throws -> String {
    let scans = scratch.appendingPathComponent("scans")
    try FileManager.default.createDirectory(at: scans, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scans) }
    try run(
      CommandLine.arguments[0],
      ["acquisitions", scans.path, "--side", "\(side)", "--count", "\(count)"])
    let manifest = try manyManifest()
    let cores = ProcessInfo.processInfo.activeProcessorCount
    var (one, all) = (Series(name: "run, cold, 1 thread"), Series(name: "run, cold, all threads"))
    var (warm, plan) = (Series(name: "run, all cached"), Series(name: "plan, all cached"))
    let places = ["--output", results.path, "--cache", cache.path]
    let options = places + ["--progress", "none"]
    for _ in 0..<rounds {
      try setAside()
      one.costs.append(try run(program, ["run", manifest] + options + ["--threads", "1"]))
      try setAside()
      all.costs.append(try run(program, ["run", manifest] + options + ["--threads", "\(cores)"]))
      warm.costs.append(try run(program, ["run", manifest] + options))
      plan.costs.append(try run(program, ["plan", manifest, "--cache", cache.path]))
    }
    var lines = [
      "## \(count) acquisitions of \(side)×\(side), core.yaml with foreach", "",
      "| what | least ms | median ms | an acquisition, ms | processor ms | faster than 1 thread |",
      "|---|---:|---:|---:|---:|---:|",
    ]
    for series in [one, all, warm, plan] {
      let cells = [
        series.name, Table.fixed(series.least * 1000, digits: 0),
        Table.fixed(series.median * 1000, digits: 0),
        Table.fixed(series.least * 1000 / Double(count), digits: 2),
        Table.fixed(series.processorSeconds * 1000, digits: 0),
        Table.fixed(one.least / series.least, digits: 2),
      ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// core.yaml over all files of the folder.
  private func manyManifest() throws -> String {
    let core = try String(contentsOfFile: "\(pipelines)/core.yaml", encoding: .utf8)
    let text = core.replacingOccurrences(of: "../ExampleData/top-view.h5", with: "null")
    let path = scratch.appendingPathComponent("many.yaml")
    try Data((text + "foreach: { glob: scans/*.h5 }\n").utf8).write(to: path)
    return path.path
  }
}
