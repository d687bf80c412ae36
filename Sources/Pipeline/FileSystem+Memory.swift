// Whether a file would be read from the disk or is in the system's memory.
internal import CUnistd
internal import Glibc

extension FileSystem {
  /// Places that are looked at.
  private static let samples = 32

  /// Whether all of a file that was looked at, here and there, can be read without the disk; false also where the file
  /// system cannot tell.
  ///
  /// - Parameter size: Bytes, more than none.
  static func isInMemory(_ path: String, size: Int) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return false }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    return withUnsafeMutableBytes(of: &byte) { byte in
      (0..<samples).allSatisfy { sample in
        var part = iovec(iov_base: byte.baseAddress, iov_len: 1)
        let place = (size - 1) / (samples - 1) * sample
        return preadv2(descriptor, &part, 1, place, RWF_NOWAIT) == 1
      }
    }
  }
}
