// Runs the built dpc, and other programs, as a user would.
import Foundation
import Testing

/// What a program left when it ended.
struct Finished: Sendable {
  /// The exit code; 128 + signal where a signal ended it.
  let status: Int32
  let output: String
  let errors: String
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
  /// The lines that begin with "error:".
  var complaints: [String] { errorLines.filter { $0.hasPrefix("error: ") } }
  /// The complaints with the lines that say what to do about them.
  var told: String {
    errors.range(of: "error: ", options: .anchored).map { String(errors[$0.lowerBound...]) }
      ?? errors.range(of: "\nerror: ").map { String(errors[$0.lowerBound...]) } ?? ""
  }
}

enum Program {
  /// Beside the test bundle, where every product of the build is.
  static let dpc: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = (CommandLine.arguments[0] as NSString).deletingLastPathComponent + "/dpc"
    let candidates = [(tests as NSString).deletingLastPathComponent + "/dpc", beside]
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? beside
  }()

  /// The tool that holds results against known truth, built beside dpc.
  static var validate: String { dpc + "-validate" }

  /// The folder of the package.
  static let repository: String = {
    var path = #filePath as NSString
    for _ in 0..<4 { path = path.deletingLastPathComponent as NSString }
    return path as String
  }()

  static var python: String { repository + "/.build/python/bin/python" }
  static func pipeline(_ name: String) -> String { "\(repository)/Pipelines/\(name).yaml" }
}

/// A program under way, its output going to files.
final class RunningProgram: Sendable {
  private let process: Process
  private let logs: String
  private let ended: Ended

  /// Wakes whoever waits, before or after the end.
  private actor Ended {
    private var isOver = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func finish() {
      isOver = true
      for continuation in waiting { continuation.resume() }
      waiting = []
    }

    func wait() async {
      if isOver { return }
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  init(
    _ program: String, _ arguments: [String], in folder: String, logs: String,
    environment: [String: String] = [:]
  ) throws {
    let process = Process()
    let ended = Ended()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.newFile(logs + ".out")
    process.standardError = try Self.newFile(logs + ".err")
    process.terminationHandler = { _ in Task { await ended.finish() } }
    try process.run()
    self.process = process
    self.logs = logs
    self.ended = ended
  }

  private static func newFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  var processIdentifier: Int32 { process.processIdentifier }
  var errorsSoFar: String { (try? String(contentsOfFile: logs + ".err", encoding: .utf8)) ?? "" }

  func signal(_ number: Int32) { _ = kill(process.processIdentifier, number) }

  func end() async throws -> Finished {
    await ended.wait()
    let status = process.terminationStatus
    return Finished(
      status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
      output: try String(contentsOfFile: logs + ".out", encoding: .utf8), errors: errorsSoFar)
  }
}
