// What is in the way where a file or a folder is wanted, and what to do about troubles of the machine.
internal import Glibc

extension FileSystem {
  /// What stands where something of another kind belongs, a folder or a loop of links in the place of a file for
  /// instance; nil where an error has another cause, and where it stands outside of `root`.
  static func obstacle(of error: SystemError, in root: String) -> String? {
    guard
      [EISDIR, ENOTDIR, ELOOP, ENOTEMPTY, EEXIST, FileSystem.noRegularFile].contains(error.code)
    else { return nil }
    var place = error.path
    // The path may lead through what is no folder.
    while !isFolder(parent(of: place)), parent(of: place) != place { place = parent(of: place) }
    return place == root || place.hasPrefix(root + "/") ? place : nil
  }
}

extension SystemError {
  /// What to do where the machine is at fault, whatever the file; nil where it is not.
  var machineRemedy: String? {
    switch code {
    case EMFILE: return "allow more open files (ulimit -n) and run again"
    case ENFILE: return "the machine has too many files open: end other programs and run again"
    case ENOMEM: return "free some memory and run again"
    case EIO: return "the disk or its connection fails: see to it, or copy the file elsewhere"
    case EACCES, EPERM: return "get the permission to read it (ls -l tells who has it)"
    default: return nil
    }
  }

  var isPermission: Bool { code == EACCES || code == EPERM }
}
