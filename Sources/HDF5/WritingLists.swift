// What files are written and read with: a type and lists of properties, made once and kept.
internal import CHDF5

/// Identifiers that are made at their first use and never given back. One that could not be made is negative,
/// and the call that is given it fails and says so.
///
/// To be looked up before a call, not within one: to make them is a call too.
enum WritingLists {
  /// UTF-8 of variable length, which every reader shows as text.
  static let text = made(H5Tcopy(CHDF5_string())) { type in
    H5Tset_size(type, CHDF5_variable_size()) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0
  }

  /// Of a dataset in one piece; what is never written reads as zero, not as whatever the memory held.
  static let dataset = datasetCreation(fill: H5D_FILL_TIME_ALLOC)

  /// Of a dataset in one piece that has a place in the file from the first, and that the library does not write.
  static let datasetFilledLater = datasetCreation(fill: H5D_FILL_TIME_NEVER, isPlacedEarly: true)

  static let group = made(H5Pcreate(CHDF5_group_creation())) { list in
    H5Pset_obj_track_times(list, false) >= 0
  }

  private static func datasetCreation(
    fill: H5D_fill_time_t, isPlacedEarly: Bool = false
  ) -> hid_t {
    made(H5Pcreate(CHDF5_dataset_creation())) { list in
      H5Pset_obj_track_times(list, false) >= 0 && H5Pset_fill_time(list, fill) >= 0
        && (!isPlacedEarly || H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0)
    }
  }
}

/// As ``WritingLists``, for the transfer of numbers and texts, either way.
enum TransferLists {
  /// Converts in so much memory, bytes: the library clears all of it for each transfer that converts anything, a
  /// megabyte unless told.
  private static let smallBuffer = 4096

  static let small = made(H5Pcreate(CHDF5_dataset_transfer())) { list in
    H5Pset_buffer(list, smallBuffer, nil, nil) >= 0
  }

  static func forNumbers(_ count: Int) -> hid_t {
    count * MemoryLayout<Double>.stride <= smallBuffer ? small : CHDF5_default_properties()
  }
}

/// An identifier that is kept; negative where `finish` cannot make it what it is to be.
func made(_ make: @autoclosure () -> hid_t, _ finish: (hid_t) -> Bool) -> hid_t {
  Library.locked(nil) {
    let id = make()
    return id >= 0 && finish(id) ? id : -1
  }
}
