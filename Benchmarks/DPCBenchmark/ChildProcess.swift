// Runs a program and says how long it took and how much memory it held at most.
internal import Foundation
internal import Glibc

/// What a finished process cost.
struct ProcessCost {
  /// From its start to its end, s.
  var seconds: Double
  /// Of all its threads, in its own code and in the system's, s.
  var processorSeconds: Double
  /// The largest resident memory, bytes.
  var peakBytes: Int
}

/// A program that could not be started or failed, with what it said.
struct ProcessFailure: Error, CustomStringConvertible {
  var description: String
}

/// Runs `program` to its end; its standard output is dropped.
///
/// The system counts the memory of the caller at the start as the program's own, so callers must be small.
func cost(of program: String, _ arguments: [String], errorsIn folder: URL) throws -> ProcessCost {
  let errors = folder.appendingPathComponent("errors.txt").path
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
  words.append(nil)
  var environment: [UnsafeMutablePointer<CChar>?] = ProcessInfo.processInfo.environment.map {
    strdup("\($0.key)=\($0.value)")
  }
  environment.append(nil)
  defer { for pointer in words + environment { free(pointer) } }
  var identifier = pid_t()
  var status: Int32 = 0
  var usage = rusage()
  var started: Int32 = 0
  let seconds = Stopwatch.seconds {
    started = posix_spawn(&identifier, program, &actions, nil, &words, &environment)
    if started == 0 {
      while wait4(identifier, &status, 0, &usage) < 0 && errno == EINTR {}
    }
  }
  if started != 0 || status != 0 {
    let text = FileManager.default.contents(atPath: errors) ?? Data()
    throw ProcessFailure(
      description: "\(program) \(arguments.joined(separator: " ")) failed (status"
        + " \(started != 0 ? started : status)): \(String(decoding: text, as: UTF8.self))")
  }
  let processorSeconds = [usage.ru_utime, usage.ru_stime].reduce(0.0) { sum, time -> Double in
    sum + Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
  }
  return ProcessCost(
    seconds: seconds, processorSeconds: processorSeconds, peakBytes: usage.ru_maxrss * 1024)
}
