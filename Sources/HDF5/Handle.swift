// The owner of one identifier of the library.
internal import CHDF5

/// One reference to an object of the library, given back when the handle goes.
struct Handle: ~Copyable {
  let id: hid_t

  /// Takes over what `body` yields; a failed call never becomes a handle.
  init(_ operation: String, _ place: Place, _ body: () -> hid_t) throws(HDF5Error) {
    id = try Library.checked(operation, place, body)
  }

  deinit {
    let id = self.id
    // Nobody is left to tell; writers close by `close()`, which does.
    _ = Library.locked { H5Idec_ref(id) }
  }

  /// Gives the reference back and says whether that worked.
  consuming func close(_ operation: String, _ place: Place) throws(HDF5Error) {
    let id = self.id
    discard self
    try Library.checked(operation, place) { H5Idec_ref(id) }
  }
}
