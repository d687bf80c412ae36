// The program as a user runs it, cold and warm, by turns with the floor program.
internal import Foundation
internal import STEMCore

/// Times whole runs of dpc and of the floor, one after the other in every round.
struct WholeRuns {
  let program: String
  let pipelines: String
  let scratch: URL

  /// One kind of run over all rounds.
  struct Series {
    var name: String
    var costs: [ProcessCost] = []
    var least: Double { costs.map(\.seconds).min() ?? 0 }
    var median: Double {
      let sorted = costs.map(\.seconds).sorted()
      return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
    var peakBytes: Int { costs.map(\.peakBytes).max() ?? 0 }
    /// The least of all rounds, over all threads: other work on the machine shows least in it.
    var processorSeconds: Double { costs.map(\.processorSeconds).min() ?? 0 }
  }

  /// Rounds of runs at each side: a table of each, and one of how the times grow.
  func tables(sides: [Int], rounds: Int, _ add: (String) -> Void) throws {
    var lines = [
      "## Time against size: the least of each, in ns per position, the smallest size's time taken off",
      "",
      "| run | " + sides.map { "\($0)²" }.joined(separator: " | ") + " |",
      "|---|" + sides.map { _ in "---:|" }.joined(),
    ]
    var rows: [String: [Double]] = [:]
    var names: [String] = []
    for side in sides {
      let series = try series(side: side, rounds: rounds)
      add(markdown(side, series))
      names = series.map(\.name)
      for one in series { rows[one.name, default: []].append(one.least) }
    }
    guard sides.count > 1, let smallest = sides.first else { return }
    for name in names {
      let times = rows[name] ?? []
      let cells = zip(sides, times).map { side, time in
        let positions = side * side - smallest * smallest
        return positions == 0
          ? "" : Table.fixed((time - times[0]) * 1e9 / Double(positions), digits: 1)
      }
      lines.append("| \(name) | " + cells.joined(separator: " | ") + " |")
    }
    add(lines.joined(separator: "\n") + "\n")
  }

  private func series(side: Int, rounds: Int) throws -> [Series] {
    let file = scratch.appendingPathComponent("scan-\(side).h5").path
    try run(CommandLine.arguments[0], ["acquisition", file, "--side", "\(side)"])
    defer { try? FileManager.default.removeItem(atPath: file) }
    let offset = try frameOffset(file)
    var floor = Series(name: "floor program")
    var core = Series(name: "core.yaml, cold")
    var warm = Series(name: "core.yaml, warm")
    var top = Series(name: "top-view.yaml with figures, cold")
    // The first run says how large the result is, and makes every later one find the files in memory.
    _ = try dpc("\(pipelines)/core.yaml", file, empties: true)
    let bytes = try resultBytes()
    for _ in 0..<rounds {
      floor.costs.append(
        try run(
          CommandLine.arguments[0],
          [
            "floor", file, scratch.appendingPathComponent("floor.out").path, "--side", "\(side)",
            "--offset", "\(offset)", "--bytes", "\(bytes)",
          ]))
      core.costs.append(try dpc("\(pipelines)/core.yaml", file, empties: true))
      warm.costs.append(try dpc("\(pipelines)/core.yaml", file, empties: false))
      top.costs.append(try dpc("\(pipelines)/top-view.yaml", file, empties: true))
    }
    return [floor, core, warm, top]
  }

  /// What every run costs, however small: the start of the process, s.
  func start() throws -> Double {
    try Stopwatch.median { _ = try run(program, ["--version"]) }
  }

  private func markdown(_ side: Int, _ series: [Series]) -> String {
    let floor = series[0]
    var lines = [
      "## Whole runs, \(side)×\(side), 8 segments of 32-bit frames", "",
      "| run | least ms | median ms | least over floor's | median over floor's | beyond the floor, ms |"
        + " processor ms | peak MB | (peak - 60 MB) per px, bytes |",
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for run in series {
      let cells = [
        run.name, Table.fixed(run.least * 1000, digits: 1),
        Table.fixed(run.median * 1000, digits: 1),
        Table.fixed(run.least / floor.least, digits: 2),
        Table.fixed(run.median / floor.median, digits: 2),
        Table.fixed((run.least - floor.least) * 1000, digits: 0),
        Table.fixed(run.processorSeconds * 1000, digits: 0),
        Table.fixed(Double(run.peakBytes) / 1e6, digits: 0),
        Table.fixed((Double(run.peakBytes) - 60e6) / Double(side * side), digits: 0),
      ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Where the frames begin: found by their first numbers, since the writer leaves them in one piece.
  private func frameOffset(_ path: String) throws -> Int {
    let acquisition = BenchmarkAcquisition(side: 256)
    let numbers = acquisition.planes[0].values[..<16].map { Float($0) }
    let pattern = numbers.withUnsafeBytes { Data($0) }
    guard let handle = FileHandle(forReadingAtPath: path),
      let start = try handle.read(upToCount: 1 << 20), let range = start.range(of: pattern)
    else { throw ProcessFailure(description: "\(path): the frames are not where they should be") }
    return range.lowerBound
  }

  private var folder: URL { scratch.appendingPathComponent("run") }
  var results: URL { folder.appendingPathComponent("results") }
  var cache: URL { folder.appendingPathComponent("cache") }

  /// Empties cache and output folder.
  func clear() throws {
    if FileManager.default.fileExists(atPath: folder.path) {
      try FileManager.default.removeItem(at: folder)
    }
  }

  /// Makes way for the next run without deleting anything: a file system searches past what was just deleted for
  /// some seconds, which would be a tenth of a run that makes thousands of files.
  func setAside() throws {
    if FileManager.default.fileExists(atPath: folder.path) {
      try FileManager.default.moveItem(
        at: folder, to: scratch.appendingPathComponent("aside-\(UUID().uuidString)"))
    }
  }

  private func resultBytes() throws -> Int {
    let path = results.appendingPathComponent("result.h5").path
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    guard let size else { throw ProcessFailure(description: "\(path) has no size") }
    return size
  }

  func dpc(_ pipeline: String, _ file: String, empties: Bool) throws -> ProcessCost {
    if empties { try clear() }
    return try run(
      program,
      [
        "run", pipeline, "--input", "acquisition=\(file)", "--output", results.path, "--cache",
        cache.path, "--progress", "none",
      ])
  }

  @discardableResult
  func run(_ program: String, _ arguments: [String]) throws -> ProcessCost {
    try cost(of: program, arguments, errorsIn: scratch)
  }
}
