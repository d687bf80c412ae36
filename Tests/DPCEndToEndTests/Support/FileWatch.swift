// Tells whether anyone opened or read a file: the kernel's own account, which no clock can spoil.
import Foundation
import Glibc
import Testing

/// Watches one file from its making on.
final class FileWatch {
  private let descriptor: Int32

  /// - Parameter openings: Whether opening the file counts, or only reading from it.
  init(_ path: String, openings: Bool = true) throws {
    descriptor = inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))
    try #require(descriptor >= 0)
    let events = openings ? IN_OPEN | IN_ACCESS : IN_ACCESS
    try #require(inotify_add_watch(descriptor, path, UInt32(events)) >= 0)
  }

  deinit { close(descriptor) }

  /// How many bytes of events there are since the last call; 0 where nobody touched the file.
  func pendingBytes() -> Int {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    return max(0, read(descriptor, &buffer, buffer.count))
  }
}
