// dpc inspect: what is in a file, what is missing, and what the detector looks like.
import ArgumentParser
import DPCStages
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

  @Option(help: OutputFormat.help)
  var format: OutputFormat = .text

  @Flag(help: "Show the library's own account of a failure.")
  var verbose = false

  func run() throws {
    let inspection: FileInspection
    do { inspection = try FileInspection(path: file) } catch { throw told(error) }
    let verdict = FirstFrameVerdict(of: inspection.file)
    let refusal = verdict.refusal?.message
    if format == .json {
      try printJSON(inspection.document(refusal: refusal, doubts: verdict.doubts))
    } else {
      for line in inspection.lines(refusal: refusal, doubts: verdict.doubts) { printLine(line) }
    }
    if refusal != nil && !inspection.hasOtherFrames { ExitStatus.inputRefused.exit() }
  }

  /// Tells all that is wrong but for the last, which is left to end the command.
  private func told(_ error: AcquisitionError) -> CommandFailure {
    for other in [error] + error.others.dropLast() where !error.others.isEmpty {
      failure(other).report()
    }
    var last = failure(error.others.last ?? error)
    if !error.notStated.isEmpty {
      last.consequences =
        ["not stated either, and what that blocks:"]
        + error.notStated.map { "  \($0.path): \($0.consequence)" }
    }
    return last
  }

  private func failure(_ error: AcquisitionError) -> CommandFailure {
    var failure = CommandFailure(
      error.kind == .machine ? .machine : .inputRefused, error.description)
    if error.remedy == nil { failure.remedy = remedy(error) }
    if verbose { failure.details = error.stack }
    return failure
  }

  /// Where the file itself is not what was meant.
  private func remedy(_ error: AcquisitionError) -> String? {
    if let near = NearbyFile.suggestion(for: file) { return near }
    switch error.kind {
    case .cannotOpen: return "check the path: an acquisition is a file in HDF5"
    case .damaged where file.hasSuffix(".yaml") || file.hasSuffix(".yml"):
      return "a manifest is checked by dpc plan, and run by dpc run"
    case .damaged:
      return "an acquisition is a file in HDF5, laid out as Files in the documentation says"
    default: return nil
    }
  }
}
