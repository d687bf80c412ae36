// How dpc ends: the exit codes, and failures as one line with the details on demand.
import Foundation
import Pipeline

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

  func exit() -> Never {
    fflush(nil)
    Foundation.exit(code)
  }
}

/// A command that cannot do what it was asked to.
struct CommandFailure: Error {
  var status: ExitStatus
  var message: String
  var remedy: String?
  var details: [String] = []

  init(_ status: ExitStatus, _ message: String, remedy: String? = nil) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  init(_ failure: StageFailure, isVerbose: Bool = false) {
    self.init(ExitStatus(failure.category), failure.message, remedy: failure.remedy)
    if isVerbose { details = failure.details }
  }

  /// One line, what to do about it, and the details if they were asked for.
  func report() {
    Terminal.printError("error: \(message)")
    if let remedy { Terminal.printError("  \(remedy)") }
    for line in details { Terminal.printError("  | \(line)") }
  }
}
