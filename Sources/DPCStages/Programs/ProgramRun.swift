// A program as a child of dpc: no shell, a folder and an environment of its own, killed with the run.
internal import Foundation
internal import Glibc
internal import Synchronization

/// One run of one program.
struct ProgramRun {
  /// Absolute.
  let executable: String
  let arguments: [String]
  let environment: [String: String]
  /// Where it works, and where its output is kept while it does.
  let folder: String

  enum Ending: Equatable {
    case exited(Int32)
    case signaled(Int32)
    case interrupted
  }

  /// How often the end and the user's wish to stop are looked for, in microseconds.
  private static let interval: UInt32 = 10_000
  /// Of a longer output the end is kept.
  private static let logLimit = 1 << 18

  /// Runs the program to its end. What it has left running in its group ends with it: a service that it began
  /// must not change its results afterwards, nor have the run wait.
  ///
  /// - Parameter isInterrupted: Once it says so, the program and its children are killed.
  /// - Returns: How it ended, and what it wrote on standard output and standard error.
  /// - Throws: the system's error where the program cannot be started.
  func run(isInterrupted: () -> Bool) throws -> (ending: Ending, log: String) {
    let logPath = folder + "/log.txt"
    try Data().write(to: URL(fileURLWithPath: logPath))
    let output = try FileHandle(forWritingTo: URL(fileURLWithPath: logPath))
    defer { try? output.close() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let number = process.processIdentifier
    RunningPrograms.add(number)
    defer { RunningPrograms.remove(number) }
    var wasInterrupted = false
    var ending = Self.ending(of: process)
    while ending == nil {
      if !wasInterrupted, isInterrupted() {
        wasInterrupted = true
        RunningPrograms.end(number)
      }
      usleep(Self.interval)
      ending = Self.ending(of: process)
    }
    kill(-number, SIGKILL)
    let log = try Self.end(of: logPath)
    return (wasInterrupted ? .interrupted : ending ?? .interrupted, log)
  }

  /// How the program itself has ended; nil while it runs.
  ///
  /// `Process` takes it for running as long as any descendant does. Whether the child has ended is therefore asked
  /// of the system, which leaves it for `Process` to wait for.
  private static func ending(of process: Process) -> Ending? {
    var info = siginfo_t()
    let number = process.processIdentifier
    if waitid(P_PID, id_t(number), &info, WEXITED | WNOHANG | WNOWAIT) == 0 {
      let child = info._sifields._sigchld
      guard child.si_pid == number else { return nil }
      return info.si_code == CLD_EXITED ? .exited(child.si_status) : .signaled(child.si_status)
    }
    // It has been waited for already.
    if process.isRunning { return nil }
    let status = process.terminationStatus
    return process.terminationReason == .uncaughtSignal ? .signaled(status) : .exited(status)
  }

  private static func end(of path: String) throws -> String {
    let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? handle.close() }
    let size = try handle.seekToEnd()
    let isLong = size > UInt64(logLimit)
    try handle.seek(toOffset: isLong ? size - UInt64(logLimit) : 0)
    let text = String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    return isLong ? "(the last \(logLimit) of \(size) bytes)\n" + text : text
  }
}

/// The programs that are children of this process now.
public enum RunningPrograms {
  private static let numbers = Mutex<Set<Int32>>([])

  static func add(_ number: Int32) { numbers.withLock { _ = $0.insert(number) } }
  static func remove(_ number: Int32) { numbers.withLock { _ = $0.remove(number) } }

  /// A program leads a group of its own, to which its children belong.
  fileprivate static func end(_ number: Int32) {
    if kill(-number, SIGKILL) != 0 { kill(number, SIGKILL) }
  }

  /// Kills all of them, for a process that is about to end itself.
  public static func endAll() { for number in numbers.withLock({ $0 }) { end(number) } }
}
