// A folder of its own for each test, with its own cache, and the short words for running in it.
import Foundation
import TestText
import Testing

/// A temporary folder; gone with the value.
final class Workspace: Sendable {
  let path: String
  private let logCount = Counter()

  private actor Counter {
    private var count = 0
    func next() -> Int {
      count += 1
      return count
    }
  }

  init() throws {
    // Links resolved: what dpc prints is compared with what it was given.
    path =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
      + "/dpc-\(UUID().uuidString)"
    for folder in [path, path + "/.logs"] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
  }

  // What cannot be removed is left to the system.
  deinit { try? FileManager.default.removeItem(atPath: path) }

  subscript(name: String) -> String { path + "/" + name }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self[name]) }
  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: self[name]))
  }
  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: self[name]))
    return self[name]
  }

  @discardableResult
  func write(_ bytes: Data, to name: String) throws -> String {
    try bytes.write(to: URL(fileURLWithPath: self[name]))
    return self[name]
  }

  @discardableResult
  func write(_ sample: Sample, to name: String = "scan.h5") throws -> String {
    try sample.write(to: self[name])
    return self[name]
  }

  @discardableResult
  func makeFolder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
    return self[name]
  }

  /// The files under a folder, by their path in it.
  func files(under name: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: self[name])?.compactMap { $0 as? String } ?? []
    return all.filter { file in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: self[name] + "/" + file, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  /// Starts a program in this folder or one below.
  func start(
    _ program: String, _ arguments: [String], in folder: String = "",
    environment: [String: String] = [:], signal: TimedSignal? = nil
  ) async throws -> RunningProgram {
    try RunningProgram(
      program, arguments, in: self[folder], logs: self[".logs/\(await logCount.next())"],
      environment: environment, signal: signal)
  }

  /// Runs dpc to its end.
  func dpc(
    _ arguments: [String], in folder: String = "", environment: [String: String] = [:]
  ) async throws -> Finished {
    try await start(Program.dpc, arguments, in: folder, environment: environment).end()
  }

  /// Runs a shell script to its end; `$DPC` is the program.
  func shell(_ script: String, environment: [String: String] = [:]) async throws -> Finished {
    try await start(
      "/bin/sh", ["-c", script], environment: environment.merging(["DPC": Program.dpc]) { $1 }
    ).end()
  }

  /// Runs a pipeline on `scan.h5` into `out` with the cache `cache`.
  func run(
    _ pipeline: String = Quick.manifest, input: String = "scan.h5", output: String = "out",
    cache: String = "cache", _ more: String...
  ) async throws -> Finished {
    try await dpc(runArguments(pipeline, input: input, output: output, cache: cache) + more)
  }

  /// Small acquisitions of these names in `scans`, and `many.yaml` that runs over all of them.
  ///
  /// - Returns: The words that run it into `out` with the cache `cache`.
  func writeMany(_ names: [String]) throws -> [String] {
    try makeFolder("scans")
    for name in names { try write(Sample(rows: 6, columns: 9), to: "scans/\(name).h5") }
    try write(
      Quick.text.changing(
        "inputs: { acquisition: scan.h5 }",
        to: "inputs: { acquisition: null }\nforeach: { glob: scans/*.h5 }"), to: "many.yaml")
    return ["run", "many.yaml", "--output", "out", "--cache", "cache"]
  }

  func runArguments(
    _ pipeline: String = Quick.manifest, input: String = "scan.h5", output: String = "out",
    cache: String = "cache"
  ) throws -> [String] {
    // Once only: a program of the same test may be reading it.
    if pipeline == Quick.manifest, !exists(pipeline) { try write(Quick.text, to: pipeline) }
    return [
      "run", pipeline, "--input", "acquisition=\(input)", "--output", output, "--cache", cache,
    ]
  }
}

/// Stages from an acquisition to the field in V/m, as a part of a manifest.
enum FieldStages {
  static let text = """
      frames:  { uses: read-acquisition, with: { file: $acquisition } }
      clean:   { uses: normalize-segments, from: frames }
      tilt:    { uses: deflection, from: clean }
      aligned: { uses: rotate-to-scan, from: tilt, with: { rotation_deg: from-file } }
      field:   { uses: electric-field, from: aligned, with: { thickness_nm: from-file } }
    """
}

/// A pipeline without what only walls are good for.
enum Quick {
  static let manifest = "quick.yaml"
  static let text = """
    schema: dpc-pipeline/1
    name: quick
    inputs: { acquisition: scan.h5 }
    stages:
    \(FieldStages.text)
      potential: { uses: integrate, from: field, with: { boundary: neumann } }
      map:       { uses: vector-map, from: field, with: { format: [png, svg] } }
    results: [field, aligned, tilt, potential]

    """
}

/// What `--progress json` tells of a run.
struct Outcomes {
  /// Stage to hit, ran, failed, blocked or cancelled.
  let stages: [String: String]

  init(_ finished: Finished) throws {
    var stages: [String: String] = [:]
    for line in finished.errorLines where line.hasPrefix("{") {
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard event?["event"] as? String == "stage-finished",
        let stage = event?["stage"] as? String, let outcome = event?["outcome"] as? String
      else { continue }
      stages[stage] = outcome
    }
    self.stages = stages
  }

  func named(_ outcome: String) -> Set<String> {
    Set(stages.filter { $0.value == outcome }.keys)
  }
}
