// A refused acquisition as the failure of the stage that reads it.
internal import Pipeline
internal import STEMData

extension StageFailure {
  /// A refused acquisition as the stage's failure: the first of what is wrong, and where the rest is told.
  init(_ error: AcquisitionError) {
    let place = error.object.map { "\(error.file): \($0)" } ?? error.file
    let more =
      error.others.isEmpty
      ? nil : "\(error.others.count) more of its items are refused: dpc inspect tells all of them"
    let isOfMachine = error.kind == .cannotWrite || error.kind == .machine
    let isOther = error.object == nil && error.others.isEmpty && !isOfMachine
    let other =
      isOther ? "name an acquisition in HDF5: dpc inspect tells whether a file is one" : nil
    let remedies = [error.remedy ?? other, more].compactMap(\.self)
    self.init(
      isOfMachine ? .machine : .inputRefused, "\(place): \(error.reason)",
      remedy: remedies.isEmpty ? nil : remedies.joined(separator: "; "), details: error.stack)
  }
}
