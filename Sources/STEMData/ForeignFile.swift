// Recognizes the files of other programs, to say what was opened instead of an acquisition.
internal import HDF5

enum ForeignFile {
  /// Whether this is what a run of dpc leaves: the list of its quantities is in the attributes.
  static func isResult(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    guard try root.kind(of: "entry") == .group else { return false }
    let entry = try root.group("entry")
    guard try entry.attributeNames().contains("results") else { return false }
    return try entry.children().contains { $0.name.hasPrefix("process_") }
  }

  /// The program or format that the file seems to come from, nil where nothing gives it away.
  static func name(_ root: borrowing HDF5Group) throws(HDF5Error) -> String? {
    let names = Set(try root.children().map(\.name))
    let attributes = Set(try root.attributeNames())
    if attributes.contains("file_format") || names.contains("Experiments") {
      return "a HyperSpy file"
    }
    if names.contains("Data"), !names.isDisjoint(with: ["Version", "Presentation", "Operations"]) {
      return "a Velox file"
    }
    if attributes.contains("emd_group_type") || names.contains("4DSTEM_experiment") {
      return "a py4DSTEM file"
    }
    if attributes.contains("version_major") || names.contains("4DSTEM_simulation") {
      return "an EMD file"
    }
    if names.contains(where: { $0.hasPrefix("Measurement_") }) { return "a USID file" }
    if names.contains("truth") { return "a file of true values, not of a measurement" }
    if attributes.contains("NX_class") || names.contains("entry") {
      return "a NeXus file of another kind"
    }
    return nil
  }
}
