// Ctrl-C and termination: once asks the run to stop, twice stops it at once.
import DPCStages
import Dispatch
import Foundation
import Pipeline

/// Watches SIGINT and SIGTERM from its making to the end of the process.
enum Interruption {
  private static let signals = [SIGINT, SIGTERM]

  /// - Returns: What a run looks at to learn that it shall stop.
  static func watched() -> RunCancellation {
    let cancellation = RunCancellation()
    for number in signals {
      signal(number, SIG_IGN)
      Thread.detachNewThread { wait(for: number, cancellation) }
    }
    return cancellation
  }

  /// Blocks a thread of its own until the signal comes, then until it comes again.
  private static func wait(for number: Int32, _ cancellation: RunCancellation) {
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    let arrived = DispatchSemaphore(value: 0)
    source.setEventHandler { arrived.signal() }
    source.resume()
    arrived.wait()
    Terminal.printError("stopping after what is under way; once more to stop now")
    cancellation.cancel(signal: number)
    arrived.wait()
    RunningPrograms.endAll()
    _exit(128 + number)
  }
}
