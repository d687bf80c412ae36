// Where a path of a manifest or of the command line leads.

/// Joins paths without looking at the disk; `..` stays, since a link may stand before it.
enum ManifestPaths {
  /// `path` as seen from `folder`; an absolute path stays, an empty folder is the working folder.
  static func join(_ folder: String, _ path: String) -> String {
    var path = Substring(path)
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    if path.isEmpty { path = "." }
    if path.hasPrefix("/") || folder.isEmpty || folder == "." { return String(path) }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// The folder of a file; empty for a bare name.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
