// Items that nothing reads for their names: mistyped, or in another group than the layout has them in.
internal import HDF5
internal import ShownText

/// Something in a file that nothing reads, and where it would be read.
struct MisnamedItem: Equatable {
  /// Of a dataset or group; an attribute in words.
  var path: String
  /// A path of the layout at which nothing stands, or an attribute in words.
  var meant: String

  /// As a sentence.
  var words: String {
    let isAttribute = !path.hasPrefix("/")
    let place = isAttribute && meant.hasPrefix("/") ? "the dataset \(meant)" : meant
    return "nothing reads \(Shown.clipped(path, to: 200)): its place would be \(place)"
  }

  /// Whether it may have been meant to stand at a path, or above it.
  func isMeant(by missing: String) -> Bool { meant == missing || missing.hasPrefix(meant + "/") }
}

extension ItemReader {
  /// What is named almost as an item or group that is missing, or as a missing one of another group; attributes last.
  ///
  /// A group that cannot be listed has none: this helps, and decides nothing.
  func misnamed() -> [MisnamedItem] {
    let groups = AcquisitionPath.groups.map(\.0)
    let names = ([""] + groups).reduce(into: [String: [String]]()) { names, group in
      names[group] =
        group.isEmpty ? try? file.root.childNames() : try? file.root.group(group).childNames()
    }
    let missing = (groups + AcquisitionPath.read).filter { path in
      let (parent, name) = Self.parts(path)
      return !(names[parent]?.contains(name) ?? false)
    }
    let items = ([""] + groups).flatMap { group in
      (names[group] ?? []).map { "\(group)/\($0)" }
        .filter { !AcquisitionPath.layout.contains($0) }
        .compactMap { path in
          Self.meant(by: path, among: missing).map { MisnamedItem(path: path, meant: $0) }
        }
    }
    return items + misnamedAttributes(missing: missing)
  }

  /// What may have been meant to stand at a path at which nothing stands, or above it.
  func misnamed(for path: String) -> MisnamedItem? {
    misnamed().first { $0.isMeant(by: path) }
  }

  static func meant(by path: String, among missing: [String]) -> String? {
    let (parent, name) = parts(path)
    let beside = missing.map(parts).filter { $0.parent == parent }.map(\.name)
    if let near = Spelling.closest(to: name, among: beside) { return "\(parent)/\(near)" }
    return missing.first { parts($0).name == name }
  }

  private static func parts(_ path: String) -> (parent: String, name: String) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    return (String(path[..<slash]), String(path[slash...].dropFirst()))
  }
}
