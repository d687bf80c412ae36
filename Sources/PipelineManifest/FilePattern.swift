// The files that a pattern of foreach matches.
internal import Glibc

enum FilePattern {
  /// Name without folder and extension.
  static func stem(of path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
    return String(name[..<dot])
  }

  /// The files that a pattern matches, in order of their bytes in every locale.
  static func matches(_ pattern: String, in folder: String) -> [String] {
    // Only the pattern is a pattern: a folder may hold brackets in its name.
    let escaped = folder.map { "*?[]\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(ManifestPaths.join(escaped, pattern), 0, nil, &found) == 0,
      let list = found.gl_pathv
    else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { list[$0].map { String(cString: $0) } }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
