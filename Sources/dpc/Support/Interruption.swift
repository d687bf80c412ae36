// Ctrl-C and termination: once asks the run to stop, twice stops it at once.
import DPCStages
import Dispatch
import Foundation
import Pipeline

/// Watches SIGINT and SIGTERM from its making to the end of the process.
enum Interruption {
  private static let signals = [SIGINT, SIGTERM]

  /// What a command says that is stopped at once, whose work the same command takes from the cache.
  static let lastWords =
    "stopped; finished stages are kept, and the same command goes on from there"

  /// - Parameters:
  ///   - lastWords: What is said at the second signal, before the process ends.
  ///   - tell: Says that the run is stopping, when it is asked to for the first time.
  /// - Returns: What a run looks at to learn that it shall stop.
  static func watched(
    lastWords: String = lastWords, _ tell: @escaping @Sendable () -> Void = { tell(nil) }
  ) -> RunCancellation {
    let cancellation = RunCancellation()
    for number in signals {
      signal(number, SIG_IGN)
      Thread.detachNewThread { wait(for: number, cancellation, tell, lastWords) }
    }
    return cancellation
  }

  /// - Parameter awaited: What the run still waits for; nil: it is not known.
  static func words(_ awaited: String?) -> String {
    "stopping\(awaited.map { ": " + $0 } ?? ""); once more to stop now"
  }

  static func tell(_ awaited: String?) { Terminal.printError(words(awaited)) }

  /// Blocks a thread of its own until the signal comes, then until it comes again.
  private static func wait(
    for number: Int32, _ cancellation: RunCancellation, _ tell: @Sendable () -> Void,
    _ lastWords: String
  ) {
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    let arrived = DispatchSemaphore(value: 0)
    source.setEventHandler { arrived.signal() }
    source.resume()
    arrived.wait()
    cancellation.cancel(signal: number)
    tell()
    arrived.wait()
    RunningPrograms.endAll()
    // A terminal that is held (Ctrl-S) must not hold the end.
    if Terminal.takesText { Terminal.printError(lastWords) }
    _exit(128 + number)
  }
}
