// What a writer that died left out of a dataset: reading it gives zeros that nobody measured.
internal import CHDF5

extension HDF5Dataset {
  /// Chunks that were never written, and how many there are; the whole is one where it is not chunked.
  ///
  /// None where the writer set a fill value: what it left out then reads as the value that it chose.
  ///
  /// - Throws: ``HDF5Error`` where the library cannot tell.
  public func unwrittenChunks() throws(HDF5Error) -> (count: Int, total: Int) {
    let id = self.id
    let creation = try Handle("read", place) { H5Dget_create_plist(id) }
    var fill = H5D_FILL_VALUE_UNDEFINED
    try Library.checked("read", place) { [list = creation.id] in
      H5Pfill_value_defined(list, &fill)
    }
    if fill == H5D_FILL_VALUE_USER_DEFINED || shape.contains(0) { return (0, 0) }
    switch description.storage {
    case .compact, .external, .virtual: return (0, 1)
    case .contiguous:
      return (Library.locked(place.file) { H5Dget_offset(id) } == CHDF5_no_address() ? 1 : 0, 1)
    case .chunked(let chunk):
      var written: hsize_t = 0
      // The library wants the dataspace itself: it does not take H5S_ALL here.
      let space = try Handle("read", place) { H5Dget_space(id) }
      try Library.checked("read", place) { [space = space.id] in
        H5Dget_num_chunks(id, space, &written)
      }
      let total = zip(shape, chunk).reduce(1) { total, axis in
        total.multipliedReportingOverflow(by: (axis.0 + axis.1 - 1) / max(1, axis.1)).partialValue
      }
      return (max(0, total - Int(clamping: written)), total)
    }
  }
}
