// The owner of one identifier of the library.
internal import CHDF5
internal import Synchronization

/// One reference to an object of the library, given back when the handle goes.
struct Handle: ~Copyable {
  let id: hid_t
  /// Number of the file's path; a text would keep `close()` from giving the handle up.
  private let file: Int

  /// Takes over what `body` yields; a failed call never becomes a handle.
  init(_ operation: String, _ place: Place, _ body: () -> hid_t) throws(HDF5Error) {
    id = try Library.checked(operation, place, body)
    file = FilePaths.number(of: place.file)
  }

  deinit {
    let id = self.id
    // The last reference writes what the library held back. Nobody is here to tell of a failure: the
    // file's `close()` is.
    let file = FilePaths.path(of: self.file)
    if Library.locked(file, { H5Idec_ref(id) }) < 0 { ReleaseFailures.note(file) }
  }

  /// Gives the reference back and says whether that worked.
  consuming func close(_ operation: String, _ place: Place) throws(HDF5Error) {
    let id = self.id
    discard self
    try Library.checked(operation, place) { H5Idec_ref(id) }
  }
}

/// The paths of all files that were opened, each under a number that stands for it.
private enum FilePaths {
  private static let known = Mutex<(numbers: [String: Int], paths: [String])>(([:], []))

  static func number(of path: String) -> Int {
    known.withLock { known in
      if let number = known.numbers[path] { return number }
      known.paths.append(path)
      known.numbers[path] = known.paths.count - 1
      return known.paths.count - 1
    }
  }

  static func path(of number: Int) -> String { known.withLock { $0.paths[number] } }
}

/// Files of which an object could not be released: what the library still had to write is lost.
enum ReleaseFailures {
  private static let files = Mutex<Set<String>>([])

  static func note(_ file: String) { files.withLock { _ = $0.insert(file) } }

  /// Whether there was one since the last time that was asked.
  static func take(_ file: String) -> Bool { files.withLock { $0.remove(file) } != nil }
}
