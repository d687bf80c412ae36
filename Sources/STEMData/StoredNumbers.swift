// Whether the numbers of a dataset are those that its writer had: all stored, and as they are.
internal import HDF5

extension ItemReader {
  /// Refuses a dataset from which other numbers would be read than those that were to be stored.
  func checkNumbers(_ dataset: borrowing HDF5Dataset) throws(AcquisitionError) {
    try checkWritten(dataset)
    try checkUnpacked(dataset)
  }

  /// Zeros that were never measured would pass for a detector in the dark.
  private func checkWritten(_ dataset: borrowing HDF5Dataset) throws(AcquisitionError) {
    let (missing, total) = try reading { () throws(HDF5Error) in
      try dataset.unwrittenChunks()
    }
    if missing == 0 { return }
    throw AcquisitionError(
      kind: .damaged, file: file.path, object: dataset.path,
      reason: total == 1
        ? "its values were never written"
        : "\(missing) of its \(total) chunks were never written",
      remedy:
        "wait until the writer is done; if it died, record again, or cut what is complete out into"
        + " a new file")
  }

  /// Some writers pack real numbers into integers: number = stored · scale_factor + add_offset.
  private func checkUnpacked(_ dataset: borrowing HDF5Dataset) throws(AcquisitionError) {
    for (name, neutral) in [("scale_factor", 1.0), ("add_offset", 0)] {
      let values = try reading { () throws(HDF5Error) in
        try dataset.attributeValues(name, as: Double.self)
      }
      guard let values, values.contains(where: { $0 != neutral }) else { continue }
      throw failure(
        .unsupported, dataset.path,
        "its numbers are packed, with the attribute \(name) = \(NumberText.plain(values))",
        "write the unpacked numbers, without scale_factor and add_offset")
    }
  }
}
