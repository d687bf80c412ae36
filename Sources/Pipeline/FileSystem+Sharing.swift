// What one of a group makes in a folder of the group, the others can use too.
internal import Glibc

extension FileSystem {
  /// Gives a new file or folder of a folder that belongs to a group to that group too, whatever the umask:
  /// others of the group are to read, use and replace what one of them computed.
  ///
  /// A folder that anybody may write to is no group's (`/tmp`).
  static func shareWithGroup(_ path: String, in folder: String) {
    var (parent, own) = (stat(), stat())
    guard stat(folder, &parent) == 0, parent.st_mode & (S_IWGRP | S_IWOTH) == S_IWGRP,
      stat(path, &own) == 0
    else { return }
    let isFolder = own.st_mode & S_IFMT == S_IFDIR
    let added = isFolder ? S_IRWXG | parent.st_mode & S_ISGID : S_IRGRP | S_IWGRP
    // Who may not change the mode leaves it: the file serves its owner all the same.
    _ = chmod(path, own.st_mode & 0o7777 | added)
  }

  /// Makes a folder of the cache and those above it, each open to the group that the one above belongs to.
  static func makeSharedFolder(_ path: String) throws(SystemError) {
    var (missing, folder) = ([String](), path)
    while !isFolder(folder), parent(of: folder) != folder {
      missing.append(folder)
      folder = parent(of: folder)
    }
    if missing.isEmpty { return }
    try makeFolder(path)
    for folder in missing.reversed() { shareWithGroup(folder, in: parent(of: folder)) }
  }
}
