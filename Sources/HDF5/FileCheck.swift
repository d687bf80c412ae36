// Looks at a file before the library opens it: what it is, and whether it is whole.
internal import Glibc

/// Reads the first bytes of a file itself, since the library's messages for a wrong file are poor.
///
/// Layout of the superblock: HDF5 File Format Specification 3.0, section II.A.
struct FileCheck {
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Versions 0 to 3 are those of HDF5 up to 1.14.
  private static let newestSuperblock: UInt8 = 3

  let place: Place
  private let descriptor: Int32
  private let size: Int

  /// Throws what is wrong with the file at `path`; returns where nothing is.
  static func check(_ path: String) throws(HDF5Error) {
    let place = Place(file: path, object: nil)
    var status = stat()
    // A pipe or a device could block on opening: look at what it is first.
    if stat(path, &status) != 0 { throw systemError(place) }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR { throw place.error(.notAFile, "open", "it is a directory") }
    if kind != S_IFREG { throw place.error(.notAFile, "open", "it is not a regular file") }
    if status.st_size == 0 { throw place.error(.notHDF5, "open", "the file is empty") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw systemError(place) }
    defer { _ = close(descriptor) }
    try FileCheck(place: place, descriptor: descriptor, size: Int(status.st_size)).check()
  }

  private static func systemError(_ place: Place) -> HDF5Error {
    let code = errno
    switch code {
    case ENOENT, ENOTDIR: return place.error(.noSuchFile, "open", "no such file")
    case EPERM: return MachineTrouble.of(EACCES)?.error("open", place) ?? unknown(code, place)
    default: return MachineTrouble.of(code)?.error("open", place) ?? unknown(code, place)
    }
  }

  private static func unknown(_ code: Int32, _ place: Place) -> HDF5Error {
    place.error(.library, "open", String(cString: strerror(code)))
  }

  private func check() throws(HDF5Error) {
    var first: UInt8 = 0
    if pread(descriptor, &first, 1, 0) < 0 { throw Self.systemError(place) }
    guard let start = signatureOffset() else {
      throw place.error(.notHDF5, "open", "it is not an HDF5 file (no HDF5 signature)")
    }
    let block = bytes(at: start, count: 96)
    guard block.count >= 9 else { throw damaged("its superblock is cut short") }
    let version = block[8]
    if version > Self.newestSuperblock {
      throw place.error(
        .newerFormat, "open",
        "written by a newer HDF5 (superblock version \(version)) than \(HDF5Library.version) reads")
    }
    if version == 3, block.count > 11, block[11] & 0b101 != 0 {
      throw place.error(
        .openForWriting, "open",
        "still open for writing, or left so by a program that died; close the writer, or write "
          + "the file again (h5clear -s on a copy may recover it)")
    }
    try checkEnd(of: block, version: version)
  }

  /// The signature stands at 0, 512, 1024, 2048, ... behind a user block.
  private func signatureOffset() -> Int? {
    var offset = 0
    while offset + Self.signature.count <= size {
      if bytes(at: offset, count: Self.signature.count) == Self.signature { return offset }
      offset = offset == 0 ? 512 : 2 * offset
    }
    return nil
  }

  /// Compares the end that the superblock states with the end there is.
  private func checkEnd(of block: [UInt8], version: UInt8) throws(HDF5Error) {
    let sizePosition = version < 2 ? 13 : 9
    guard block.count > sizePosition else { throw damaged("its superblock is cut short") }
    let width = Int(block[sizePosition])
    guard width == 2 || width == 4 || width == 8 else {
      throw damaged("its superblock is broken (addresses of \(width) bytes)")
    }
    let addresses = version == 0 ? 24 : version == 1 ? 28 : 12
    let position = addresses + 2 * width
    guard block.count >= position + width else { throw damaged("its superblock is cut short") }
    var end: UInt64 = 0
    for byte in block[position..<(position + width)].reversed() { end = end << 8 | UInt64(byte) }
    if end > UInt64(size) && width == 8 && end != .max {
      throw damaged("it is truncated: \(size) bytes of \(end)")
    }
  }

  private func damaged(_ reason: String) -> HDF5Error {
    place.error(.damaged, "open", reason)
  }

  private func bytes(at offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      // SAFETY: pread writes at most `count` bytes and says how many.
      initialized = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
  }
}
