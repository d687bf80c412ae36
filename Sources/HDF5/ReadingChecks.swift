// What is looked at before a dataset is read: where its bytes are, and whether they can be true.
internal import CHDF5

extension HDF5Dataset {
  /// Up to here a dataset is read whatever it claims, bytes.
  private static let harmlessBytes = 64 << 20
  /// Deflate reaches 1000 on zeros only; no measured signal comes near this.
  private static let plausibleCompression = 200

  /// Throws where the values cannot be had or trusted: external, unknown filter, absurd size.
  public func checkReadable() throws(HDF5Error) {
    try checkSource(HDF5Region(wholeOf: shape))
  }

  /// Throws where the block is not in the dataset, or the dataset's bytes cannot be had or trusted.
  func checkSource(_ region: HDF5Region) throws(HDF5Error) {
    try checkBounds(region)
    switch description.storage {
    case .external(let file):
      throw place.error(
        .leavesFile, "read",
        "its values are in an external file, \(file); only what lies in the file itself is read")
    case .virtual:
      throw place.error(
        .leavesFile, "read",
        "it is a virtual dataset put together from other files; only what lies in the file itself "
          + "is read: copy the values in")
    case .contiguous: try checkContiguous()
    case .chunked(let chunk): try checkChunks(of: chunk)
    case .compact: break
    }
    for filter in description.filters where !filter.isAvailable {
      throw place.error(.missingFilter, "read", KnownFilter.advice(for: filter))
    }
  }

  func checkBounds(_ region: HDF5Region) throws(HDF5Error) {
    let isInside =
      region.offset.count == shape.count && region.count.count == shape.count
      && shape.indices.allSatisfy { axis in
        region.offset[axis] >= 0 && region.count[axis] >= 0
          && region.count[axis] <= shape[axis]
          && region.offset[axis] <= shape[axis] - region.count[axis]
      }
    if !isInside {
      throw place.error(
        .mismatch, "access",
        "the block at \(region.offset) of \(region.count) is not within its shape \(shape)")
    }
  }

  private var claimedBytes: Int {
    shape.reduce(description.element.storedBytes) { product, side in
      let (next, overflow) = product.multipliedReportingOverflow(by: side)
      return overflow ? .max : next
    }
  }

  private func checkContiguous() throws(HDF5Error) {
    let id = self.id
    let address = Library.locked(place.file) { H5Dget_offset(id) }
    guard address != CHDF5_no_address() else {
      // Never written: every element is the fill value.
      if claimedBytes > Self.harmlessBytes { throw implausible("none of them is in the file") }
      return
    }
    let size = try fileSize()
    let end = UInt64(address).addingReportingOverflow(UInt64(claimedBytes))
    if end.overflow || end.partialValue > UInt64(size) {
      throw place.error(
        .damaged, "read",
        "its values reach to byte \(end.partialValue) of a file of \(size): the file is cut short "
          + "or damaged")
    }
  }

  private func checkChunks(of chunk: [Int]) throws(HDF5Error) {
    let chunkBytes = chunk.reduce(description.element.storedBytes) { product, side in
      let (next, overflow) = product.multipliedReportingOverflow(by: side)
      return overflow ? .max : next
    }
    let stored = min(description.storedBytes, try fileSize())
    let largest = max(claimedBytes, chunkBytes)
    if largest > Self.harmlessBytes, largest / Self.plausibleCompression > stored {
      throw implausible("only \(stored) bytes of them are in the file")
    }
  }

  private func implausible(_ reason: String) -> HDF5Error {
    let sides = shape.map(String.init).joined(separator: "×")
    return place.error(
      .implausibleSize, "read",
      "it claims \(sides) elements of \(description.element), but \(reason)")
  }

  private func fileSize() throws(HDF5Error) -> Int {
    let id = self.id
    let file = try Handle("read", place) { H5Iget_file_id(id) }
    var size: hsize_t = 0
    try Library.checked("read", place) { [file = file.id] in H5Fget_filesize(file, &size) }
    return Int(clamping: size)
  }
}
