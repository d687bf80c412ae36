// The program as a user runs it: with an empty cache, and with everything in the cache.
internal import Foundation

/// Times whole runs of dpc on one file.
struct WholeRuns {
  let program: String
  let pipelines: String
  let scratch: URL

  /// A run that failed, with what it said.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Figures and wall fits of a larger map than this take longer than all the rest together, px.
  private static let largestTopView = 1024

  /// core.yaml cold and warm, top-view.yaml cold; the floor reads and hashes the file once.
  func rows(for file: String, side: Int) throws -> [Row] {
    let bytes = 8 * 4 * side * side
    let reading = try Floors.reading(file)
    let hashing = try Floors.hashing(file)
    let floor = (reading + hashing, "read and hash the file")
    let name = "\(side)×\(side)"
    var rows = [
      Row(name: "\(name) H5Dread of the frames", time: reading, bytes: bytes),
      Row(name: "\(name) SHA-256 of the file", time: hashing, bytes: bytes),
      Row(
        name: "\(name) core.yaml, cold", time: try cold("core.yaml", file), bytes: bytes,
        floor: floor),
      Row(
        name: "\(name) core.yaml, warm", time: try warm("core.yaml", file), bytes: bytes,
        floor: floor),
    ]
    if side <= Self.largestTopView {
      rows.append(
        Row(
          name: "\(name) top-view.yaml, cold", time: try cold("top-view.yaml", file), bytes: bytes,
          floor: floor))
    }
    return rows
  }

  /// What every run costs, however small: the start of the process.
  func start() throws -> Row {
    Row(
      name: "dpc --version",
      time: try Stopwatch.median { try execute(["--version"]) })
  }

  private func cold(_ pipeline: String, _ file: String) throws -> Double {
    try Stopwatch.median(prepare: emptyFolders) { try run(pipeline, file, $0) }
  }

  private func warm(_ pipeline: String, _ file: String) throws -> Double {
    let folders = try emptyFolders()
    try run(pipeline, file, folders)
    return try Stopwatch.median { try run(pipeline, file, folders) }
  }

  private func emptyFolders() throws -> URL {
    let folder = scratch.appendingPathComponent("run")
    if FileManager.default.fileExists(atPath: folder.path) {
      try FileManager.default.removeItem(at: folder)
    }
    return folder
  }

  private func run(_ pipeline: String, _ file: String, _ folder: URL) throws {
    try execute([
      "run", "\(pipelines)/\(pipeline)", "--input", "acquisition=\(file)",
      "--output", folder.appendingPathComponent("results").path,
      "--cache", folder.appendingPathComponent("cache").path, "--progress", "none",
    ])
  }

  private func execute(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      throw Failure(
        description: "\(program) \(arguments.joined(separator: " ")) exited with"
          + " \(process.terminationStatus): \(String(decoding: text, as: UTF8.self))")
    }
  }
}
