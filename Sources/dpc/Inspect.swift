// dpc inspect: what is in a file, what is missing, and what the detector looks like.
import ArgumentParser
import Pipeline
import STEMData

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Tell what is in an acquisition, what is missing for which result, and draw its detector.",
    discussion: "Example: dpc inspect scan.h5")

  @Argument(help: "An acquisition (HDF5).", completion: .file())
  var file: String

  @Flag(help: "Show the library's own account of a failure.")
  var verbose = false

  func run() throws {
    do {
      for line in try FileInspection(path: file).lines() { print(line) }
    } catch {
      for other in [error] + error.others.dropLast() where !error.others.isEmpty {
        failure(other).report()
      }
      var last = failure(error.others.last ?? error)
      if !error.notStated.isEmpty {
        last.consequences =
          ["not stated either, and what that blocks:"]
          + error.notStated.map { "  \($0.path): \($0.consequence)" }
      }
      throw last
    }
  }

  private func failure(_ error: AcquisitionError) -> CommandFailure {
    var failure = CommandFailure(.inputRefused, error.description)
    if verbose { failure.details = error.stack }
    return failure
  }
}
