// Why there is no digest of an input, as the failure that a command ends with.
public import Digest

extension StageFailure {
  /// An input of which there is no digest: the machine's fault, or that of the path.
  ///
  /// - Parameter remedy: What to do where nothing alike lies beside the path; nil: the usual.
  init(input name: String, _ error: SystemError, orElse remedy: String? = nil) {
    let message = "input '\(name)': \(error)"
    if let remedy = error.machineRemedy {
      self.init(.machine, message, remedy: remedy)
    } else {
      self.init(
        .inputRefused, message,
        remedy: NearbyFile.suggestion(for: error.path) ?? remedy
          ?? "check the path, or give another file with --input \(name)=FILE")
    }
  }

  /// An input of which there is no digest.
  public init(input name: String, _ error: FileDigestError) {
    self.init(
      input: name, SystemError(operation: error.operation, path: error.path, code: error.code))
  }
}
