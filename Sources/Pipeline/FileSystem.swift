// The few system calls that the cache stands on: durable writes, renames and stamps of files.
internal import CUnistd
internal import Digest
internal import Glibc

/// Thin wrappers over the system calls.
enum FileSystem {
  /// The code of an error for a file that never stood still long enough to be read.
  static let changedWhileRead = EAGAIN
  /// The code of an error for a pipe or a device: what has no content.
  static let noRegularFile = FileDigestError.noRegularFile
  static let noSpace = ENOSPC
  static let overQuota = EDQUOT

  /// The stamp of a regular file, or of what a link leads to.
  ///
  /// - Throws: ``SystemError``; a folder, pipe or device is refused, since it has no content.
  static func stamp(of path: String) throws(SystemError) -> FileStamp {
    var status = stat()
    if stat(path, &status) != 0 { throw failure("open", path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw SystemError(operation: "read", path: path, code: EISDIR)
    default: throw SystemError(operation: "read", path: path, code: noRegularFile)
    }
    return FileStamp(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
      modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
  }

  /// The stamp of a file that others may remove at any time; nil once they have.
  static func existingStamp(of path: String) throws(SystemError) -> FileStamp? {
    do throws(SystemError) { return try stamp(of: path) } catch {
      if error.isMissingFile { return nil }
      throw error
    }
  }

  static func readAll(_ path: String) throws(SystemError) -> [UInt8] {
    // A pipe would be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw failure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) {
      throw SystemError(operation: "read", path: path, code: noRegularFile)
    }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 13)
    while true {
      let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("read", path)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: block[..<count])
    }
  }

  /// Writes a new file; a file that is there already is an error.
  static func write(
    _ bytes: [UInt8], toNew path: String
  ) throws(SystemError) {
    let descriptor = try openNew(path)
    defer { close(descriptor) }
    try write(bytes, to: descriptor, path)
  }

  /// Writes all of the bytes, however many calls that takes.
  static func write(
    _ bytes: [UInt8], to descriptor: Int32, _ path: String
  ) throws(SystemError) {
    let code = bytes.withUnsafeBytes { write($0, to: descriptor) }
    if let code { throw SystemError(operation: "write", path: path, code: code) }
  }

  /// Writes all of the bytes, however many calls that takes.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String
  ) throws(SystemError) {
    if let code = write(bytes, to: descriptor) {
      throw SystemError(operation: "write", path: path, code: code)
    }
  }

  /// - Returns: The value of `errno` where not all could be written.
  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      rest = rest.dropFirst(count)
    }
    return nil
  }

  /// Opens a new file for writing; whoever asked closes it.
  static func openNew(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw failure("write", path) }
    return descriptor
  }

  /// Waits until a file or a folder's entries are on the disk.
  static func synchronize(_ path: String) throws(SystemError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw failure("open", path) }
    defer { close(descriptor) }
    // Some network file systems know no fsync of a folder and say EINVAL: there it is not needed.
    if fsync(descriptor) != 0 && errno != EINVAL { throw failure("write", path) }
  }

  /// Waits until everything that was written to the file system of `path` before is on its disk.
  static func synchronizeAll(besides path: String) throws(SystemError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw failure("open", path) }
    defer { close(descriptor) }
    if syncfs(descriptor) != 0 { throw failure("write", path) }
  }

  static func rename(_ old: String, to new: String) throws(SystemError) {
    let moved = try? stamp(of: old)
    if Glibc.rename(old, new) == 0 { return }
    let error = failure("write", new)
    // NFS repeats a request whose answer was lost, and then finds the source gone: it is where it should be.
    if error.code == ENOENT, let moved, isSameFile(moved, at: new) { return }
    throw error
  }

  /// Gives a file a second name, unless there is something of that name.
  ///
  /// - Returns: Whether it has the name now.
  static func link(_ path: String, to new: String) throws(SystemError) -> Bool {
    if Glibc.link(path, new) == 0 { return true }
    let error = failure("write", new)
    if error.code == EEXIST { return false }
    throw error
  }

  /// Whether the file of this stamp now stands at `path`; a rename leaves all but the time of change.
  static func isSameFile(_ moved: FileStamp, at path: String) -> Bool {
    guard let found = try? stamp(of: path) else { return false }
    return found.device == moved.device && found.inode == moved.inode && found.size == moved.size
      && found.modified == moved.modified
  }

  static func makeReadOnly(_ path: String) throws(SystemError) {
    if chmod(path, 0o444) != 0 { throw failure("change the mode of", path) }
  }

  /// Makes a folder and those above it; one that is there already is fine.
  static func makeFolder(_ path: String) throws(SystemError) {
    if mkdir(path, 0o755) == 0 { return }
    switch errno {
    case EEXIST:
      if isFolder(path) { return }
      throw SystemError(operation: "make the folder", path: path, code: ENOTDIR)
    case ENOENT:
      let parent = parent(of: path)
      if parent == path || parent.isEmpty { throw failure("make the folder", path) }
      try makeFolder(parent)
      if mkdir(path, 0o755) != 0 && errno != EEXIST { throw failure("make the folder", path) }
    default:
      // A read-only file system may say so even of a folder that is there.
      let error = failure("make the folder", path)
      if !isFolder(path) { throw error }
    }
  }

  /// Has a network file system ask its server what a folder holds now. It may otherwise go on saying for half a
  /// minute that a file is not there; opening the folder is what it takes as a wish to know.
  static func refresh(_ path: String) {
    if let stream = opendir(path) { closedir(stream) }
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Sets when a file was read and modified last, nanoseconds since 1970.
  static func setModified(_ path: String, to time: Int) throws(SystemError) {
    let time = timespec(tv_sec: time / 1_000_000_000, tv_nsec: time % 1_000_000_000)
    if utimensat(AT_FDCWD, path, [time, time], 0) != 0 { throw failure("set the times of", path) }
  }

  /// Learns whether files can be made in a folder, as far as permissions say.
  static func checkWritable(_ folder: String) throws(SystemError) {
    if access(folder, W_OK | X_OK) != 0 { throw failure("write to", folder) }
  }

  /// Sets the times of a file to now; one that cannot be touched stays as it is.
  static func touch(_ path: String) { _ = utimensat(AT_FDCWD, path, nil, 0) }

  static func remove(_ path: String) throws(SystemError) {
    if unlink(path) != 0 && errno != ENOENT { throw failure("remove", path) }
  }

  /// Removes a folder with the files and folders in it; one that is not there is fine.
  static func removeFolder(_ path: String) throws(SystemError) {
    for name in try names(in: path) {
      let entry = path + "/" + name
      if unlink(entry) == 0 || errno == ENOENT { continue }
      if errno != EISDIR { throw failure("remove", entry) }
      try removeFolder(entry)
    }
    if rmdir(path) != 0 && errno != ENOENT { throw failure("remove", path) }
  }

  /// The names in a folder, sorted; none where there is no such folder.
  static func names(in path: String) throws(SystemError) -> [String] {
    guard let stream = opendir(path) else {
      let error = failure("list", path)
      if error.isMissingFile { return [] }
      throw error
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      // Only errno tells an error from the end.
      errno = 0
      guard let entry = readdir(stream) else {
        if errno == 0 { return names.sorted() }
        let error = failure("list", path)
        if error.isMissingFile { return [] }
        throw error
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func failure(_ operation: String, _ path: String) -> SystemError {
    SystemError(operation: operation, path: path, code: errno)
  }

  private static func nanoseconds(_ time: timespec) -> Int {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
