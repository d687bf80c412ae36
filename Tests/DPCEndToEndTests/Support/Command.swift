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

/// A signal for a program that has come to a certain point.
struct TimedSignal {
  let number: Int32
  /// What the program's standard error holds at that point.
  let words: String
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
    environment: [String: String] = [:], signal: TimedSignal? = nil
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
    if let signal { try Self.send(signal, to: process.processIdentifier, logs: logs) }
    self.process = process
    self.logs = logs
    self.ended = ended
  }

  /// A process of its own looks out: the threads of the tests may be busy when the moment comes.
  private static func send(_ signal: TimedSignal, to process: Int32, logs: String) throws {
    let watcher = Process()
    watcher.executableURL = URL(fileURLWithPath: "/bin/sh")
    watcher.arguments = [
      "-c",
      """
      while kill -0 "$1" && ! grep -qF "$2" "$3"; do sleep 0.002; done
      kill -"$4" "$1"
      """, "sh", "\(process)", signal.words, logs + ".err", "\(signal.number)",
    ]
    watcher.standardError = FileHandle.nullDevice
    try watcher.run()
  }

  private static func newFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  private var errorsSoFar: String {
    (try? String(contentsOfFile: logs + ".err", encoding: .utf8)) ?? ""
  }

  func end() async throws -> Finished {
    await ended.wait()
    let status = process.terminationStatus
    return Finished(
      status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
      output: try String(contentsOfFile: logs + ".out", encoding: .utf8), errors: errorsSoFar)
  }
}
