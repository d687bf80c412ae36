// Files: opened for reading after a look at them, or created so that equal content is equal bytes.
internal import CHDF5

/// An open HDF5 file.
///
/// A file, its groups and its datasets are used from one thread at a time. What was opened from a
/// file keeps it open: release groups and datasets before ``close()``.
public struct HDF5File: ~Copyable, Sendable {
  private let handle: Handle
  /// The root group; every path starts here.
  public let root: HDF5Group
  /// The path by which the file was opened.
  public let path: String
  /// What is to be formed when the file is closed; nil in one that is read.
  private let unfilled: UnfilledDatasets?

  /// Opens an existing file for reading.
  ///
  /// Before the library sees the file it is checked to be a regular, readable HDF5 file that is
  /// whole and that no writer holds open.
  public init(opening path: String) throws(HDF5Error) {
    try FileCheck.check(path)
    let place = Place(file: path, object: nil)
    let access = try Handle("open", place) { H5Pcreate(CHDF5_file_access()) }
    // A file system without locks is no obstacle to reading.
    try Library.checked("open", place) { H5Pset_file_locking(access.id, true, true) }
    let file = try Handle("open", place) { H5Fopen(path, CHDF5_read_only(), access.id) }
    root = try HDF5Group(root: file.id, file: path)
    handle = file
    self.path = path
    unfilled = nil
  }

  /// Creates a file, replacing one of that name.
  ///
  /// The format is bounded to that of HDF5 1.8, which every reader knows, and no object carries a
  /// time: the same content written in the same order gives the same bytes.
  public init(creating path: String) throws(HDF5Error) {
    let place = Place(file: path, object: nil)
    // What befell an earlier file of this name is not this one's.
    _ = ReleaseFailures.take(path)
    let creation = try Handle("create", place) { H5Pcreate(CHDF5_file_creation()) }
    try Library.checked("create", place) { H5Pset_obj_track_times(creation.id, false) }
    let access = try Handle("create", place) { H5Pcreate(CHDF5_file_access()) }
    try Library.checked("create", place) {
      H5Pset_libver_bounds(access.id, H5F_LIBVER_V18, H5F_LIBVER_V18)
    }
    // No lock: a file is read by others only after it was closed, and a lock outlives the closing
    // where a child process was started meanwhile and holds on to the descriptor.
    try Library.checked("create", place) { H5Pset_file_locking(access.id, false, true) }
    let file = try Handle("create", place) {
      H5Fcreate(path, CHDF5_truncate(), creation.id, access.id)
    }
    let unfilled = UnfilledDatasets()
    root = try HDF5Group(root: file.id, file: path, unfilled: unfilled)
    handle = file
    self.path = path
    self.unfilled = unfilled
  }

  /// Creates a file, lets `body` fill it and closes it, with every return code looked at.
  ///
  /// - Parameter observer: Sees all bytes of the file, in their order, as they will be read from it.
  public static func create(
    _ path: String, shownTo observer: FileObserver? = nil,
    _ body: (borrowing HDF5Group) throws -> Void
  ) throws {
    let file = try HDF5File(creating: path)
    try body(file.root)
    try file.close(shownTo: observer)
  }

  /// Writes everything to the system and closes; a full disk is noticed here at the latest.
  ///
  /// - Parameter observer: Sees all bytes of a new file, in their order.
  /// - Throws: also where a group or dataset of this file is still open, since then the library
  ///   would put the closing off.
  public consuming func close(shownTo observer: FileObserver? = nil) throws(HDF5Error) {
    let place = Place(file: path, object: nil)
    let (path, unfilled) = (self.path, self.unfilled)
    try root.release()
    let id = handle.id
    if unfilled != nil { try Library.checked("write", place) { H5Fflush(id, H5F_SCOPE_LOCAL) } }
    let open = try Library.checked("close", place) {
      H5Fget_obj_count(id, CHDF5_open_objects())
    }
    if open > 0 {
      throw place.error(.library, "close", "\(open) of its objects are still open")
    }
    try handle.close("close", place)
    guard let unfilled else { return }
    if ReleaseFailures.take(path) {
      throw place.error(.library, "write", "not all of it could be written")
    }
    try FileFilling(place: place, datasets: unfilled.inOrder, observer: observer).run()
  }
}
