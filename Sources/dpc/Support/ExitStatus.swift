// How dpc ends: the exit codes, and failures as one line with the details on demand.
// Not a race: nothing assigns the pointer to the standard stream.
@preconcurrency import Foundation
import Pipeline
import PipelineManifest
import ShownText

/// The exit codes that scripts may rely on.
struct ExitStatus: Equatable {
  let code: Int32

  static let done = ExitStatus(code: 0)
  static let nothingProduced = ExitStatus(code: 1)
  static let usage = ExitStatus(code: 2)
  static let partial = ExitStatus(code: 3)
  static let inputRefused = ExitStatus(code: 4)
  static let machine = ExitStatus(code: 5)

  init(code: Int32) { self.code = code }

  init(_ category: StageFailure.Category) {
    switch category {
    case .inputRefused: self = .inputRefused
    case .machine: self = .machine
    case .interrupted: self = ExitStatus(code: 130)
    case .missingPrerequisite, .failed: self = .nothingProduced
    }
  }

  /// Ends the command; one that could not say what it had to say has not done its work.
  func exit() -> Never {
    let flushed = fflush(stdout)
    // What a failed write threw away before is known by the stream's own mark alone.
    if (flushed != 0 || ferror(stdout) != 0) && code < 128 && self != .machine {
      CommandFailure(.machine, "standard output: not all of it could be written").report()
      Foundation.exit(Self.machine.code)
    }
    Foundation.exit(code)
  }
}

/// A command that cannot do what it was asked to.
struct CommandFailure: Error {
  var status: ExitStatus
  var message: String
  var remedy: String?
  /// What was not done for it, or what else there is to know.
  var consequences: [String] = []
  var details: [String] = []
  /// Whether the message is a text that says for itself that it tells of errors.
  private var isReport = false

  init(_ status: ExitStatus, _ message: String, remedy: String? = nil) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  init(_ failure: StageFailure, isVerbose: Bool = false) {
    self.init(ExitStatus(failure.category), failure.message, remedy: failure.remedy)
    if isVerbose { details = failure.details }
  }

  /// Everything that is wrong with a manifest, each with its place.
  init(_ error: ManifestError) {
    self.init(.usage, error.rendered.trimmingCharacters(in: .newlines))
    isReport = true
  }

  /// One line, what to do about it, and the details if they were asked for.
  func report() {
    Terminal.printError(isReport ? message : "error: \(Shown.printable(message))")
    for line in [remedy].compactMap(\.self) + consequences {
      Terminal.printError("  \(Shown.printable(line))")
    }
    for line in details { Terminal.printError("  | \(Shown.printable(line))") }
  }
}
